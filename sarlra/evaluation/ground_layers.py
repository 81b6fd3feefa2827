"""What the ground of a tile is like, pixel by pixel, for asking what was missed where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.errors import RasterioError
from rasterio.warp import Resampling, reproject

from sarlra.errors import InputError, TerrainError
from sarlra.evaluation.rivers import river_distance
from sarlra.grid import PixelBox, Tile
from sarlra.terrain.choice import DemSource
from sarlra.terrain.dem import read_dem
from sarlra.terrain.given import Geometry
from sarlra.terrain.ground import GroundGrid
from sarlra.terrain.look import look_at
from sarlra.terrain.slopes import gradients, local_incidence, rise_in_range, slope_aspect

F32 = NDArray[np.float32]

#: Classes of land cover by code: those of ESA WorldCover.
COVERS: Mapping[int, str] = {
    10: "trees", 20: "shrubs", 30: "grass", 40: "crops", 50: "built up", 60: "bare", 70: "snow",
    80: "water", 90: "wetland", 95: "mangroves", 100: "moss and lichen",
}  # fmt: skip
#: Rivers are looked for this far around a tile.
_MARGIN_PX = 300


@dataclass(frozen=True, slots=True)
class GroundLayers:
    """Layers of a tile and its halo, (rows, columns); float32, NaN where not known.

    ``slope`` and ``aspect`` in degrees (the aspect from grid north); ``sensor``: the direction to
    the sensor, degrees from grid north; ``incidence``: local, degrees; ``river_m``: metres to a
    river; ``cover``: code of land cover, uint8, 0 where not known.
    """

    slope: F32
    aspect: F32
    sensor: F32
    incidence: F32
    river_m: F32
    cover: NDArray[np.uint8]


def ground_layers(
    tile: Tile, edge_px: int, dem: DemSource, geometry: Geometry | None, cover: Path | None
) -> GroundLayers:
    """The layers of a tile's pixels, of ``edge_px`` rows and columns.

    A DEM that does not cover the tile leaves NaN.

    Raises
    ------
    InputError
        The land cover cannot be read.
    """
    box = PixelBox(0, edge_px, 0, edge_px)
    grid = GroundGrid.of(tile, box).grown(_MARGIN_PX)
    try:
        heights = read_dem(dem, grid)
    except TerrainError:
        heights = np.full(grid.shape, np.nan, np.float32)
    inner = (slice(_MARGIN_PX, -_MARGIN_PX),) * 2
    east, north = gradients(heights, tile.resolution)
    slope, aspect = slope_aspect(east, north)
    unknown = np.full(grid.shape, np.nan, np.float32)
    sensor, incidence = unknown, unknown
    if geometry is not None:
        look = look_at(geometry, grid, heights)
        sensor = np.asarray((look.look_azimuth + 180.0) % 360.0, np.float32)
        rise = rise_in_range(east, north, look.look_azimuth)
        incidence = local_incidence(east, north, rise, np.deg2rad(look.incidence))
    river = river_distance(heights, tile.resolution)
    return GroundLayers(
        slope=slope[inner],
        aspect=aspect[inner],
        sensor=sensor[inner],
        incidence=incidence[inner],
        river_m=river[inner],
        cover=_cover(cover, tile, box),
    )


def cover_name(code: int) -> str:
    """The name of a class of land cover; its number where WorldCover has no such class."""
    return COVERS.get(code, f"class {code}" if code else "not known")


def _cover(path: Path | None, tile: Tile, box: PixelBox) -> NDArray[np.uint8]:
    codes = np.zeros(box.shape, np.uint8)
    if path is None:
        return codes
    try:
        with rasterio.open(path) as source:
            if source.crs is None or source.dtypes[0] not in ("uint8", "int16", "uint16"):
                raise InputError(
                    f"{path} is no raster of land cover: it states no CRS, or holds "
                    f"{source.dtypes[0]}",
                    hint="give codes of classes, such as ESA WorldCover",
                )
            values = np.zeros(box.shape, np.int32)
            reproject(
                rasterio.band(source, 1), values, dst_transform=box.transform(tile),
                dst_crs=f"EPSG:{tile.epsg}", resampling=Resampling.nearest, dst_nodata=0,
            )  # fmt: skip
    except RasterioError as error:
        raise InputError(f"land cover {path} cannot be read: {error}") from error
    codes[:] = np.where((values > 0) & (values < 255), values, 0)
    return codes
