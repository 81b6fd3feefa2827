"""Patches of the cells of one tile from its composite, with what decides their class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sarlra.grid import PixelBox
from sarlra.recipe import Recipe
from sarlra.samples.cells import Cells, cut
from sarlra.samples.labels import LANDSLIDE_SHARE
from sarlra.terrain.codes import Visibility


@dataclass(frozen=True, slots=True)
class Seen:
    """What a track sees of cells; arrays of their length.

    ``share`` is the share of a cell's pixels that are landslide and not in layover or shadow,
    ``hidden`` the share in layover or shadow, both float64.
    """

    share: NDArray[np.float64]
    hidden: NDArray[np.float64]


def see_cells(
    cells: Cells,
    burnt: NDArray[np.uint8],
    visibility: NDArray[np.uint8] | None,
    box: PixelBox,
    recipe: Recipe,
) -> Seen:
    """Filter the inventory of cells by what a track sees.

    Parameters
    ----------
    burnt
        uint8, the tile's pixels (and halo): 1 where the original inventory has a landslide.
    visibility
        uint8 codes on the pixels of ``box``; None, or code 255, where it is not known: that counts
        as seen, as in an inventory that nothing is subtracted from.
    """
    edge = recipe.window_px
    slides = cut(burnt, cells.rows, cells.cols, edge) == 1
    if visibility is None:
        hidden = np.zeros_like(slides)
    else:
        if visibility.shape != box.shape:
            raise ValueError(f"visibility is {visibility.shape}, the box {box.shape}")
        codes = cut(visibility, cells.rows - box.row0, cells.cols - box.col0, edge)
        hidden = (codes != Visibility.VISIBLE) & (codes != Visibility.OUTSIDE)
    return Seen(
        (slides & ~hidden).mean(axis=(1, 2), dtype=np.float64),
        hidden.mean(axis=(1, 2), dtype=np.float64),
    )


def classes(
    cells: Cells, seen: Seen, recipe: Recipe
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """(landslide, background): which cells are of which class for a track; never both.

    Landslide: more than 5 % of landslide pixels that the track sees. Background: no landslide
    pixel of the original inventory. Neither: what is between, what has landslides only under the
    mask, and cells that lie mostly in layover or shadow, as such windows get no score either.
    """
    open_ = seen.hidden <= recipe.max_nodata
    return (seen.share > LANDSLIDE_SHARE) & open_, cells.background & open_


def windows_of(
    composite: xr.Dataset, cells: Cells, box: PixelBox, recipe: Recipe
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """The patches of cells, and which of them are valid.

    Parameters
    ----------
    composite
        Computed, bands of the recipe on the pixels of ``box``, dB, NaN = no data.

    Returns
    -------
    windows
        ``(n, 64, 64, bands)`` float32.
    valid
        ``(n,)`` bool: no data in at most ``recipe.max_nodata`` of the pixels.
    """
    at = (cells.rows - box.row0, cells.cols - box.col0)
    edge = recipe.window_px
    windows = np.empty((len(cells), edge, edge, len(recipe.bands)), dtype=np.float32)
    for index, name in enumerate(recipe.bands):
        windows[..., index] = cut(composite[name].transpose("y", "x").values, *at, edge)
    nodata = ~np.isfinite(windows).all(axis=-1)
    return windows, nodata.mean(axis=(1, 2)) <= recipe.max_nodata
