"""Which tiles an area needs, and which windows of each tile are wanted.

A window is wanted where its square touches the area and its centre lies in the tile's own part of
the world: the six-degree strip of longitude of the tile's UTM zone (closed to the west, open to
the east), north of the equator or on it for EPSG 326xx, south of it for 327xx. So every place
belongs to exactly one zone, and the answer for a window does not depend on what else is planned.
The exceptions of the UTM zones around Norway and Svalbard are not made: the plain strips are used.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import shapely
from shapely import Geometry, MultiPolygon, Polygon, affinity

from sarlra.errors import AreaError
from sarlra.events.geometry import to_utm, transformer
from sarlra.grid import PixelBox, Tile
from sarlra.recipe import Recipe

#: UTM is not defined nearer to the poles.
LATITUDE_LIMITS = (-80.0, 84.0)
#: Edges, in windows, of the blocks by which a shape is laid over the windows of a tile.
_BLOCKS = (16, 4, 1)


@dataclass(frozen=True, slots=True)
class TileWindows:
    """A tile and the windows wanted of it.

    ``active`` is bool, shape (n, n) with n = size_px // stride, rows from the north; ``box`` holds
    all pixels of the wanted windows, reaching into the halo where they do.
    """

    tile: Tile
    active: npt.NDArray[np.bool_]
    box: PixelBox


def plan_tiles(area: MultiPolygon, recipe: Recipe) -> tuple[TileWindows, ...]:
    """All tiles that hold a wanted window of the area (EPSG:4326), ordered by EPSG, column, row.

    Raises
    ------
    AreaError
        The area is empty or has no part between 80 degrees south and 84 degrees north.
    """
    found = []
    for epsg, part in zones(within_utm(area)):
        for tile in candidates(part, epsg, recipe):
            windows = tile_windows(area, tile, recipe)
            if windows is not None:
                found.append(windows)
    return tuple(sorted(found, key=lambda w: w.tile))


def within_utm(area: MultiPolygon) -> Geometry:
    """What of an area (EPSG:4326) lies where UTM is defined.

    Raises
    ------
    AreaError
        Nothing does.
    """
    low, high = LATITUDE_LIMITS
    usable = shapely.intersection(area, shapely.box(-180.0, low, 180.0, high))
    if usable.is_empty or usable.area == 0.0:
        raise AreaError(
            "the area of interest is empty between 80 S and 84 N",
            hint="give --aoi as west,south,east,north in degrees",
        )
    return usable


def tile_windows(area: MultiPolygon, tile: Tile, recipe: Recipe) -> TileWindows | None:
    """The windows of one tile that are wanted for the area (EPSG:4326); None if there is none."""
    shape = area_in_zone(area, tile.epsg)
    if shapely.is_empty(shape):
        return None
    active = _touched(shape, tile, recipe)
    if active.any():
        active &= _owned(tile, recipe)
    if not active.any():
        return None
    rows, cols = np.flatnonzero(active.any(axis=1)), np.flatnonzero(active.any(axis=0))
    stride, window = recipe.stride_px, recipe.window_px
    box = PixelBox(
        int(rows[0]) * stride,
        int(rows[-1]) * stride + window,
        int(cols[0]) * stride,
        int(cols[-1]) * stride + window,
    )
    return TileWindows(tile, active, box)


@lru_cache(maxsize=8)
def area_in_zone(area: MultiPolygon, epsg: int) -> Geometry:
    """What of an area (EPSG:4326) lies near a zone's strip, in the zone's metres, prepared."""
    part = _near_strip(area, epsg)
    shape = part if shapely.is_empty(part) else to_utm(part, epsg)
    shapely.prepare(shape)
    return shape


def zone_epsg(longitude: float, latitude: float) -> int:
    """The EPSG code of the plain UTM zone that owns a point."""
    zone = math.floor((longitude + 180.0) / 6.0) % 60 + 1
    return (32600 if latitude >= 0.0 else 32700) + zone


def zones(area: Geometry) -> Iterator[tuple[int, Geometry]]:
    """The EPSG codes whose part of the world an area (EPSG:4326) meets, and what of it."""
    west, _, east, _ = shapely.bounds(area)
    first = math.floor((west + 180.0) / 6.0)
    last = min(math.floor((east + 180.0) / 6.0), 59)
    for index in range(first, last + 1):
        for base in (32600, 32700):
            epsg = base + index + 1
            part = shapely.intersection(area, _strip(epsg))
            if shapely.area(part) > 0.0:
                yield epsg, part


def _strip(epsg: int) -> Polygon:
    west = (epsg % 100 - 1) * 6.0 - 180.0
    south, north = (0.0, 90.0) if epsg < 32700 else (-90.0, 0.0)
    return shapely.box(west, south, west + 6.0, north)


def _near_strip(area: Geometry, epsg: int) -> Geometry:
    """What of the area lies within half a degree of a zone's strip, also across 180 degrees."""
    near = shapely.box(*_strip(epsg).buffer(0.5).bounds)
    turned = [affinity.translate(area, xoff=turn) for turn in (-360.0, 0.0, 360.0)]
    return shapely.union_all([shapely.intersection(part, near) for part in turned])


def _touched(shape: Geometry, tile: Tile, recipe: Recipe) -> npt.NDArray[np.bool_]:
    """Windows that a prepared shape meets, by blocks: one that it fills or misses is settled."""
    n = recipe.tile_px // recipe.stride_px
    found = np.zeros((n, n), dtype=bool)
    rows, cols = (i.ravel() for i in np.mgrid[0 : n : _BLOCKS[0], 0 : n : _BLOCKS[0]])
    for size, finer in zip(_BLOCKS, (*_BLOCKS[1:], 0), strict=True):
        hulls = _hulls(rows, cols, size, tile, recipe)
        met = shapely.intersects(shape, hulls)
        filled = met.copy() if not finer else met & shapely.covers(shape, hulls)
        for row, col in zip(rows[filled], cols[filled], strict=True):
            found[row : row + size, col : col + size] = True
        if not finer:
            break
        parted = met & ~filled
        down, right = (i.ravel() for i in np.mgrid[0:size:finer, 0:size:finer])
        rows = (rows[parted][:, None] + down).ravel()
        cols = (cols[parted][:, None] + right).ravel()
        inside = (rows < n) & (cols < n)
        rows, cols = rows[inside], cols[inside]
    return found


def _hulls(
    rows: npt.NDArray[np.intp], cols: npt.NDArray[np.intp], size: int, tile: Tile, recipe: Recipe
) -> npt.NDArray[np.object_]:
    """The squares that blocks of size x size windows cover, in the tile's metres."""
    step = recipe.stride_px * recipe.resolution
    edge = (size - 1) * step + recipe.window_px * recipe.resolution
    left, _, _, top = tile.bounds
    x0, y1 = left + step * cols, top - step * rows
    return np.asarray(shapely.box(x0, y1 - edge, x0 + edge, y1), dtype=object)


def _owned(tile: Tile, recipe: Recipe) -> npt.NDArray[np.bool_]:
    """Whether the windows' centres lie in the strip of the tile's zone."""
    n = recipe.tile_px // recipe.stride_px
    left, bottom, right, top = tile.bounds
    halo = recipe.halo_px * recipe.resolution
    if in_strip(shapely.box(left, bottom - halo, right + halo, top), tile.epsg):
        return np.ones((n, n), dtype=bool)
    step = recipe.stride_px * recipe.resolution
    half = recipe.window_px * recipe.resolution / 2
    x, y = np.meshgrid(left + half + step * np.arange(n), top - half - step * np.arange(n))
    longitude, latitude = transformer(tile.epsg, 4326).transform(x, y)
    zone = np.floor((np.asarray(longitude) + 180.0) / 6.0).astype(int) % 60 + 1
    north = np.asarray(latitude) >= 0.0
    return np.asarray((zone == tile.epsg % 100) & (north == (tile.epsg < 32700)))


def in_strip(square: Polygon, epsg: int) -> bool:
    """Whether a square lies in its zone's strip; the strip is convex, so its corners tell."""
    lon, lat = transformer(epsg, 4326).transform(*shapely.get_coordinates(square)[:4].T)
    return all(
        zone_epsg(float(a) + shift, float(b)) == epsg
        for a, b in zip(lon, lat, strict=True)
        for shift in (-1e-6, 1e-6)
    )


def candidates(part: Geometry, epsg: int, recipe: Recipe) -> Iterator[Tile]:
    """Tiles whose windows can touch the part: windows reach right and down into the halo."""
    size = recipe.tile_px * recipe.resolution
    reach = recipe.window_px * recipe.resolution
    left, bottom, right, top = shapely.bounds(to_utm(part, epsg))
    for column in range(math.floor((left - reach) / size), math.floor((right + reach) / size) + 1):
        for row in range(math.floor((bottom - reach) / size), math.floor((top + reach) / size) + 1):
            yield Tile(epsg, column, row, recipe.tile_px, recipe.resolution)
