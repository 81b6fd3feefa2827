"""The area of a scan in cells: what is searched, grouped and planned at a time.

A cell is a square of 16384 pixels of a UTM zone's grid, whatever the size of a tile, so that what
is decided for a cell does not depend on how it is cut into tiles (for sizes that divide it). Every
tile belongs to the cell that holds its lower left corner.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby

import numpy as np
import numpy.typing as npt
import shapely
from shapely import MultiPolygon

from sarlra.events.area import box_area
from sarlra.events.geometry import transformer
from sarlra.grid import PixelBox, Tile
from sarlra.jobs.tiles import (
    LATITUDE_LIMITS,
    TileWindows,
    area_in_zone,
    candidates,
    in_strip,
    tile_windows,
    within_utm,
    zones,
)
from sarlra.recipe import Recipe

CELL_PX = 16384
_MARGIN_DEG = 0.05


@dataclass(frozen=True, slots=True)
class Cell:
    """Tiles that are planned together, by column and row; none of them is without windows."""

    epsg: int
    column: int
    row: int
    tiles: tuple[TileWindows, ...]

    @property
    def name(self) -> str:
        """Such as ``32654C0003N0028``."""
        return f"{self.epsg}C{self.column:04d}N{self.row:04d}"

    def search_area(self) -> MultiPolygon:
        """A box in degrees around all pixels that the tiles read, split at the antimeridian."""
        bounds = np.array([w.box.bounds(w.tile) for w in self.tiles])
        left, bottom = bounds[:, :2].min(axis=0)
        right, top = bounds[:, 2:].max(axis=0)
        outline = shapely.segmentize(shapely.box(left, bottom, right, top), 5000.0)
        x, y = shapely.get_coordinates(outline).T
        lon, lat = transformer(self.epsg, 4326).transform(x, y)
        middle = (self.epsg % 100) * 6.0 - 183.0
        # Longitudes on one side of the cut, around the zone's central meridian.
        lon = middle + (np.asarray(lon) - middle + 180.0) % 360.0 - 180.0
        # A parallel bends towards the pole away from the middle: the box is a little wider.
        west, east = lon.min() - _MARGIN_DEG, lon.max() + _MARGIN_DEG
        south = max(lat.min() - _MARGIN_DEG, -90.0)
        north = min(lat.max() + _MARGIN_DEG, 90.0)
        if east - west >= 180.0:
            west, east = -180.0, 180.0
        elif west < -180.0:
            west += 360.0
        elif east > 180.0:
            east -= 360.0
        return box_area(float(west), float(south), float(east), float(north))


def plan_cells(area: MultiPolygon, recipe: Recipe) -> Iterator[Cell]:
    """All cells of an area (EPSG:4326) that have tiles, by EPSG, column and row; one at a time.

    Their tiles are those of :func:`sarlra.jobs.tiles.plan_tiles`.

    Raises
    ------
    AreaError
        The area has no part between 80 degrees south and 84 degrees north.
    """
    for epsg, part in sorted(zones(within_utm(area)), key=lambda found: found[0]):
        keyed = sorted((_cell_of(tile), tile) for tile in candidates(part, epsg, recipe))
        for (column, row), members in groupby(keyed, key=lambda pair: pair[0]):
            found = (_windows(area, tile, recipe) for _, tile in members)
            tiles = tuple(windows for windows in found if windows is not None)
            if tiles:
                yield Cell(epsg, column, row, tiles)


def spanning_tiles(area: MultiPolygon, epsg: int, recipe: Recipe) -> tuple[Tile, Tile]:
    """Two tiles at the corners of all that a zone can have: the extent of its Zarr groups.

    It depends on the area and the recipe alone, so that a scan can grow by new acquisitions.
    """
    low, high = LATITUDE_LIMITS
    usable = shapely.intersection(area, shapely.box(-180.0, low, 180.0, high))
    part = dict(zones(usable))[epsg]
    tiles = list(candidates(part, epsg, recipe))
    columns, rows = [t.column for t in tiles], [t.row for t in tiles]
    ends = ((min(columns), min(rows)), (max(columns), max(rows)))
    first, last = (Tile(epsg, c, r, recipe.tile_px, recipe.resolution) for c, r in ends)
    return first, last


def _cell_of(tile: Tile) -> tuple[int, int]:
    size = CELL_PX * tile.resolution
    left, bottom, _, _ = tile.bounds
    return (math.floor(left / size), math.floor(bottom / size))


def _windows(area: MultiPolygon, tile: Tile, recipe: Recipe) -> TileWindows | None:
    """As :func:`tile_windows`, but at once where all or none of the windows are wanted."""
    shape = area_in_zone(area, tile.epsg)
    left, bottom, right, top = tile.bounds
    halo = recipe.halo_px * recipe.resolution
    whole = shapely.box(left, bottom - halo, right + halo, top)
    if not shapely.intersects(shape, whole):
        return None
    if not (shapely.contains_properly(shape, whole) and in_strip(whole, tile.epsg)):
        return tile_windows(area, tile, recipe)
    n = recipe.tile_px // recipe.stride_px
    edge = recipe.tile_px + recipe.halo_px
    return TileWindows(tile, _every(n), PixelBox(0, edge, 0, edge))


@lru_cache(maxsize=8)
def _every(n: int) -> npt.NDArray[np.bool_]:
    """One array for all tiles of which every window is wanted."""
    every = np.ones((n, n), dtype=bool)
    every.flags.writeable = False
    return every
