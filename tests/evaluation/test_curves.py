"""Curves and the baseline, against scikit-learn and plain loops."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy import ndimage
from sklearn.calibration import calibration_curve
from sklearn.metrics import f1_score, precision_recall_curve

from sarlra.errors import InputError, ModelError, OutputError
from sarlra.evaluation.baseline import Baseline, baseline_counts, change_scores, tune_baseline
from sarlra.evaluation.curves import precision_recall, reliability
from sarlra.evaluation.figures import draw_precision_recall, draw_reliability


def _draw(n: int = 3000) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(6)
    scores = rng.beta(1, 3, n).round(2).astype(np.float32)
    return scores, rng.random(n) < scores**1.5


def test_precision_and_recall_are_scikit_learns() -> None:
    scores, labels = _draw()
    curve = precision_recall(scores, labels)
    precision, recall, thresholds = precision_recall_curve(labels, scores)
    np.testing.assert_allclose(curve["threshold"][::-1], thresholds)
    np.testing.assert_allclose(curve["precision"][::-1], precision[:-1])
    np.testing.assert_allclose(curve["recall"][::-1], recall[:-1])
    best = curve.loc[curve["f1"].idxmax()]
    assert best["f1"] == pytest.approx(f1_score(labels, scores >= best["threshold"]))
    few = precision_recall(scores, labels, most=7)
    assert len(few) == 7
    assert few["recall"].iloc[-1] == 1.0


def test_reliability_is_scikit_learns_with_wilson_intervals() -> None:
    scores, labels = _draw()
    scores = np.clip(scores + 0.003, 0, 1)  # off the edges of the bins
    curve = reliability(scores, labels)
    observed, said = calibration_curve(labels, scores, n_bins=10)
    np.testing.assert_allclose(curve["observed"], observed, atol=1e-4)
    np.testing.assert_allclose(curve["probability"], said, rtol=1e-5)
    assert curve["windows"].sum() == 3000
    assert (
        (curve["observed_low"] <= curve["observed"]) & (curve["observed"] <= curve["observed_high"])
    ).all()
    assert (curve["low"] <= curve["probability"]).all()


def test_curves_of_nothing_are_refused() -> None:
    with pytest.raises(InputError, match="needs landslides"):
        precision_recall(np.array([0.1]), np.array([False]))
    with pytest.raises(InputError, match="do not match"):
        precision_recall(np.array([0.1]), np.array([True, False]))
    with pytest.raises(InputError, match=r"0\.\.1"):
        reliability(np.array([1.2]), np.array([True]))


def test_figures_are_written_with_their_numbers(tmp_path: Path) -> None:
    scores, labels = _draw()
    first, second = tmp_path / "one" / "pr.png", tmp_path / "two" / "pr.png"
    for path in (first, second):
        draw_precision_recall(
            {"T002D": precision_recall(scores, labels)}, path, marks={"T002D": 0.5}
        )
    assert first.read_bytes() == second.read_bytes()
    with Image.open(first) as picture:
        assert picture.size[0] > 500
    numbers = pd.read_csv(first.with_suffix(".csv"))
    assert set(numbers["of"]) == {"T002D"}
    np.testing.assert_allclose(numbers["f1"], precision_recall(scores, labels)["f1"], rtol=1e-5)
    draw_reliability({"T002D": reliability(scores, labels)}, tmp_path / "reliability.png")
    assert (tmp_path / "reliability.csv").is_file()
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write"):
        draw_reliability({"a": reliability(scores, labels)}, tmp_path / "file" / "r.png")


def _patches(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Speckle; in every third patch a blob of 12 % that changed by 3 dB up or down."""
    rng = np.random.default_rng(seed)
    change = rng.normal(0, 2.0, (n, 64, 64)).astype(np.float32)
    labels = np.arange(n) % 3 == 0
    for index in np.flatnonzero(labels):
        row, col = rng.integers(0, 42, 2)
        change[index, row : row + 22, col : col + 22] += 3.0 * rng.choice([-1, 1])
    change[1, :20] = np.nan
    return change, labels


def test_scores_of_the_baseline_by_hand() -> None:
    change, _ = _patches(4, 1)
    filled = np.where(np.isfinite(change), change, 0)
    for index in range(4):
        before = np.abs(ndimage.gaussian_filter(filled[index], 2.0, mode="nearest"))
        after = ndimage.gaussian_filter(np.abs(filled[index]), 2.0, mode="nearest")
        for order, image in (("smooth, then absolute", before), ("absolute, then smooth", after)):
            found = change_scores(change, order, 2.0)[index]  # type: ignore[arg-type]
            assert found == pytest.approx(np.quantile(image, 0.95), rel=1e-5)


def test_the_baseline_is_the_best_of_its_choices_and_holds_on_other_patches() -> None:
    change, labels = _patches(120, 2)
    tuned = tune_baseline(change, labels, sigmas=(1.0, 3.0))
    assert tuned.order == "smooth, then absolute"  # speckle has no sign to lose
    assert tuned.training_f1 == baseline_counts(tuned, change, labels).f1
    for sigma in (1.0, 3.0):
        scores = change_scores(change, tuned.order, sigma)
        assert tuned.training_f1 >= max(f1_score(labels, scores > t) for t in scores)
    assert baseline_counts(tuned, *_patches(90, 3)).f1 > 0.9
    none = Baseline("absolute, then smooth", 1.0, 99.0, 0.0)
    assert baseline_counts(none, change, labels).f1 == 0.0


def test_a_baseline_needs_both_classes_and_fitting_shapes() -> None:
    change, labels = _patches(9, 4)
    with pytest.raises(ModelError, match="both classes"):
        tune_baseline(change, np.zeros(9, dtype=bool))
    with pytest.raises(InputError, match="do not fit"):
        tune_baseline(change, labels[:3])
