"""A place looked at before a pass: slope, aspect, incidence and visibility of a whole DEM."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from rasterio.warp import calculate_default_transform

from sarlra.errors import TerrainError
from sarlra.terrain.dem import onto, read_whole
from sarlra.terrain.given import Geometry
from sarlra.terrain.ground import GroundGrid
from sarlra.terrain.look import look_at
from sarlra.terrain.native import MAX_PIXELS, NativeDem
from sarlra.terrain.slopes import gradients, slope_aspect
from sarlra.terrain.visibility import see

F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Relief:
    """Heights on a projected grid of square pixels: (rows, columns) float32, NaN = void."""

    heights: F32
    grid: GroundGrid

    def slope_aspect(self) -> tuple[F32, F32]:
        """Slope and the direction that it faces, degrees from grid north; float32, NaN = void."""
        return slope_aspect(*gradients(self.heights, self.grid.resolution))


@dataclass(frozen=True, slots=True)
class PlaceView:
    """What a track sees of a place: ``incidence`` (float32, degrees, NaN = void), ``visibility``
    (uint8, :class:`sarlra.terrain.codes.Visibility`) and ``look_azimuth`` (float32, degrees from
    grid north, from the sensor to the ground), (rows, columns).
    """

    incidence: F32
    visibility: U8
    look_azimuth: F32


def read_relief(path: Path) -> Relief:
    """A DEM on its own grid where that is projected, else on the UTM zone of its middle.

    Raises
    ------
    TerrainError
        The DEM cannot be read, has only voids, or lies where UTM is not defined.
    """
    native = read_whole(path)
    grid = _own_grid(native) or _utm_grid(native, path)
    heights = onto(native, grid)
    if not np.isfinite(heights).any():
        raise TerrainError(f"the DEM {path} has no height: all of it is void")
    if min(heights.shape) < 3:
        raise TerrainError(f"the DEM {path} has {heights.shape} pixels, too few for a slope")
    return Relief(heights, grid)


def look_over(relief: Relief, geometry: Geometry, *, buffer_m: float = 0.0) -> PlaceView:
    """Look at a place as a track does; distortion from beyond the DEM is not seen."""
    grid = relief.grid
    look = look_at(geometry, grid, relief.heights)
    seen = see(
        relief.heights,
        look.incidence,
        look.look_azimuth,
        grid.resolution,
        buffer_px=round(buffer_m / grid.resolution),
    )
    known = np.isfinite(relief.heights)
    incidence = np.where(known, look.incidence, np.float32("nan"))
    return PlaceView(incidence, seen, look.look_azimuth)


def _own_grid(native: NativeDem) -> GroundGrid | None:
    """The DEM's grid where it is projected in metres and its pixels are square."""
    crs, transform = rasterio.crs.CRS.from_user_input(native.crs), native.transform
    if not crs.is_projected or crs.linear_units_factor[1] != 1.0:
        return None
    if abs(transform.a + transform.e) > 1e-9 * transform.a:
        return None
    return GroundGrid(native.crs, transform, native.heights.shape)


def _utm_grid(native: NativeDem, path: Path) -> GroundGrid:
    """The UTM zone of the DEM's middle, in about the DEM's own resolution, whole metres."""
    crs = rasterio.crs.CRS.from_user_input(native.crs)
    rows, cols = native.heights.shape
    left, top = native.transform @ (0, 0)
    right, bottom = native.transform @ (cols, rows)
    bounds = rasterio.warp.transform_bounds(crs, 4326, left, bottom, right, top)
    lon, lat = (bounds[0] + bounds[2]) / 2, (bounds[1] + bounds[3]) / 2
    if not -80.0 <= lat <= 84.0 or bounds[0] > bounds[2]:
        raise TerrainError(
            f"the DEM {path} lies at {lat:.1f} N, {lon:.1f} E, where no UTM zone can hold it",
            hint="warp it to a projected CRS in metres first",
        )
    epsg = (32600 if lat >= 0 else 32700) + int((lon + 180.0) // 6) % 60 + 1
    made, _, _ = calculate_default_transform(crs, epsg, cols, rows, left, bottom, right, top)
    step = max(1.0, float(round(made.a)))
    west, south, east, north = rasterio.warp.transform_bounds(
        crs, epsg, left, bottom, right, top, densify_pts=21
    )
    west, north = np.floor(west / step) * step, np.ceil(north / step) * step
    shape = (int(np.ceil((north - south) / step)), int(np.ceil((east - west) / step)))
    if shape[0] * shape[1] > MAX_PIXELS:
        raise TerrainError(f"the DEM {path} would have {shape} pixels in UTM, too many")
    transform = Affine(step, 0.0, float(west), 0.0, -step, float(north))
    return GroundGrid(f"EPSG:{epsg}", transform, shape)
