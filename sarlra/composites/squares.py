"""What squares around pixels hold: whether anything of a mask, and the mean of an image."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sarlra.compiled import compiled


def anything(mask: NDArray[np.bool_], size: int) -> NDArray[np.bool_]:
    """Whether the square of ``size`` pixels (odd) around each pixel holds any of a mask.

    Nothing of the mask lies beyond the array, (rows, columns).
    """
    result = np.zeros(mask.shape, np.bool_)
    if mask.any():
        _anything(mask, size // 2, result)
    return result


def mean_around(image: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """Mean of what has data in the square of ``size`` pixels (odd) around each pixel that has data.

    Beyond its edges an image goes on as its mirror does, the last pixel twice.

    Parameters
    ----------
    image
        (rows, columns), float32, NaN = no data.

    Returns
    -------
    (rows, columns), float32, added up in float64; NaN where the pixel itself has no data.
    """
    result = np.empty(image.shape, np.float32)
    reach = size // 2
    places = [np.pad(np.arange(n), reach, mode="symmetric") for n in image.shape]
    _mean_around(image, reach, *places, result)
    return result


@compiled
def _anything(mask, reach, result):  # type: ignore[no-untyped-def]
    rows, cols = mask.shape
    # Pixels of the mask in the column of a square; a rim of zeros on both sides.
    held = np.zeros(cols + 2 * reach, np.int32)
    inner = held[reach : reach + cols]
    for row in range(min(reach, rows)):
        for col in range(cols):
            inner[col] += mask[row, col]
    for row in range(rows):
        if row + reach < rows:
            for col in range(cols):
                inner[col] += mask[row + reach, col]
        if row - reach - 1 >= 0:
            for col in range(cols):
                inner[col] -= mask[row - reach - 1, col]
        total = 0
        for col in range(2 * reach):
            total += held[col]
        for col in range(cols):
            total += held[col + 2 * reach]
            result[row, col] = total > 0
            total -= held[col]


@compiled
def _mean_around(image, reach, at_row, at_col, result):  # type: ignore[no-untyped-def]
    rows, cols = image.shape
    nothing = np.float32(np.nan)
    total, count = np.zeros(cols), np.zeros(cols)
    wide_total, wide_count = np.empty(cols + 2 * reach), np.empty(cols + 2 * reach)
    mean_total, mean_count = np.empty(cols), np.empty(cols)
    for row in range(-2 * reach, rows):
        line = image[at_row[row + 2 * reach]]
        for col in range(cols):
            known = line[col] == line[col]
            total[col] += np.float64(line[col]) if known else 0.0
            count[col] += 1.0 if known else 0.0
        if row < 0:
            continue
        for col in range(cols + 2 * reach):
            wide_total[col] = total[at_col[col]]
            wide_count[col] = count[at_col[col]]
        mean_total[:] = 0
        mean_count[:] = 0
        for step in range(2 * reach + 1):
            for col in range(cols):
                mean_total[col] += wide_total[col + step]
                mean_count[col] += wide_count[col + step]
        line = image[at_row[row]]  # leaves the square with the next row
        for col in range(cols):
            own, value = image[row, col], np.float32(mean_total[col] / max(mean_count[col], 1.0))
            result[row, col] = value if own == own else nothing
            known = line[col] == line[col]
            total[col] -= np.float64(line[col]) if known else 0.0
            count[col] -= 1.0 if known else 0.0
