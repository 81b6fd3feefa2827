"""Non-maximum suppression: of windows that overlap, the one with the highest score stays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sarlra.compiled import compiled


def suppress(
    boxes: NDArray[np.generic], scores: NDArray[np.generic], overlap: float
) -> NDArray[np.int64]:
    """Keep boxes in order of their score, dropping those that overlap one already kept.

    Equal scores go by the first coordinate (row), then the second (column), then the order given,
    so that the answer does not depend on the order of distinct boxes.

    Parameters
    ----------
    boxes
        ``(n, 4)``: row0, column0, row1, column1, half open, in pixels.
    scores
        ``(n,)``, finite.
    overlap
        Intersection over union above which the lower score is dropped.

    Returns
    -------
    numpy.ndarray
        ``(kept,)`` int64 indices into ``boxes``, highest score first: those of
        ``tf.image.non_max_suppression``, which would take TensorFlow's import.

    Raises
    ------
    ValueError
        Shapes differ, a box is empty, or a number is not finite.
    """
    corners = np.asarray(boxes, dtype=np.float64)
    heights = np.asarray(scores, dtype=np.float64)
    if corners.ndim != 2 or corners.shape[1] != 4 or heights.shape != corners.shape[:1]:
        raise ValueError(f"boxes {corners.shape} and scores {heights.shape} do not match (n, 4)")
    if not (np.isfinite(corners).all() and np.isfinite(heights).all()):
        raise ValueError("boxes and scores must be finite")
    if (corners[:, 2:] <= corners[:, :2]).any():
        raise ValueError("boxes must not be empty")
    if not len(corners):
        return np.empty(0, dtype=np.int64)
    order = np.lexsort((corners[:, 1], corners[:, 0], -heights))
    # Counted from the first box, whole numbers are exact in float32.
    near = (corners - corners.min(axis=0)[[0, 1, 0, 1]])[order].astype(np.float32)
    return np.asarray(order[_keep(near, np.float32(overlap))], dtype=np.int64)


@compiled
def _keep(boxes, overlap):  # type: ignore[no-untyped-def]
    """Indices of the boxes, best first, that no better one kept overlaps too much."""
    kept = np.empty(len(boxes), np.int64)
    count = 0
    for box in range(len(boxes)):
        row0, col0, row1, col1 = boxes[box]
        area = (row1 - row0) * (col1 - col0)
        free = True
        for other in range(count - 1, -1, -1):
            top, left, bottom, right = boxes[kept[other]]
            high = min(row1, bottom) - max(row0, top)
            wide = min(col1, right) - max(col0, left)
            if high <= 0 or wide <= 0:
                continue
            both = high * wide
            if both / (area + (bottom - top) * (right - left) - both) > overlap:
                free = False
                break
        if free:
            kept[count] = box
            count += 1
    return kept[:count]
