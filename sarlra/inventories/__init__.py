"""Polygons of landslides: read, mended, and cleaned of what a track cannot see."""
