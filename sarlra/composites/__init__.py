"""From a track's acquisitions to a composite on a tile, and its region of the Zarr store."""
