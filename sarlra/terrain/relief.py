"""Heights as coarsely as needed to tell sea from land and hills from plains."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sarlra.terrain.choice import DemSource
from sarlra.terrain.dem import F32, onto, read_file
from sarlra.terrain.dem_stac import has_items, read_native
from sarlra.terrain.ground import GroundGrid


def coarse_heights(dem: DemSource, grid: GroundGrid) -> F32:
    """Heights on a coarse grid: (rows, columns) float32, metres, NaN where they are not known.

    Where a *source* has no item there is sea, and the height 0: GLO-30 leaves out what has no
    land. A *file* says nothing of what lies beyond it.

    Raises
    ------
    TerrainError
        The DEM cannot be read, or is a file that does not cover any of the grid.
    SearchError
        The search for items failed.
    """
    if dem.source is None:
        return onto(read_file(dem.file or Path(), grid, coarse=True), grid)
    if not has_items(dem.source, grid):
        return np.zeros(grid.shape, dtype=np.float32)
    heights = onto(read_native(dem.source, grid, coarse=True), grid)
    return np.where(np.isnan(heights), np.float32(0.0), heights)
