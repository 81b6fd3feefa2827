"""Labelled patches from one tile of a composite: a grid of windows that do not overlap.

Source: Nava et al. 2026, section 3.2. The full sampling of study cases, with cleaned inventories
and splits, builds on this.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import xarray as xr

from sarlra.recipe import Recipe
from sarlra.samples.labels import LANDSLIDE_SHARE


@dataclass(frozen=True, slots=True)
class Patches:
    """Patches and what is known of them; all arrays have the same first axis.

    Parameters
    ----------
    values
        float32, shape (n, 64, 64, bands), dB in the order of the recipe's bands, NaN = no data.
    label
        uint8: 1 landslide, 0 background.
    share
        float32: share of landslide pixels.
    """

    values: npt.NDArray[np.float32]
    label: npt.NDArray[np.uint8]
    share: npt.NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.label)


def grid_patches(composite: xr.Dataset, burnt: npt.NDArray[np.uint8], recipe: Recipe) -> Patches:
    """Cut a composite into patches that do not overlap, and class them.

    Parameters
    ----------
    composite
        Bands of the recipe, float32 dB, NaN = no data, dims (y, x).
    burnt
        uint8, same shape: 1 where a pixel is landslide.
    recipe
        Gives bands, window and the share of no data that a patch may have.

    Returns
    -------
    Patches
        In row order. Patches with a share in (0, 5 %] are in neither class and left out, as are
        those with more no data than ``recipe.max_nodata``.
    """
    edge = recipe.window_px
    bands = np.stack([composite[name].values for name in recipe.bands], axis=-1)
    values = _cut(bands, edge)
    share = _cut(burnt[..., None], edge).mean(axis=(1, 2, 3), dtype=np.float64)
    nodata = np.isnan(values).any(axis=-1).mean(axis=(1, 2))
    label = share > LANDSLIDE_SHARE
    keep = (nodata <= recipe.max_nodata) & (label | (share == 0))
    return Patches(
        np.ascontiguousarray(values[keep], dtype=np.float32),
        label[keep].astype(np.uint8),
        share[keep].astype(np.float32),
    )


def join(parts: list[Patches]) -> Patches:
    """Several sets of patches as one, in the order given."""
    return Patches(
        np.concatenate([part.values for part in parts]),
        np.concatenate([part.label for part in parts]),
        np.concatenate([part.share for part in parts]),
    )


def _cut(image: npt.NDArray[np.generic], edge: int) -> npt.NDArray[np.generic]:
    """(rows, cols, bands) to (n, edge, edge, bands), whole patches only."""
    rows, cols = image.shape[0] // edge, image.shape[1] // edge
    whole = image[: rows * edge, : cols * edge]
    parts = whole.reshape(rows, edge, cols, edge, image.shape[2]).swapaxes(1, 2)
    return parts.reshape(rows * cols, edge, edge, image.shape[2])
