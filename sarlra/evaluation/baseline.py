"""The detector to beat: how much VV changed, smoothed, and a threshold.

A patch's score is the change that 5 % of its pixels exceed: a threshold on it calls a patch
landslide where more than 5 % of the pixels of the smoothed change lie over the threshold, as the
classes of patches are defined. Whether the change is smoothed before or after its sign is taken
away, how widely, and the threshold are chosen on training patches alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from sarlra.errors import InputError
from sarlra.models.metrics import Counts, best_threshold, count
from sarlra.samples.labels import LANDSLIDE_SHARE

F32 = NDArray[np.float32]
Order = Literal["smooth, then absolute", "absolute, then smooth"]

#: Widths of the Gaussian that are tried, standard deviations in pixels of 10 m.
SIGMAS = (1.0, 2.0, 3.0, 4.0, 6.0)
ORDERS: tuple[Order, ...] = ("smooth, then absolute", "absolute, then smooth")
_AT_ONCE = 512


@dataclass(frozen=True, slots=True)
class Baseline:
    """What was chosen: the order, the width in pixels, the threshold in dB, and its F1 there."""

    order: Order
    sigma_px: float
    threshold_db: float
    training_f1: float


def tune_baseline(
    diff_vv: F32, labels: NDArray[np.bool_], sigmas: Sequence[float] = SIGMAS
) -> Baseline:
    """Choose smoothing and threshold by F1 on training patches.

    Parameters
    ----------
    diff_vv
        ``(n, rows, columns)`` float32 dB, change of VV; NaN is no data, taken as no change.
    labels
        ``(n,)``: landslide or background.
    sigmas
        Widths to try, pixels.

    Raises
    ------
    InputError
        The shapes do not fit.
    ModelError
        A class is missing.
    """
    _check(diff_vv, labels)
    found = []
    for order in ORDERS:
        for sigma in sigmas:
            scores = change_scores(diff_vv, order, sigma)
            threshold = best_threshold(scores, labels)
            found.append(Baseline(order, sigma, threshold, count(scores, labels, threshold).f1))
    return max(found, key=lambda one: one.training_f1)


def baseline_counts(baseline: Baseline, diff_vv: F32, labels: NDArray[np.bool_]) -> Counts:
    """Right and wrong answers of a tuned baseline on other patches; shapes as in
    :func:`tune_baseline`.

    Raises
    ------
    InputError
        The shapes do not fit.
    """
    _check(diff_vv, labels)
    scores = change_scores(diff_vv, baseline.order, baseline.sigma_px)
    return count(scores, labels, baseline.threshold_db)


def change_scores(diff_vv: F32, order: Order, sigma: float) -> F32:
    """The smoothed change that 5 % of a patch's pixels exceed, dB, ``(n,)`` float32."""
    scores = np.empty(len(diff_vv), dtype=np.float32)
    for start in range(0, len(diff_vv), _AT_ONCE):
        part = np.nan_to_num(diff_vv[start : start + _AT_ONCE], nan=0.0)
        if order == ORDERS[1]:
            part = np.abs(part)
        smooth = ndimage.gaussian_filter(part, (0.0, sigma, sigma), mode="nearest")
        flat = np.abs(smooth).reshape(len(part), -1)
        scores[start : start + len(part)] = np.quantile(flat, 1 - LANDSLIDE_SHARE, axis=1)
    return scores


def _check(diff_vv: F32, labels: NDArray[np.bool_]) -> None:
    if diff_vv.ndim != 3 or labels.shape != diff_vv.shape[:1]:
        raise InputError(
            f"changes of shape {diff_vv.shape} and labels of {labels.shape} do not fit (n, rows, "
            "columns) and (n,)"
        )
