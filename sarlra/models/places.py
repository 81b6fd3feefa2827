"""Which results windows share, along one axis.

Two windows that overlap compute mostly the same, except near their edges, where each sees zeros in
the place of the other's pixels. So along an axis every result of a layer is known by what it is
computed from: by the results of the layer before under its taps, or by "nothing" beyond the
window's edge. Results of equal origin are one *place* and are computed once. That is exact for
any windows and any order of such layers, and asks for no case of its own at the rims.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Table = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Taps:
    """A convolution's places: ``(n, 3)`` places of the layer before; ``nothing`` is its size."""

    table: Table
    nothing: int


@dataclass(frozen=True, slots=True)
class Pairs:
    """Places of which each is made of two of the layer before, which may come in any order.

    ``table`` is ``(n, 2)``; ``order`` sorts by the later of the two, ``last`` is that, so sorted.
    ``depth`` is how many results of the layer before have to be kept.
    """

    table: Table
    order: Table
    last: Table
    depth: int


@dataclass(frozen=True, slots=True)
class Axis:
    """All layers of a network of three levels along one axis.

    ``finest``, ``middle`` and ``coarsest`` are convolutions; ``pooled_*`` halve them, ``mean_*``
    bring them to 16 results per window and ``joined_*`` halve those to 8. ``windows_*`` are
    ``(windows, 8)``: the joined places of each window.
    """

    extent: int
    finest: Taps
    pooled_finest: Pairs
    mean_finest: Pairs
    joined_finest: Pairs
    windows_finest: Table
    middle: Taps
    pooled_middle: Pairs
    mean_middle: Pairs
    joined_middle: Pairs
    windows_middle: Table
    coarsest: Taps
    joined_coarsest: Pairs
    windows_coarsest: Table


@lru_cache(maxsize=256)
def plan_axis(starts: tuple[int, ...], window: int) -> Axis:
    """Find the places of all layers for windows that start at given pixels.

    Parameters
    ----------
    starts
        Ascending, the first is 0.
    window
        Edge in pixels, a multiple of 8.
    """
    pixels = np.asarray(starts, np.int64)[:, None] + np.arange(window)
    extent = int(pixels.max()) + 1
    finest, at = _taps(pixels, extent)
    pooled, below = _pairs(at[:, 0::2], at[:, 1::2])
    # A bilinear halving of halves takes the two results around the middle of four.
    mean, means = _pairs(at[:, 1::4], at[:, 2::4])
    joined, ends = _pairs(means[:, 0::2], means[:, 1::2])
    middle, at = _taps(below, len(pooled.table))
    mean_middle, means = _pairs(at[:, 0::2], at[:, 1::2])
    joined_middle, ends_middle = _pairs(means[:, 0::2], means[:, 1::2])
    coarsest, at = _taps(means, len(mean_middle.table))
    joined_coarsest, ends_coarsest = _pairs(at[:, 0::2], at[:, 1::2])
    return Axis(
        extent, finest, pooled, mean, joined, ends, middle, mean_middle, mean_middle,
        joined_middle, ends_middle, coarsest, joined_coarsest, ends_coarsest,
    )  # fmt: skip


def _taps(at: Table, nothing: int) -> tuple[Taps, Table]:
    """The places of a 3-tap convolution over windows' places ``(windows, n)``, and theirs."""
    rim = np.full((len(at), 1), nothing, np.int64)
    left, right = np.hstack([rim, at[:, :-1]]), np.hstack([at[:, 1:], rim])
    size = nothing + 1
    # Sorted by the middle tap, so that what lies side by side is computed together.
    keys, places = np.unique((at * size + left) * size + right, return_inverse=True)
    table = np.stack([keys // size % size, keys // size // size, keys % size], axis=1)
    return Taps(table, nothing), places.reshape(at.shape)


def _pairs(first: Table, second: Table) -> tuple[Pairs, Table]:
    size = int(max(first.max(), second.max())) + 1
    keys, places = np.unique(first * size + second, return_inverse=True)
    table = np.stack([keys // size, keys % size], axis=1)
    last = table.max(axis=1)
    order = np.argsort(last, kind="stable").astype(np.int64)
    depth = int((last - table.min(axis=1)).max()) + 1
    return Pairs(table, order, last[order], depth), places.reshape(first.shape)
