"""sarlra finds the landslides that an earthquake set off, from Sentinel-1 radar."""

__version__ = "0.1.0"
