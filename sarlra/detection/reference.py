"""The behaviour of the public SAR-LRA tool, kept apart, for comparison.

It differs from what is right in five ways: the last row and column of windows are missing where
they would fit exactly; boxes are suppressed in order of their lower edge instead of their score;
overlap is the intersection over the other box, with edges one pixel longer; no data is scored as
it is; the threshold is always 0.6.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

THRESHOLD = 0.6
OVERLAP = 0.1
WINDOW_PX = 64
STRIDE_PX = 32


def reference_locations(rows: int, columns: int) -> NDArray[np.int64]:
    """The tool's windows on an image.

    Returns
    -------
    numpy.ndarray
        ``(n, 4)`` int64: x0, y0, x1, y1 in pixels (column first), row by row.
    """
    y = np.arange(0, rows - WINDOW_PX, STRIDE_PX, dtype=np.int64)
    x = np.arange(0, columns - WINDOW_PX, STRIDE_PX, dtype=np.int64)
    top, left = (grid.ravel() for grid in np.meshgrid(y, x, indexing="ij"))
    return np.stack([left, top, left + WINDOW_PX, top + WINDOW_PX], axis=-1)


def reference_kept(
    locations: NDArray[np.int64],
    scores: NDArray[np.float32],
    threshold: float = THRESHOLD,
    overlap: float = OVERLAP,
) -> NDArray[np.int64]:
    """Which windows are left after the tool's threshold and suppression.

    Parameters
    ----------
    locations
        ``(n, 4)``: x0, y0, x1, y1.
    scores
        ``(n,)``; NaN is never over the threshold.

    Returns
    -------
    numpy.ndarray
        ``(kept,)`` int64 indices into ``locations``, in the order in which the tool lists its
        boxes: lowest edge first, among equals the last given first.
    """
    candidates = np.flatnonzero(np.asarray(scores) > threshold)
    edges = locations[candidates].astype(np.float64)
    areas = (edges[:, 2] - edges[:, 0] + 1) * (edges[:, 3] - edges[:, 1] + 1)
    waiting = np.argsort(edges[:, 3], kind="stable")[::-1]
    kept: list[int] = []
    while waiting.size:
        box, waiting = waiting[0], waiting[1:]
        kept.append(int(candidates[box]))
        low = np.maximum(edges[box, :2], edges[waiting, :2])
        high = np.minimum(edges[box, 2:], edges[waiting, 2:])
        sides = np.maximum(0, high - low + 1)
        waiting = waiting[sides[:, 0] * sides[:, 1] / areas[waiting] <= overlap]
    return np.array(kept, dtype=np.int64)
