"""What of a job's arrays goes into its COGs: bands, and the box that has data."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import xarray as xr
from affine import Affine
from numpy.typing import NDArray

from sarlra.catalog.band_statistics import NODATA_BYTE, Statistics, statistics
from sarlra.catalog.cog import Band
from sarlra.catalog.looks import colour_table, meanings
from sarlra.errors import CatalogError
from sarlra.grid import Bounds, Tile
from sarlra.recipe import Recipe

SHADE = "Relief lit from the north-west, 0 dark to 254 bright"
#: Edge of a pixel of the shaded relief, about.
SHADE_M = 20.0
DATA = "1 where there is data before and after the event, 0 elsewhere"


@dataclass(frozen=True)
class Raster:
    """Bands on a north-up grid of a UTM zone.

    ``values`` are (bands, rows, columns), float32 (NaN is no data), uint8 (255 is) or uint16 (all
    data);
    ``transform`` takes pixel (column, row) to (x, y) of upper left corners.
    """

    values: np.ndarray
    transform: Affine
    epsg: int
    bands: tuple[Band, ...]

    @property
    def bounds(self) -> Bounds:
        """(left, bottom, right, top) in metres."""
        rows, columns = self.values.shape[1:]
        left, top = self.transform @ (0, 0)
        right, bottom = self.transform @ (columns, rows)
        return (left, bottom, right, top)

    @cached_property
    def statistics(self) -> tuple[Statistics | None, ...]:
        """Of each band; the file and the item both state them."""
        return tuple(statistics(band) for band in self.values)


def change_raster(composite: xr.Dataset, tile: Tile, recipe: Recipe) -> Raster:
    """The change bands within the tile (no halo), cropped to the box that has data.

    Without any data it is the whole box that was looked at, all NaN.

    Parameters
    ----------
    composite
        Bands ``diff_*``, float32 dB, dims (y, x), coordinates of pixel centres.

    Raises
    ------
    CatalogError
        A band is missing, or the pixels are not those of the tile's grid.
    """
    names = [name for name in recipe.bands if name.startswith("diff_")]
    row0, col0 = _origin(composite, tile, tile.resolution, 0.5)
    size = tile.size_px
    inside = composite.isel(
        y=slice(max(0, -row0), size - row0), x=slice(max(0, -col0), size - col0)
    )
    values = np.stack([_band(inside, name) for name in names]).astype(np.float32, copy=False)
    seen = np.isfinite(values)
    rows, cols = _extent(np.any(seen, axis=(0, 2))), _extent(np.any(seen, axis=(0, 1)))
    transform = tile.transform @ Affine.translation(
        max(col0, 0) + cols.start, max(row0, 0) + rows.start
    )
    bands = tuple(
        Band(name, f"Change of gamma0 {name[-2:].upper()}: median after minus median before", "dB")
        for name in names
    )
    return Raster(np.ascontiguousarray(values[:, rows, cols]), transform, tile.epsg, bands)


def visibility_rasters(composite: xr.Dataset, tile: Tile) -> tuple[Raster, Raster]:
    """Visibility within the tile (no halo), and where there is data; uint8, the whole box.

    Two rasters of one band each, so that both have a colour table.

    Parameters
    ----------
    composite
        ``visibility`` uint8, ``n_pre`` and ``n_post``, dims (y, x), coordinates of pixel centres.

    Raises
    ------
    CatalogError
        A variable is missing, or the pixels are not those of the tile's grid.
    """
    row0, col0 = _origin(composite, tile, tile.resolution, 0.5)
    size = tile.size_px
    inside = composite.isel(
        y=slice(max(0, -row0), size - row0), x=slice(max(0, -col0), size - col0)
    )
    data = (_band(inside, "n_pre") > 0) & (_band(inside, "n_post") > 0)
    codes = _band(inside, "visibility").astype(np.uint8)
    transform = tile.transform * Affine.translation(max(col0, 0), max(row0, 0))
    seen = Band("visibility", meanings("visibility"), colours=colour_table("visibility"))
    known = Band("data", DATA, colours=colour_table("data"))
    return (
        Raster(codes[np.newaxis], transform, tile.epsg, (seen,)),
        Raster(data.astype(np.uint8)[np.newaxis], transform, tile.epsg, (known,)),
    )


def hillshade_raster(shade: NDArray[np.uint8], composite: xr.Dataset, tile: Tile) -> Raster:
    """The shaded relief of a composite's pixels within the tile, about 20 m to a pixel; uint8.

    Parameters
    ----------
    shade
        (y, x) uint8 on the pixels of ``composite``, 255 where nothing is known.

    Raises
    ------
    CatalogError
        The shape is another, or the pixels are not those of the tile's grid.
    """
    if shade.shape != (composite.sizes["y"], composite.sizes["x"]):
        raise CatalogError(f"the relief of {tile.id} has the shape {shade.shape}")
    row0, col0 = _origin(composite, tile, tile.resolution, 0.5)
    size, step = tile.size_px, max(1, round(SHADE_M / tile.resolution))
    inside = shade[max(0, -row0) : size - row0, max(0, -col0) : size - col0]
    # Whole cells of the tile's own coarser grid, so that neighbouring tiles meet.
    start = [max(0, first) // step * step for first in (row0, col0)]
    before = [max(0, first) - edge for first, edge in zip((row0, col0), start, strict=True)]
    after = [-(edge + lead) % step for edge, lead in zip(inside.shape, before, strict=True)]
    whole = np.pad(inside, list(zip(before, after, strict=True)), constant_values=NODATA_BYTE)
    total, count = (np.zeros([edge // step for edge in whole.shape], np.uint32) for _ in range(2))
    for row, col in np.ndindex(step, step):
        cells = whole[row::step, col::step]
        known = cells != NODATA_BYTE
        total += np.where(known, cells, 0)
        count += known
    mean = total / np.maximum(count, 1)
    values = np.where(count > 0, np.rint(mean), NODATA_BYTE).astype(np.uint8)
    transform = tile.transform * Affine.translation(start[1], start[0]) * Affine.scale(step)
    return Raster(values[np.newaxis], transform, tile.epsg, (Band("hillshade", SHADE),))


def score_rasters(lattice: xr.Dataset, tile: Tile, recipe: Recipe) -> tuple[Raster, Raster]:
    """The lattice as scores (float32) and as reasons with counts (uint16), both of the whole tile.

    A cell is as large as the stride and centred on its window.

    Raises
    ------
    CatalogError
        A variable is missing, or the lattice is not the tile's.
    """
    cells = tile.size_px // recipe.stride_px
    if dict(lattice.sizes) != {"y": cells, "x": cells}:
        raise CatalogError(
            f"lattice of {tile.id} is {dict(lattice.sizes)}, not {cells} x {cells} windows"
        )
    cell = recipe.stride_px * tile.resolution
    if _origin(lattice, tile, cell, recipe.window_px / recipe.stride_px / 2) != (0, 0):
        raise CatalogError(f"lattice of {tile.id} does not start at the tile's upper left corner")
    shift = (recipe.window_px - recipe.stride_px) / 2
    transform = tile.transform @ Affine.translation(shift, shift) @ Affine.scale(recipe.stride_px)
    scores = _band(lattice, "score")[np.newaxis].astype(np.float32)
    counts = np.stack([_band(lattice, name) for name in ("reason", "n_pre", "n_post")])
    return (
        Raster(
            scores, transform, tile.epsg, (Band("score", "The model's raw output for the window"),)
        ),
        Raster(
            counts.astype(np.uint16),
            transform,
            tile.epsg,
            (
                Band("reason", f"Why a window has no score: {meanings('reason')}"),
                Band("n_pre", "Acquisitions before the event (median over the window)"),
                Band("n_post", "Acquisitions after the event (median over the window)"),
            ),
        ),
    )


def _band(dataset: xr.Dataset, name: str) -> np.ndarray:
    if name not in dataset:
        raise CatalogError(f"the result has no {name!r}, but {sorted(map(str, dataset.data_vars))}")
    return dataset[name].transpose("y", "x").to_numpy()


def _origin(dataset: xr.Dataset, tile: Tile, step: float, centre: float) -> tuple[int, int]:
    """(row, column) of the first cell on the tile's grid of that step, in whole cells."""
    left, _, _, top = tile.bounds
    y, x = dataset["y"].to_numpy(), dataset["x"].to_numpy()
    if min(x.size, y.size) == 0:
        raise CatalogError(f"the result of {tile.id} has no pixels")
    column, row = (x[0] - left) / step - centre, (top - y[0]) / step - centre
    ends = (left + (column + x.size - 1 + centre) * step, top - (row + y.size - 1 + centre) * step)
    off_grid = max(abs(column - round(column)), abs(row - round(row))) > 1e-3
    if off_grid or not np.allclose(ends, (x[-1], y[-1]), rtol=0, atol=1e-3 * step):
        raise CatalogError(f"the result of {tile.id} does not lie on the tile's grid of {step} m")
    return round(row), round(column)


def _extent(filled: np.ndarray) -> slice:
    """From the first to the last filled place; everything where nothing is filled."""
    (places,) = np.nonzero(filled)
    return slice(int(places[0]), int(places[-1]) + 1) if places.size else slice(0, filled.size)
