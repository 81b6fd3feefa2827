"""What a track saw of each landslide of an inventory, and whether a detection touches it."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.features import rasterize

from sarlra.errors import TerrainError
from sarlra.grid import PixelBox, Tile
from sarlra.inventories.inventory import Inventory, areas_m2
from sarlra.recipe import Recipe
from sarlra.samples.cells import looked_at
from sarlra.terrain.choice import DemSource
from sarlra.terrain.codes import Visibility
from sarlra.terrain.dem import read_dem
from sarlra.terrain.ground import GroundGrid
from sarlra.terrain.slopes import gradients, slope_aspect


@dataclass
class Seen:
    """Sums over the pixels of each landslide, filled tile by tile; arrays of its length.

    ``observed``: a window with a score holds one of its pixels. ``hidden`` and ``unknown`` count
    pixels in layover or shadow, and those of which that is not known, of ``pixels``; ``slope`` is
    the sum of the slope in degrees over ``sloped`` pixels.
    """

    observed: NDArray[np.bool_]
    pixels: NDArray[np.float64]
    hidden: NDArray[np.float64]
    unknown: NDArray[np.float64]
    slope: NDArray[np.float64]
    sloped: NDArray[np.float64]


class Slides:
    """The landslides of an inventory as one track sees them."""

    def __init__(self, inventory: Inventory, dem: DemSource | None = None) -> None:
        self._polygons = inventory.landslides.geometry
        self._dem = dem
        self._projected: dict[int, gpd.GeoSeries] = {}
        n = len(inventory)
        zeros = [np.zeros(n) for _ in range(5)]
        self.seen = Seen(np.zeros(n, dtype=bool), *zeros)

    def look(
        self,
        tile: Tile,
        recipe: Recipe,
        score: NDArray[np.float32],
        visibility: NDArray[np.uint8] | None,
    ) -> None:
        """Add what an item saw; arguments as for
        :func:`sarlra.evaluation.windows.windows_of_tile`.
        """
        ids, rows, cols = self.pixels(tile, recipe)
        if not len(ids):
            return
        cells = _covered(score, recipe)
        covered = cells[rows // recipe.stride_px, cols // recipe.stride_px]
        self.seen.observed[ids[covered]] = True
        own = (rows < tile.size_px) & (cols < tile.size_px)
        ids, rows, cols = ids[own], rows[own], cols[own]
        n = len(self.seen.pixels)
        self.seen.pixels += np.bincount(ids, minlength=n)
        codes = None if visibility is None else visibility[rows, cols]
        unknown = np.ones(len(ids), bool) if codes is None else codes == Visibility.OUTSIDE
        self.seen.unknown += np.bincount(ids[unknown], minlength=n)
        if codes is not None:
            hidden = (codes != Visibility.VISIBLE) & ~unknown
            self.seen.hidden += np.bincount(ids[hidden], minlength=n)
        self._add_slopes(tile, ids, rows, cols)

    def _add_slopes(
        self, tile: Tile, ids: NDArray[np.int64], rows: NDArray[np.int64], cols: NDArray[np.int64]
    ) -> None:
        if self._dem is None or not len(ids):
            return
        box = PixelBox(int(rows.min()), int(rows.max()) + 1, int(cols.min()), int(cols.max()) + 1)
        grid = GroundGrid.of(tile, box).grown(1)
        try:
            heights = read_dem(self._dem, grid)
        except TerrainError:
            return  # Not covered here: these landslides have no slope.
        slopes, _ = slope_aspect(*gradients(heights, tile.resolution))
        values = slopes[rows - box.row0 + 1, cols - box.col0 + 1].astype(np.float64)
        known = np.isfinite(values)
        n = len(self.seen.slope)
        self.seen.slope += np.bincount(ids[known], values[known], minlength=n)
        self.seen.sloped += np.bincount(ids[known], minlength=n)

    def pixels(
        self, tile: Tile, recipe: Recipe
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Number of the landslide, row and column of every landslide pixel of a tile and its halo;
        a landslide that holds no pixel's centre has the pixel of a point inside it. Where
        landslides overlap, a pixel is the later one's.
        """
        edge = tile.size_px + recipe.halo_px
        box = PixelBox(0, edge, 0, edge)
        if tile.epsg not in self._projected:
            self._projected[tile.epsg] = self._polygons.to_crs(tile.epsg)
        polygons = self._projected[tile.epsg]
        near = np.sort(
            polygons.sindex.query(shapely.box(*box.bounds(tile)), predicate="intersects")
        )
        if not len(near):
            return (np.empty(0, np.int64),) * 3
        transform = box.transform(tile)
        shapes = polygons.to_numpy()[near]
        label = rasterize(
            ((shape, number + 1) for number, shape in enumerate(shapes)),
            out_shape=(edge, edge),
            transform=transform,
            dtype="int32",
        )
        rows, cols = np.nonzero(label)
        numbers = label[rows, cols].astype(np.int64) - 1
        bare = np.setdiff1d(np.arange(len(near)), numbers)
        points = shapely.point_on_surface(shapes[bare])
        x, y = ~transform * (shapely.get_x(points), shapely.get_y(points))
        inside = (x >= 0) & (x < edge) & (y >= 0) & (y < edge)
        numbers = np.concatenate([numbers, bare[inside]])
        rows = np.concatenate([rows, np.floor(y[inside]).astype(np.int64)])
        cols = np.concatenate([cols, np.floor(x[inside]).astype(np.int64)])
        return near[numbers].astype(np.int64), rows, cols


def _covered(score: NDArray[np.float32], recipe: Recipe) -> NDArray[np.bool_]:
    """Which squares of one stride lie in a window with a score; reaches over the halo."""
    n, per_window = len(score), recipe.window_px // recipe.stride_px
    scored = np.isfinite(score)
    cells = np.zeros((n + per_window - 1,) * 2, dtype=bool)
    for i in range(per_window):
        for j in range(per_window):
            cells[i : i + n, j : j + n] |= scored
    return cells


def table_of(inventory: Inventory, seen: Seen, found: NDArray[np.bool_]) -> gpd.GeoDataFrame:
    """A row per landslide: the inventory's own columns and ``area_m2``, ``observed``, ``found``,
    ``hidden_share``, ``unknown_share`` and ``slope`` (degrees; NaN where not known).
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        hidden, unknown = seen.hidden / seen.pixels, seen.unknown / seen.pixels
        slope = seen.slope / seen.sloped
    points = shapely.point_on_surface(inventory.landslides.geometry.to_numpy())
    looked = looked_at(points, (inventory.mapped, inventory.unmapped))
    return inventory.landslides.assign(
        area_m2=areas_m2(inventory.landslides.geometry),
        observed=seen.observed & looked,
        found=found,
        hidden_share=hidden,
        unknown_share=unknown,
        slope=slope,
    )
