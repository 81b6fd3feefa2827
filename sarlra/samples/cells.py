"""The cells of the patch grid: squares of 64 pixels that do not overlap, fixed in every UTM zone.

A cell's edges lie at multiples of its size from (0, 0) of the zone, so that a cell is the same
square for every track, buffer and tile, and its name says which it is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import Geometry

from sarlra.grid import PixelBox, Tile
from sarlra.inventories.inventory import Inventory
from sarlra.recipe import Recipe
from sarlra.samples.labels import LANDSLIDE_SHARE, burn

Number = TypeVar("Number", bound=np.generic)

#: Names of cells are text of this width.
CELL = np.dtype("U24")


@dataclass(frozen=True, slots=True)
class Cells:
    """Cells of one tile, in row order; all arrays have the length n.

    Parameters
    ----------
    tile
        Holds every cell whole.
    rows, cols
        Upper left pixel of each in the tile.
    names
        Such as ``32654E00640N07012``: EPSG code, then index eastwards and northwards.
    share
        float64: the share of landslide pixels of the original inventory.
    mapped
        bool: the whole cell was looked at and nothing of it was hidden, as far as is known.
    """

    tile: Tile
    rows: NDArray[np.int64]
    cols: NDArray[np.int64]
    names: NDArray[np.str_]
    share: NDArray[np.float64]
    mapped: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.names)

    @property
    def landslide(self) -> NDArray[np.bool_]:
        """Which have more than 5 % of landslide pixels in the original inventory."""
        return np.asarray(self.share > LANDSLIDE_SHARE)

    @property
    def background(self) -> NDArray[np.bool_]:
        """Which may be background: no landslide pixel in the original inventory, and mapped."""
        return np.asarray((self.share == 0) & self.mapped)

    def take(self, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> Cells:
        """Some of the cells."""
        return Cells(self.tile, self.rows[chosen], self.cols[chosen], self.names[chosen],
                     self.share[chosen], self.mapped[chosen])  # fmt: skip

    def box(self, edge: int) -> PixelBox:
        """The smallest rectangle of pixels that holds all cells."""
        return PixelBox(
            int(self.rows.min()),
            int(self.rows.max()) + edge,
            int(self.cols.min()),
            int(self.cols.max()) + edge,
        )

    def squares(self, edge: int) -> NDArray[np.object_]:
        """The cells as polygons in the tile's CRS."""
        left, _, _, top = self.tile.bounds
        r = self.tile.resolution
        x, y = left + self.cols * r, top - self.rows * r
        return np.asarray(shapely.box(x, y - edge * r, x + edge * r, y))


def cells_of(
    tile: Tile,
    active: NDArray[np.bool_],
    inventory: Inventory,
    zones: tuple[Geometry | None, Geometry | None],
    recipe: Recipe,
) -> Cells:
    """The cells of a tile, with the share of landslide in each.

    Parameters
    ----------
    active
        bool, the tile's lattice of windows: which are wanted. Cells are its even rows and columns.
    inventory
        The original one.
    zones
        The inventory's mapped and unmapped areas in the CRS of the tile; None where unknown.
    """
    edge, per_cell = recipe.window_px, recipe.window_px // recipe.stride_px
    at = np.argwhere(active[::per_cell, ::per_cell]).astype(np.int64)
    rows, cols = at[:, 0] * edge, at[:, 1] * edge
    burnt = burn(inventory.landslides, tile, recipe)
    share = cut(burnt, rows, cols, edge).mean(axis=(1, 2), dtype=np.float64)
    per_tile = recipe.tile_px // edge
    east = tile.column * per_tile + at[:, 1]
    north = (tile.row + 1) * per_tile - 1 - at[:, 0]
    names = np.array(
        [f"{tile.epsg}E{e:05d}N{n:05d}" for e, n in zip(east, north, strict=True)], dtype=CELL
    )
    cells = Cells(tile, rows, cols, names, share, np.ones(len(at), dtype=bool))
    return replace(cells, mapped=looked_at(cells.squares(edge), zones))


def cut(
    image: NDArray[Number], rows: NDArray[np.int64], cols: NDArray[np.int64], edge: int
) -> NDArray[Number]:
    """Squares of an image with their upper left corners at rows and columns: (n, edge, edge)."""
    within = np.arange(edge)
    parts = image[rows[:, None, None] + within[:, None], cols[:, None, None] + within]
    return np.asarray(parts)


def looked_at(
    shapes: NDArray[np.object_], zones: tuple[Geometry | None, Geometry | None]
) -> NDArray[np.bool_]:
    """Which shapes lie wholly in what was mapped and clear of what could not be seen.

    Parameters
    ----------
    zones
        The mapped and the unmapped area in the CRS of the shapes; None where unknown.
    """
    mapped, unmapped = zones
    looked = np.ones(len(shapes), dtype=bool)
    if mapped is not None:
        shapely.prepare(mapped)
        looked &= shapely.covers(mapped, shapes)
    if unmapped is not None:
        shapely.prepare(unmapped)
        looked &= ~shapely.intersects(unmapped, shapes)
    return looked
