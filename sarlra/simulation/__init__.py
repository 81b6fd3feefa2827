"""A small simulated world, published as a real archive of Sentinel-1 RTC would be."""
