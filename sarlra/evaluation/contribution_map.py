"""Contributions of many windows as one raster on the composite's grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from affine import Affine
from numpy.typing import NDArray

from sarlra.catalog.cog import Band
from sarlra.errors import InputError

F32 = NDArray[np.float32]
Spot = tuple[int, int]

#: A map has no more pixels than this: explain several areas into several folders.
MAX_PIXELS = 64 * 2**20


@dataclass(frozen=True, slots=True)
class ContributionMap:
    """``values`` (1 + bands, rows, columns) float32, NaN where nothing was explained; ``row`` and
    ``col`` its upper left pixel in the composite.
    """

    values: F32
    row: int
    col: int
    bands: tuple[Band, ...]

    def transform(self, composite: Affine) -> Affine:
        """Pixel (column, row) to the composite's coordinates."""
        return composite * Affine.translation(self.col, self.row)


def map_of(
    spots: Sequence[Spot], values: Sequence[F32], known: Sequence[NDArray[np.bool_]],
    bands: tuple[str, ...],
) -> ContributionMap:  # fmt: skip
    """Put windows onto one grid; where they overlap, their mean.

    Parameters
    ----------
    spots
        (row, column) of each window's upper left pixel.
    values
        ``(64, 64, bands)`` of each.
    known
        ``(64, 64)`` of each: pixels with data in all bands; others are left out.

    Returns
    -------
    Its first band is the mean over the bands, as on the paper's maps; then each band.

    Raises
    ------
    InputError
        The windows lie so far apart that the map would be too large.
    """
    edge = values[0].shape[0]
    rows, cols = (np.array([spot[axis] for spot in spots]) for axis in (0, 1))
    row, col = int(rows.min()), int(cols.min())
    shape = (int(rows.max()) + edge - row, int(cols.max()) + edge - col)
    if shape[0] * shape[1] > MAX_PIXELS:
        raise InputError(
            f"the windows spread over {shape[0]} x {shape[1]} pixels, too many for one map",
            hint="explain parts of the area into folders of their own",
        )
    total = np.zeros((len(bands), *shape), np.float64)
    count = np.zeros(shape, np.int32)
    for spot, own, seen in zip(spots, values, known, strict=True):
        place = (slice(spot[0] - row, spot[0] - row + edge), slice(spot[1] - col, spot[1] - col + edge))  # noqa: E501  # fmt: skip
        total[(slice(None), *place)] += np.where(seen, np.moveaxis(own, -1, 0), 0.0)
        count[place] += seen
    mean = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    layers = np.concatenate([mean.mean(axis=0, keepdims=True), mean]).astype(np.float32)
    said = "over 0 raises the landslide score"
    about = (
        Band("contribution", f"Contribution to the score, mean over the bands: {said}"),
        *(Band(f"contribution_{name}", f"Contribution of {name}: {said}") for name in bands),
    )
    return ContributionMap(layers, row, col, about)
