"""Whether a map points at what it should: contributions inside true landslides against outside."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, stats

Mask = NDArray[np.bool_]
#: Width of the Gaussian that takes speckle out of a map, pixels.
SIGMA_PX = 2.0


def smoothed(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """A map (rows, columns) without its speckle: single pixels of it say little."""
    return np.asarray(ndimage.gaussian_filter(values.astype(np.float64), SIGMA_PX, mode="nearest"))


def auc_inside(values: NDArray[np.floating], inside: Mask) -> float:
    """The chance that a pixel inside has a higher value than one outside (area under the ROC),
    after smoothing.

    Parameters
    ----------
    values, inside
        (rows, columns). NaN where all or no pixels are inside.
    """
    smooth = smoothed(values)
    one, other = smooth[inside], smooth[~inside]
    if not one.size or not other.size:
        return float("nan")
    return float(stats.mannwhitneyu(one, other).statistic) / (one.size * other.size)


def points_inside(values: NDArray[np.floating], inside: Mask) -> bool:
    """Whether the highest place of the smoothed map lies inside: the pointing game (Zhang et al.
    2018, Int. J. Comput. Vis. 126, 1084-1102), without its margin. Shapes (rows, columns).
    """
    return bool(inside.ravel()[int(smoothed(values).argmax())])


def positive_share(values: NDArray[np.floating], inside: Mask) -> float:
    """The share of what raises the score that lies inside; NaN where nothing does."""
    raising = np.maximum(values.astype(np.float64), 0.0)
    total = float(raising.sum())
    return float(raising[inside].sum()) / total if total > 0 else float("nan")
