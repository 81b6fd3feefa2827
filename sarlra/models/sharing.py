"""Scores of windows of an image, block by block."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
from numpy.typing import NDArray

from sarlra.models.cnn import WINDOW_PX
from sarlra.models.kernels import classify, convolve, pool
from sarlra.models.layered import LayeredCnn, Level
from sarlra.models.places import Axis, Pairs, plan_axis
from sarlra.models.products import PLACES

F32 = NDArray[np.float32]
I64 = NDArray[np.int64]

#: Rows and columns of windows that are computed together; a thread then holds some 20 MiB.
BLOCK = 16
#: Windows that share nothing, computed together.
APART = 32


def score_image(network: LayeredCnn, bands: Sequence[F32], positions: I64, threads: int) -> F32:
    """Score windows of an image; each has the score that it has alone.

    Parameters
    ----------
    bands
        One ``(rows, columns)`` array per band, dB, finite inside the windows.
    positions
        ``(n, 2)``: row, column of the upper left corners; all windows lie within the image.
    threads
        How many compute; scores do not depend on it.

    Returns
    -------
    numpy.ndarray
        ``(n,)`` float32 in [0, 1].
    """
    scores = np.empty(len(positions), np.float32)
    work = partial(_score_block, network, bands, positions, scores)
    with ThreadPoolExecutor(threads) as pool_:
        for _ in pool_.map(work, _blocks(positions)):
            pass
    return scores


def score_windows(network: LayeredCnn, windows: F32, threads: int) -> F32:
    """Score ``(n, 64, 64, bands)`` windows as :func:`score_image` does."""
    rows = windows.reshape(-1, *windows.shape[2:])
    first = np.arange(len(windows), dtype=np.int64) * WINDOW_PX
    positions = np.stack([first, np.zeros_like(first)], axis=1)
    return score_image(network, [rows[..., n] for n in range(rows.shape[2])], positions, threads)


def _blocks(positions: I64) -> Iterator[I64]:
    """Cut windows into blocks of neighbours: indices into ``positions``."""
    if not len(positions):
        return
    _, row_at = np.unique(positions[:, 0], return_inverse=True)
    cols, col_at = np.unique(positions[:, 1], return_inverse=True)
    wide = APART if len(cols) == 1 else BLOCK
    key = row_at // wide * (len(cols) // BLOCK + 1) + col_at // BLOCK
    order = np.argsort(key, kind="stable")
    for block in np.split(order, np.flatnonzero(np.diff(key[order])) + 1):
        yield from _shared_or_apart(positions, block)


def _shared_or_apart(positions: I64, block: I64) -> Iterator[I64]:
    """A block whose rows and columns hold few of the windows that they could is taken apart."""
    rows, cols = (np.unique(positions[block, axis]) for axis in (0, 1))
    area = (np.ptp(rows) + WINDOW_PX) * (np.ptp(cols) + WINDOW_PX)
    if area <= len(block) * WINDOW_PX**2:
        yield block
    else:
        yield from block[:, None]


def _score_block(
    network: LayeredCnn, bands: Sequence[F32], positions: I64, scores: F32, block: I64
) -> None:
    rows, row_at = np.unique(positions[block, 0], return_inverse=True)
    cols, col_at = np.unique(positions[block, 1], return_inverse=True)
    down = plan_axis(tuple((rows - rows[0]).tolist()), WINDOW_PX)
    across = plan_axis(tuple((cols - cols[0]).tolist()), WINDOW_PX)
    plane = _standardised(network, bands, (int(rows[0]), int(cols[0])), down.extent, across.extent)
    features, places = _features(network, plane, down, across)
    offsets = _offsets(network, places, down, across, row_at, col_at, features.shape[-1])
    found = np.empty(len(block), np.float32)
    classify(
        features.reshape(-1), offsets, features.shape[-1], network.dense, network.dense_bias,
        network.last, network.last_bias, found,
    )  # fmt: skip
    scores[block] = found


def _standardised(
    network: LayeredCnn, bands: Sequence[F32], corner: tuple[int, int], rows: int, cols: int
) -> F32:
    plane = np.zeros((rows + 1, cols + 1, network.bands), np.float32)
    own = (slice(corner[0], corner[0] + rows), slice(corner[1], corner[1] + cols))
    for number, band in enumerate(bands):
        part = band[own] - network.mean[number]
        plane[:rows, :cols, number] = part / network.deviation[number]
    return plane


def _features(
    network: LayeredCnn, plane: F32, down: Axis, across: Axis
) -> tuple[F32, tuple[tuple[int, int], ...]]:
    """The joined features of all levels, one plane behind the other, each of (rows, columns)."""
    shapes = tuple(
        (len(a.table), len(b.table))
        for a, b in (
            (down.joined_finest, across.joined_finest),
            (down.joined_middle, across.joined_middle),
            (down.joined_coarsest, across.joined_coarsest),
        )
    )
    channels = network.levels[2].bias.size
    ends = np.cumsum([rows * cols for rows, cols in shapes])
    features = np.empty((int(ends[-1]), channels), np.float32)
    first, second, third = (
        part.reshape(*shape, channels)
        for part, shape in zip(np.split(features, ends[:-1]), shapes, strict=True)
    )
    finest, middle, coarsest = network.levels
    pooled = _plane(down.pooled_finest, across.pooled_finest, channels)
    mean = _plane(down.mean_finest, across.mean_finest, channels)
    _convolve(finest, plane, down.finest.table, across.finest.table,
              (down.pooled_finest, across.pooled_finest, pooled),
              (down.mean_finest, across.mean_finest, mean))  # fmt: skip
    pool(mean, down.joined_finest.table, across.joined_finest.table, first)
    halved = _plane(down.pooled_middle, across.pooled_middle, channels)
    mean = _plane(down.mean_middle, across.mean_middle, channels)
    _convolve(middle, pooled, down.middle.table, across.middle.table,
              (down.pooled_middle, across.pooled_middle, halved),
              (down.mean_middle, across.mean_middle, mean))  # fmt: skip
    pool(mean, down.joined_middle.table, across.joined_middle.table, second)
    _convolve(coarsest, halved, down.coarsest.table, across.coarsest.table,
              (down.joined_coarsest, across.joined_coarsest, third), None)  # fmt: skip
    return features, shapes


def _plane(rows: Pairs, cols: Pairs, channels: int) -> F32:
    """A plane to be written; its last row and column are zeros."""
    plane = np.empty((len(rows.table) + 1, len(cols.table) + 1, channels), np.float32)
    plane[-1] = 0
    plane[:, -1] = 0
    return plane


_Made = tuple[Pairs, Pairs, F32]
_NOTHING = np.empty((0, 2), np.int64)


def _convolve(
    level: Level, plane: F32, row_taps: I64, col_taps: I64, maxima: _Made, means: _Made | None
) -> None:
    rows, cols, result = maxima
    depth = rows.depth
    mean: tuple[I64, I64, I64, I64, F32]
    if means is None:
        mean = (_NOTHING, _NOTHING[:, 0], _NOTHING[:, 0], _NOTHING, result)
    else:
        depth = max(depth, means[0].depth)
        mean = (means[0].table, means[0].order, means[0].last, means[1].table, means[2])
    convolve(
        plane, row_taps, col_taps, level.weights, level.bias, level.scale, level.shift,
        1 << (depth - 1).bit_length(),
        rows.table, rows.order, rows.last, cols.table, result, *mean,
    )  # fmt: skip


def _offsets(
    network: LayeredCnn,
    shapes: tuple[tuple[int, int], ...],
    down: Axis,
    across: Axis,
    row_at: I64,
    col_at: I64,
    channels: int,
) -> I64:
    """(blocks, taps, PLACES): where each window's features begin, as the dense layer takes them."""
    ends = np.cumsum([0, *(rows * cols for rows, cols in shapes)])
    tables = (
        (down.windows_finest, across.windows_finest),
        (down.windows_middle, across.windows_middle),
        (down.windows_coarsest, across.windows_coarsest),
    )
    levels = []
    for level in network.joined:
        rows, cols = tables[level][0][row_at], tables[level][1][col_at]
        levels.append(ends[level] + rows[:, :, None] * shapes[level][1] + cols[:, None, :])
    taps = np.stack(levels, axis=-1).reshape(len(row_at), -1) * channels
    short = -len(taps) % PLACES
    taps = np.pad(taps, ((0, short), (0, 0)))
    blocks = taps.reshape(-1, PLACES, taps.shape[1]).transpose(0, 2, 1)
    return np.ascontiguousarray(blocks)
