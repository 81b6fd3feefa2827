"""The two middle values over time of every pixel, compiled.

A row of pixels is sorted over time by a network of comparisons (Batcher's odd-even merge sort),
which does the same for every pixel and so runs on many at once: K. E. Batcher, Sorting networks
and their applications, AFIPS 1968. What is no data counts as infinite, and so comes last.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from sarlra.compiled import compiled

F32 = NDArray[np.float32]
#: Pixels sorted together: the values of some dozens of acquisitions stay near the processor.
WIDTH = 256


@dataclass(frozen=True, slots=True)
class Middles:
    """Room for the middle values of some rows of pixels; see :func:`middles`.

    ``lower`` and ``upper`` are (polarisation, rows, columns), the values in the middle, the same
    where their number is odd, NaN where it is 0; ``count`` is (rows, columns), how many
    acquisitions have data in every polarisation. All are float32.
    """

    lower: F32
    upper: F32
    count: F32

    @classmethod
    def of(cls, polarisations: int, rows: int, cols: int) -> Middles:
        """Room that holds anything."""
        lower, upper = (np.empty((polarisations, rows, cols), np.float32) for _ in range(2))
        return cls(lower, upper, np.empty((rows, cols), np.float32))


def middles(
    stacks: F32, layers: Sequence[Sequence[int]], halo: int, row: int, result: Middles
) -> None:
    """The two values in the middle of what is not NaN, over acquisitions.

    Parameters
    ----------
    stacks
        (polarisation, slice, rows + 2 halo, columns + 2 halo), float32, NaN = no data.
    layers
        Of each acquisition, its slices; the first that has data counts.
    halo
        Rim that is left out.
    row
        The first that is wanted, the rim not counted; as many follow as ``result`` has.
    """
    ends = np.cumsum([0, *(len(one) for one in layers)])
    slices = np.array([index for one in layers for index in one], np.int64)
    pairs, few = network(len(layers)), middle_pairs(len(layers))
    _middles(stacks, ends, slices, pairs, few, halo, row, result.lower, result.upper, result.count)


@lru_cache(maxsize=256)
def network(size: int) -> NDArray[np.int64]:
    """(n, 2) pairs to compare, in this order, so that ``size`` values are sorted."""
    pairs = []
    span = 1
    while span < size:
        step = span
        while step:
            for first in range(step % span, size - step, 2 * step):
                for low in range(first, min(first + step, size - step)):
                    if low // (2 * span) == (low + step) // (2 * span):
                        pairs.append((low, low + step))
            step //= 2
        span *= 2
    return np.array(pairs, np.int64).reshape(-1, 2)


@lru_cache(maxsize=256)
def middle_pairs(size: int) -> NDArray[np.int64]:
    """Those pairs of the network that decide on the middle of ``size`` values."""
    wanted = {(size - 1) // 2, size // 2}
    kept = []
    for low, high in network(size)[::-1]:
        if low in wanted or high in wanted:
            kept.append((low, high))
            wanted |= {low, high}
    return np.array(kept[::-1], np.int64).reshape(-1, 2)


@compiled
def order(values, pairs, width):  # type: ignore[no-untyped-def]
    """Sort the first ``width`` columns of (layer, column) values in place by a network's pairs."""
    for pair in range(pairs.shape[0]):
        low, high = values[pairs[pair, 0]], values[pairs[pair, 1]]
        for col in range(width):
            a, b = low[col], high[col]
            low[col] = a if a < b else b
            high[col] = b if a < b else a


@compiled
def _middles(stacks, ends, slices, pairs, few, halo, first, lower, upper, count):  # type: ignore[no-untyped-def]
    size = ends.size - 1
    depth, rows, cols = lower.shape
    values = np.empty((size, WIDTH), np.float32)
    number = np.empty(WIDTH, np.int32)
    seen = np.empty((size, WIDTH), np.bool_)
    for row in range(rows):
        for start in range(0, cols, WIDTH):
            width = min(WIDTH, cols - start)
            place = (halo + first + row, halo + start, halo + start + width)
            whole = True
            for pol in range(depth):
                stack = stacks[pol]
                low = lower[pol, row, start : start + width]
                high = upper[pol, row, start : start + width]
                if _copy(stack, place, ends, slices, values):  # as mostly
                    order(values, few, width)
                    low[:] = values[(size - 1) // 2, :width]
                    high[:] = values[size // 2, :width]
                else:
                    if whole:
                        whole, seen[:] = False, True
                    _fill(stack, place, ends, slices, values, number, seen)
                    order(values, pairs, width)
                    _between(values, number, low, high)
            number[:] = size if whole else 0
            for layer in range(0 if whole else size):
                for col in range(width):
                    number[col] += np.int32(seen[layer, col])
            count[row, start : start + width] = number[:width]


@compiled
def _copy(stack, place, ends, slices, values):  # type: ignore[no-untyped-def]
    """The first slice of each acquisition; whether that is all, as nothing is missing."""
    row, left, right = place
    gaps = np.int32(0)
    for layer in range(ends.size - 1):
        own, line = values[layer], stack[slices[ends[layer]], row, left:right]
        for col in range(line.size):
            value = line[col]
            own[col] = value
            gaps += np.int32(value != value)
    return gaps == 0


@compiled
def _fill(stack, place, ends, slices, values, number, seen):  # type: ignore[no-untyped-def]
    """The first of each acquisition's slices that has data; infinite, and not seen, without."""
    row, left, right = place
    infinite = np.float32(np.inf)
    number[:] = 0
    for layer in range(ends.size - 1):
        own, both = values[layer], seen[layer]
        for index in range(ends[layer] + 1, ends[layer + 1]):
            line = stack[slices[index], row, left:right]
            for col in range(line.size):
                own[col] = line[col] if own[col] != own[col] else own[col]
        for col in range(right - left):
            there = own[col] == own[col]
            number[col] += np.int32(there)
            both[col] &= there
            own[col] = own[col] if there else infinite


@compiled
def _between(values, number, low, high):  # type: ignore[no-untyped-def]
    """The middle of as many sorted values as there are."""
    for col in range(low.size):
        n = number[col]
        low[col] = values[(n - 1) // 2, col] if n else np.float32(np.nan)
        high[col] = values[n // 2, col] if n else np.float32(np.nan)
