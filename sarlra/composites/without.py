"""The median over time of all acquisitions but one, for each of them, from one sort.

What an acquisition is held against is the median of the others. Of sorted values, those in the
middle once one is gone are among the three in the middle before: so a chip is sorted once, and not
once for each of its acquisitions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sarlra.compiled import compiled
from sarlra.composites.middles import WIDTH, network, order

F32 = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Sorted:
    """The middle of a stack over time.

    ``stack`` is (acquisition, rows, columns), float32, NaN = no data. Of the ``count`` values of a
    pixel ``mid`` is the lower one in the middle, ``low`` the one before where their number is odd,
    ``high`` the one after; what there is not is anything. All are (rows, columns) float32.
    """

    stack: F32
    low: F32
    mid: F32
    high: F32
    count: F32

    def without(self, index: int) -> F32:
        """(rows, columns) median of all acquisitions but one; NaN where the others have nothing.

        For an even number it is the mean of the two values in the middle.
        """
        result = np.empty(self.mid.shape, np.float32)
        _without(self.stack[index], self.low, self.mid, self.high, self.count, result)
        return result

    def others(self, index: int) -> F32:
        """(rows, columns), how many acquisitions but one have data."""
        return np.asarray(self.count - np.isfinite(self.stack[index]), np.float32)


def sort(stack: F32) -> Sorted:
    """Sort a stack (acquisition, rows, columns), at least two, float32, NaN = no data."""
    low, mid, high, count = (np.empty(stack.shape[1:], np.float32) for _ in range(4))
    _sort(stack, network(len(stack)), low, mid, high, count)
    return Sorted(stack, low, mid, high, count)


@compiled
def _sort(stack, pairs, low, mid, high, count):  # type: ignore[no-untyped-def]
    size, rows, cols = stack.shape
    values = np.empty((size, WIDTH), np.float32)
    number = np.empty(WIDTH, np.int64)
    infinite = np.float32(np.inf)
    for row in range(rows):
        for start in range(0, cols, WIDTH):
            width = min(WIDTH, cols - start)
            number[:] = 0
            for layer in range(size):
                own, line = values[layer], stack[layer, row, start : start + width]
                for col in range(width):
                    number[col] += line[col] == line[col]
                    own[col] = line[col] if line[col] == line[col] else infinite
            order(values, pairs, width)
            for col in range(width):
                middle = max((number[col] - 1) // 2, 0)
                low[row, start + col] = values[max(middle - 1, 0), col]
                mid[row, start + col] = values[middle, col]
                high[row, start + col] = values[min(middle + 1, size - 1), col]
                count[row, start + col] = np.float32(number[col])


@compiled
def _without(image, low, mid, high, count, result):  # type: ignore[no-untyped-def]
    nothing, half = np.float32(np.nan), np.float32(0.5)
    rows, cols = result.shape
    for row in range(rows):
        for col in range(cols):
            value, number = image[row, col], count[row, col]
            middle, above = mid[row, col], high[row, col]
            even = number % np.float32(2) == 0
            # Sorted without it, what stands behind it moves up by one place.
            upper = middle if value > middle else above
            before = low[row, col] if value > low[row, col] else middle
            lower = upper if even else before
            if value != value:
                lower, upper = middle, above if even else middle
            left = number - np.float32(1) if value == value else number
            result[row, col] = (lower + upper) * half if left > 0 else nothing
