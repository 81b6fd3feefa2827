"""Labelled patches from one tile of a composite: a grid of windows that do not overlap.

Source: Nava et al. 2026, section 3.2. The full sampling of study cases, with cleaned inventories
and splits, builds on this.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sarlra.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Patches:
    """Labelled windows; all arrays have the same first axis.

    Parameters
    ----------
    windows
        ``(n, 64, 64, bands)`` float32 dB, bands in the recipe's order; NaN is no data.
    labels
        ``(n,)`` bool: landslide or background.
    events
        ``(n,)`` str: the event that each comes from.
    """

    windows: NDArray[np.float32]
    labels: NDArray[np.bool_]
    events: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: NDArray[np.int64]) -> Patches:
        """Some of the patches, in the order of the indices."""
        return Patches(self.windows[indices], self.labels[indices], self.events[indices])


def cut_patches(
    bands: NDArray[np.float32], burnt: NDArray[Any], recipe: Recipe
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Cut an image into patches that do not overlap.

    Parameters
    ----------
    bands
        ``(rows, columns, bands)`` float32.
    burnt
        ``(rows, columns)``: 1 or true where a pixel is landslide.

    Returns
    -------
    (patches, shares)
        ``(n, 64, 64, bands)`` in row order, whole patches only, and the share of landslide in
        each, ``(n,)``.
    """
    edge = recipe.window_px
    share = cut_image(burnt[..., None], edge).mean(axis=(1, 2, 3), dtype=np.float64)
    return cut_image(bands, edge), share


def join(parts: list[Patches]) -> Patches:
    """Several sets of patches as one, in the order given."""
    return Patches(
        np.concatenate([part.windows for part in parts]),
        np.concatenate([part.labels for part in parts]),
        np.concatenate([part.events for part in parts]),
    )


def cut_image(image: NDArray[Any], edge: int) -> NDArray[Any]:
    """Whole patches of an image (rows, columns, bands) in row order: (n, edge, edge, bands)."""
    rows, cols = image.shape[0] // edge, image.shape[1] // edge
    whole = image[: rows * edge, : cols * edge]
    parts = whole.reshape(rows, edge, cols, edge, image.shape[2]).swapaxes(1, 2)
    return parts.reshape(rows * cols, edge, edge, image.shape[2])
