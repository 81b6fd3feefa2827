"""Where detections crowd: their number per square kilometre, smoothed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

F32 = NDArray[np.float32]
Mask = NDArray[np.bool_]

#: Radius (1 sigma of the kernel) in metres, as of landslide heat maps in the literature.
RADIUS_M = 1000.0


def density(found: Mask, observed: Mask, step_m: float, radius_m: float = RADIUS_M) -> F32:
    """Detections per square kilometre of what was observed.

    Parameters
    ----------
    found
        (rows, columns): windows that were detected and not suppressed.
    observed
        Windows that have a score.
    step_m
        Between windows, in metres.

    Returns
    -------
    float32, NaN where nothing is observed within the kernel's radius. What was not observed counts
    neither as with nor as without landslides.
    """
    sigma = radius_m / step_m
    hits = ndimage.gaussian_filter(found.astype(np.float64), sigma, mode="constant", truncate=3.0)
    seen = ndimage.gaussian_filter(
        observed.astype(np.float64), sigma, mode="constant", truncate=3.0
    )
    per_window = np.divide(hits, seen, out=np.full(hits.shape, np.nan), where=seen > 1e-3)
    near = ndimage.distance_transform_edt(~observed) <= sigma if not observed.all() else observed
    per_window[~near] = np.nan
    return np.asarray(per_window / (step_m / 1000.0) ** 2, np.float32)
