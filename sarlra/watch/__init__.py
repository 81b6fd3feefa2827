"""From the feed of earthquakes to a product that gets better with every pass."""
