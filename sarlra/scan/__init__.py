"""Scans: the tile x track jobs of an area of any size, planned cell by cell and run to the end."""
