"""From scores to probabilities: a logistic curve through the scores of known windows.

Focal loss and the choice of patches distort a network's output: a score of 0.6 is not right in 6
of 10 cases. Platt's method (1999, "Probabilistic outputs for support vector machines") fits
``sigmoid(slope * logit(score) + intercept)`` by maximum likelihood; its targets, a little inside 0
and 1, keep the curve finite where a threshold parts the classes without an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize
from scipy.special import expit, logit

from sarlra.errors import ModelError
from sarlra.models.card import Calibration

F64 = NDArray[np.float64]

#: Scores are brought this far inside (0, 1): the logit of 0 and 1 is infinite.
CLIP = 1e-6


def fit_calibration(
    scores: NDArray[np.floating],
    labels: NDArray[np.bool_],
    fitted_on: str,
    weights: NDArray[np.floating] | None = None,
) -> Calibration:
    """Fit the curve.

    Parameters
    ----------
    scores
        ``(n,)`` in [0, 1], of data that the network was not trained on.
    labels
        ``(n,)``: landslide or not. Their share is the one that the probabilities refer to: the
        data should have the natural share, or weights that bring it back.
    fitted_on
        The data in words, for the card.
    weights
        ``(n,)``, not negative: how many windows each stands for; 1 where not given.

    Returns
    -------
    Calibration
        The same for the same input. Brier scores are weighted as the fit is.

    Raises
    ------
    ModelError
        Shapes differ, a value is out of range or not finite, a class is missing, or the score
        falls where landslides are more frequent.
    """
    score, truth, weight = _checked(scores, labels, weights)
    positives, negatives = weight[truth].sum(), weight[~truth].sum()
    target = np.where(truth, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    x = _logit(score)
    start = np.array([1.0, np.log(positives / negatives)])
    found = minimize(
        _loss, start, (x, target, weight / weight.sum()), method="BFGS", jac=True,
        options={"gtol": 1e-9, "maxiter": 500},
    )  # fmt: skip
    slope, intercept = (float(value) for value in found.x)
    if not np.isfinite(found.x).all() or slope < 0:
        raise ModelError(
            f"no calibration can be fitted on {fitted_on}: the higher the score, the fewer the "
            "landslides",
            hint="the network has not learnt; train again",
        )
    made = Calibration(
        slope=slope, intercept=intercept, fitted_on=fitted_on,
        brier_before=brier(score, truth, weight), brier_after=0.0, samples=len(score),
    )  # fmt: skip
    return made.model_copy(update={"brier_after": brier(apply(made, score), truth, weight)})


def apply(calibration: Calibration, scores: ArrayLike) -> F64:
    """Probabilities of scores, float64 of the same shape; NaN stays NaN. Never falls with the
    score.
    """
    x = _logit(np.asarray(scores, dtype=np.float64))
    return np.asarray(expit(calibration.slope * x + calibration.intercept))


def calibration_of(card: Mapping[str, Any]) -> Calibration | None:
    """The calibration in a card's plain values; None where it has none."""
    found = card.get("calibration")
    return None if found is None else Calibration.model_validate(found)


def brier(
    probabilities: NDArray[np.floating],
    labels: NDArray[np.bool_],
    weights: NDArray[np.floating] | None = None,
) -> float:
    """Mean squared difference between probability and truth, ``(n,)`` each; 0 is perfect."""
    error = (np.asarray(probabilities, dtype=np.float64) - labels.astype(bool)) ** 2
    return float(np.average(error, weights=weights))


def _loss(curve: F64, x: F64, target: F64, weight: F64) -> tuple[float, F64]:
    """Mean negative log-likelihood and its gradient."""
    z = curve[0] * x + curve[1]
    residual = weight * (expit(z) - target)
    value = float((weight * (np.logaddexp(0.0, z) - target * z)).sum())
    return value, np.array([(residual * x).sum(), residual.sum()])


def _logit(scores: F64) -> F64:
    return np.asarray(logit(np.clip(scores, CLIP, 1 - CLIP)))


def _checked(
    scores: NDArray[np.floating],
    labels: NDArray[np.bool_],
    weights: NDArray[np.floating] | None,
) -> tuple[F64, NDArray[np.bool_], F64]:
    score = np.asarray(scores, dtype=np.float64)
    truth = np.asarray(labels).astype(bool)
    weight = np.ones(score.shape) if weights is None else np.asarray(weights, dtype=np.float64)
    if score.ndim != 1 or truth.shape != score.shape or weight.shape != score.shape:
        raise ModelError(
            f"scores {score.shape}, labels {truth.shape} and weights {weight.shape} do not match"
        )
    if not (np.isfinite(score).all() and ((score >= 0) & (score <= 1)).all()):
        raise ModelError("a calibration needs scores between 0 and 1")
    if not (np.isfinite(weight).all() and (weight >= 0).all()):
        raise ModelError("weights of a calibration must be finite and not negative")
    if not weight[truth].sum() > 0 or not weight[~truth].sum() > 0:
        raise ModelError("a calibration needs windows of both classes")
    return score, truth, weight
