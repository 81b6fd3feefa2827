"""The slope mask over somebody's own composite."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray

from sarlra.detection.composite_file import CompositeFile
from sarlra.errors import InputError
from sarlra.terrain.choice import DemSource
from sarlra.terrain.dem import read_dem
from sarlra.terrain.ground import GroundGrid
from sarlra.terrain.slopes import gradients, slope_aspect


def steep_pixels(composite: CompositeFile, dem: Path, least_deg: float) -> NDArray[np.bool_]:
    """Pixels of a composite at least so steep; those of unknown slope count as steep.

    Raises
    ------
    InputError
        The composite lies on no north-up grid of square metres, so that it has no slopes.
    TerrainError
        The DEM cannot be read, or does not cover any of the composite.
    """
    transform = composite.transform
    crs = rasterio.crs.CRS.from_user_input(composite.crs) if composite.crs else None
    if (
        crs is None
        or not crs.is_projected
        or crs.linear_units_factor[1] != 1.0
        or transform.b
        or transform.d
        or abs(transform.a + transform.e) > 1e-9 * abs(transform.a)
        or transform.a <= 0
    ):
        raise InputError(
            "the slope mask needs a composite on a north-up grid of square pixels in metres",
            hint="warp it to UTM first, or leave --min-slope out",
        )
    epsg = crs.to_epsg()
    grid = GroundGrid(f"EPSG:{epsg}" if epsg else crs.to_wkt(), transform, composite.shape)
    heights = read_dem(DemSource(file=dem), grid)
    slope, _ = slope_aspect(*gradients(heights, grid.resolution))
    return np.asarray(~(slope < least_deg))
