"""Probabilities from scores, against Newton's method written out and against the true curve."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sarlra.errors import ModelError
from sarlra.models.calibration import apply, brier, fit_calibration
from sarlra.models.card import Calibration, Card, card_bytes, parse_card


def _draw(n: int, slope: float, intercept: float) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    x = rng.normal(-1.0, 1.5, n)
    labels = rng.random(n) < 1 / (1 + np.exp(-(slope * x + intercept)))
    return 1 / (1 + np.exp(-x)), labels


def _newton(scores: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Iteratively reweighted least squares with Platt's targets."""
    design = np.stack([np.log(scores / (1 - scores)), np.ones(len(scores))], axis=1)
    hits, rest = weights[labels].sum(), weights[~labels].sum()
    target = np.where(labels, (hits + 1) / (hits + 2), 1 / (rest + 2))
    curve = np.zeros(2)
    for _ in range(50):
        p = 1 / (1 + np.exp(-design @ curve))
        information = (design * (weights * p * (1 - p))[:, None]).T @ design
        curve = curve + np.linalg.solve(information, design.T @ (weights * (target - p)))
    return curve


@pytest.mark.parametrize("weighted", [False, True])
def test_the_curve_is_the_most_likely_one(weighted: bool) -> None:
    scores, labels = _draw(1500, 1.7, -2.0)
    weights = np.random.default_rng(1).uniform(0.2, 5, 1500) if weighted else np.ones(1500)
    made = fit_calibration(scores, labels, "a draw", weights if weighted else None)
    expected = _newton(scores, labels, weights)
    assert (made.slope, made.intercept) == pytest.approx(tuple(expected), abs=1e-5)
    assert (made.kind, made.samples, made.fitted_on) == ("logistic", 1500, "a draw")
    p = 1 / (1 + np.exp(-(expected[0] * np.log(scores / (1 - scores)) + expected[1])))
    assert made.brier_after == pytest.approx(
        np.average((p - labels) ** 2, weights=weights), abs=1e-6
    )
    assert made.brier_before == pytest.approx(np.average((scores - labels) ** 2, weights=weights))
    assert made.brier_after < made.brier_before


def test_a_known_distortion_is_found_and_whole_weights_are_copies() -> None:
    scores, labels = _draw(200_000, 2.5, -1.0)
    made = fit_calibration(scores, labels, "a draw")
    assert (made.slope, made.intercept) == pytest.approx((2.5, -1.0), abs=0.05)
    few, truth = scores[:300], labels[:300]
    twice = fit_calibration(few, truth, "x", np.full(300, 2.0))
    copied = fit_calibration(np.tile(few, 2), np.tile(truth, 2), "x")
    assert (twice.slope, twice.intercept) == pytest.approx(
        (copied.slope, copied.intercept), abs=1e-6
    )


def test_classes_that_a_threshold_parts_give_a_finite_curve() -> None:
    scores = np.array([0.0, 0.1, 0.2, 0.8, 0.9, 1.0], dtype=np.float32)
    made = fit_calibration(scores, scores > 0.5, "six windows")
    assert math.isfinite(made.slope)
    assert made.slope > 0
    assert made == fit_calibration(scores, scores > 0.5, "six windows")


@given(
    st.floats(0, 20),
    st.floats(-20, 20),
    st.lists(st.floats(0, 1, width=32), min_size=2, max_size=30),
)
def test_probabilities_keep_the_order_of_the_scores(
    slope: float, intercept: float, scores: list[float]
) -> None:
    made = Calibration(
        slope=slope, intercept=intercept, fitted_on="", brier_before=0, brier_after=0, samples=1
    )
    p = apply(made, np.sort(np.array(scores, dtype=np.float32)))
    assert (np.diff(p) >= 0).all()
    assert ((p >= 0) & (p <= 1)).all()


def test_no_score_has_no_probability() -> None:
    made = fit_calibration(*_draw(100, 1.0, 0.0), "x")
    assert np.isnan(apply(made, np.array([np.nan, 0.5]))).tolist() == [True, False]
    assert apply(made, 0.3).shape == ()


def test_brier_by_hand() -> None:
    truth = np.array([True, False])
    assert brier(np.array([0.8, 0.4]), truth) == pytest.approx((0.04 + 0.16) / 2)
    assert brier(np.array([0.8, 0.4]), truth, np.array([3.0, 1.0])) == pytest.approx(0.07)


@pytest.mark.parametrize(
    ("scores", "labels", "weights", "message"),
    [
        ([0.1, 0.2], [True, True], None, "both classes"),
        ([0.1, 0.2], [True, False], [0.0, 1.0], "both classes"),
        ([0.1, 1.2], [True, False], None, "between 0 and 1"),
        ([0.1, np.nan], [True, False], None, "between 0 and 1"),
        ([0.1, 0.2], [True], None, "do not match"),
        ([0.1, 0.2], [True, False], [1.0, -1.0], "not negative"),
        ([0.9, 0.8, 0.2, 0.1] * 9, [False, False, True, True] * 9, None, "not learnt"),
    ],
)
def test_what_cannot_be_fitted_is_refused(
    scores: list[float], labels: list[bool], weights: list[float] | None, message: str
) -> None:
    given_weights = None if weights is None else np.array(weights)
    with pytest.raises(ModelError, match=message):
        fit_calibration(np.array(scores), np.array(labels), "x", given_weights)


def test_a_card_keeps_it_and_refuses_a_falling_one() -> None:
    made = fit_calibration(*_draw(100, 1.0, 0.0), "validation patches")
    card = Card(
        name="a", sha256="0" * 64, combination="VV", orbit_states=("ascending",),
        architecture="cnn", filters=2, radiometry="gamma0", threshold=0.5, licence="x",
        description="x", calibration=made,
    )  # fmt: skip
    assert parse_card(card_bytes(card), "card").calibration == made
    text = card_bytes(card).decode().replace(f'"slope": {made.slope}', '"slope": -1.0')
    with pytest.raises(ModelError, match=r"calibration\.slope"):
        parse_card(text.encode(), "card")
