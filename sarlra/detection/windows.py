"""Windows of an image, gathered batch by batch through views, and sums over windows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

Positions = NDArray[np.int64]


def window_positions(rows: int, columns: int, window: int, stride: int) -> Positions:
    """Upper left corners of all windows that lie within an image, row by row.

    The last row and column of windows count where they fit exactly.

    Returns
    -------
    numpy.ndarray
        ``(n, 2)`` int64: row, column in pixels.
    """
    first = np.arange(0, rows - window + 1, stride, dtype=np.int64)
    second = np.arange(0, columns - window + 1, stride, dtype=np.int64)
    grid = np.stack(np.meshgrid(first, second, indexing="ij"), axis=-1)
    return np.asarray(grid.reshape(-1, 2), dtype=np.int64)


def gather(
    bands: Sequence[NDArray[np.float32]], positions: Positions, window: int
) -> NDArray[np.float32]:
    """Copy windows out of an image.

    Parameters
    ----------
    bands
        One ``(rows, columns)`` array per band; nothing but the windows is copied.
    positions
        ``(n, 2)``: row, column of the upper left corners, in pixels of the arrays.
    window
        Edge of a window in pixels.

    Returns
    -------
    numpy.ndarray
        ``(n, window, window, bands)`` float32, C order.

    Raises
    ------
    IndexError
        A window does not lie within the image.
    """
    gathered = np.empty((len(positions), window, window, len(bands)), dtype=np.float32)
    for number, band in enumerate(bands):
        views = np.lib.stride_tricks.sliding_window_view(band, (window, window))
        gathered[..., number] = views[positions[:, 0], positions[:, 1]]
    return gathered


def batches(positions: Positions, size: int) -> Iterator[slice]:
    """Slices that cut positions into runs of at most ``size``."""
    for start in range(0, len(positions), size):
        yield slice(start, min(start + size, len(positions)))


def share_in_windows(
    mask: NDArray[np.bool_], positions: Positions, window: int
) -> NDArray[np.float64]:
    """The share of set pixels in each window, exactly, by sums over the image.

    Parameters
    ----------
    mask
        ``(rows, columns)``.
    positions
        ``(n, 2)``: row, column of the upper left corners; every window lies within the image.

    Returns
    -------
    numpy.ndarray
        ``(n,)`` in [0, 1].
    """
    kind = np.int32 if mask.size < 2**31 else np.int64
    sums = np.zeros((mask.shape[0] + 1, mask.shape[1] + 1), dtype=kind)
    np.cumsum(mask, axis=0, dtype=kind, out=sums[1:, 1:])
    np.cumsum(sums[1:, 1:], axis=1, out=sums[1:, 1:])
    top, left = positions[:, 0], positions[:, 1]
    bottom, right = top + window, left + window
    inside = sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left]
    return np.asarray(inside / float(window * window))


def median_in_windows(
    counts: NDArray[np.uint16], positions: Positions, window: int
) -> NDArray[np.uint16]:
    """The lower median of counts in each window: always a count that occurs.

    Parameters
    ----------
    counts
        ``(rows, columns)`` uint16.

    Returns
    -------
    numpy.ndarray
        ``(n,)`` uint16.
    """
    medians = np.empty(len(positions), dtype=np.uint16)
    views = np.lib.stride_tricks.sliding_window_view(counts, (window, window))
    middle = (window * window - 1) // 2
    for part in batches(positions, 256):
        pixels = views[positions[part, 0], positions[part, 1]].reshape(part.stop - part.start, -1)
        medians[part] = np.partition(pixels, middle, axis=1)[:, middle]
    return medians
