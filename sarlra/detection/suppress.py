"""Non-maximum suppression: of windows that overlap, the one with the highest score stays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sarlra.models.engine import import_tensorflow


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
        ``(kept,)`` int64 indices into ``boxes``, highest score first. The suppression itself is
        ``tf.image.non_max_suppression``.

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
    tf = import_tensorflow()
    order = np.lexsort((corners[:, 1], corners[:, 0], -heights))
    # float32 is exact for whole numbers only up to 2^24; ranks keep ties that float32 would make.
    near = (corners - corners.min(axis=0)[[0, 1, 0, 1]])[order].astype(np.float32)
    ranks = np.arange(len(order), 0, -1, dtype=np.float32)
    with tf.device("/CPU:0"):
        kept = tf.image.non_max_suppression(
            near, ranks, max_output_size=len(order), iou_threshold=overlap
        ).numpy()
    return np.asarray(order[kept], dtype=np.int64)
