"""The two middle values over time of every pixel, compiled.

A row of pixels is sorted over time by a network of comparisons (Batcher's odd-even merge sort),
which does the same for every pixel and so runs on many at once: K. E. Batcher, Sorting networks
and their applications, AFIPS 1968. What is no data counts as infinite, and so comes last.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from sarlra.compiled import compiled

F32 = NDArray[np.float32]
#: Pixels sorted together: the values of some dozens of acquisitions stay near the processor.
WIDTH = 256


def middles(
    stack: F32, layers: Sequence[Sequence[int]], halo: int, other: F32 | None = None
) -> tuple[F32, F32, F32]:
    """The two values in the middle of what is not NaN, over acquisitions.

    Parameters
    ----------
    stack
        (slice, rows + 2 halo, columns + 2 halo), float32, NaN = no data.
    layers
        Of each acquisition, its slices; the first that has data counts.
    halo
        Rim that is left out.
    other
        A second stack of that shape, or None.

    Returns
    -------
    lower, upper, count
        (rows, columns) float32: the middle values, the same where their number is odd, NaN where
        it is 0; how many acquisitions have data, in both stacks where there are two.
    """
    shape = (stack.shape[1] - 2 * halo, stack.shape[2] - 2 * halo)
    lower, upper, count = (np.empty(shape, np.float32) for _ in range(3))
    ends = np.cumsum([0, *(len(one) for one in layers)])
    slices = np.array([index for one in layers for index in one], np.int64)
    second = stack if other is None else other
    _middles(stack, second, ends, slices, network(len(layers)), halo, lower, upper, count)
    return lower, upper, count


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
def _middles(stack, second, ends, slices, pairs, halo, lower, upper, count):  # type: ignore[no-untyped-def]
    size = ends.size - 1
    rows, cols = lower.shape
    values = np.empty((size, WIDTH), np.float32)
    number = np.empty(WIDTH, np.int64)
    both = np.empty(WIDTH, np.float32)
    seen = np.empty(WIDTH, np.bool_)
    infinite, nothing = np.float32(np.inf), np.float32(np.nan)
    for row in range(rows):
        for start in range(0, cols, WIDTH):
            width = min(WIDTH, cols - start)
            number[:] = 0
            both[:] = 0
            for layer in range(size):
                own = values[layer]
                line = stack[slices[ends[layer]], halo + row, halo + start : halo + start + width]
                for col in range(width):
                    own[col] = line[col]
                for index in range(ends[layer] + 1, ends[layer + 1]):
                    line = stack[slices[index], halo + row, halo + start : halo + start + width]
                    for col in range(width):
                        own[col] = line[col] if own[col] != own[col] else own[col]
                if second is stack:
                    for col in range(width):
                        both[col] += np.float32(own[col] == own[col])
                else:
                    seen[:] = False
                    for index in range(ends[layer], ends[layer + 1]):
                        line = second[
                            slices[index], halo + row, halo + start : halo + start + width
                        ]
                        for col in range(width):
                            seen[col] |= line[col] == line[col]
                    for col in range(width):
                        both[col] += np.float32(seen[col] & (own[col] == own[col]))
                for col in range(width):
                    number[col] += own[col] == own[col]
                    own[col] = own[col] if own[col] == own[col] else infinite
            order(values, pairs, width)
            for col in range(width):
                n = number[col]
                lower[row, start + col] = values[(n - 1) // 2, col] if n > 0 else nothing
                upper[row, start + col] = values[n // 2, col] if n > 0 else nothing
                count[row, start + col] = both[col]
