"""Filling no data, counting answers and choosing thresholds, against plain loops."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sarlra.errors import ModelError
from sarlra.models.fill import fill_nodata
from sarlra.models.metrics import best_threshold, count

BANDS = ("post_vv", "diff_vv")


def test_change_is_filled_with_zero_and_the_rest_with_the_window_s_median() -> None:
    rng = np.random.default_rng(0)
    windows = rng.normal(-8, 2, (4, 64, 64, 2)).astype(np.float32)
    original = windows.copy()
    windows[1][rng.random((64, 64, 2)) < 0.4] = np.nan
    windows[2, :, :, 0] = np.nan
    windows[3, 0, 0, 1] = -np.inf
    holes = ~np.isfinite(windows)
    expected = original.copy()
    for n in range(4):
        for band in range(2):
            values = windows[n, :, :, band]
            seen = np.sort(values[np.isfinite(values)].astype(np.float64))
            half = len(seen) // 2
            median = 0.0 if not half else (seen[half] + seen[~half]) / 2
            expected[n, :, :, band][holes[n, :, :, band]] = 0.0 if band == 1 else median
    filled = fill_nodata(windows, BANDS)
    assert filled is windows
    np.testing.assert_allclose(filled, expected, rtol=1e-6)


def test_windows_without_holes_are_left_as_they_are() -> None:
    windows = np.random.default_rng(1).normal(0, 1, (3, 64, 64, 2)).astype(np.float32)
    np.testing.assert_array_equal(fill_nodata(windows.copy(), BANDS), windows)


@given(st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=2, max_size=30))
def test_no_threshold_is_better_than_the_best(samples: list[tuple[int, bool]]) -> None:
    scores = np.array([s / 6 for s, _ in samples], dtype=np.float32)
    labels = np.array([label for _, label in samples])
    if labels.all() or not labels.any():
        with pytest.raises(ModelError, match="both classes"):
            best_threshold(scores, labels)
        return
    chosen = count(scores, labels, best_threshold(scores, labels)).f1
    tried = [count(scores, labels, t).f1 for t in np.arange(0, 1.05, 0.01)]
    assert chosen == pytest.approx(max(tried))


def test_counts_are_those_of_a_table() -> None:
    scores = np.array([0.9, 0.8, 0.7, 0.2, 0.1, 0.6], dtype=np.float32)
    labels = np.array([True, False, True, True, False, False])
    counts = count(scores, labels, 0.6)  # 0.6 itself is not over 0.6
    assert (counts.true_positives, counts.false_positives) == (2, 1)
    assert (counts.false_negatives, counts.true_negatives) == (1, 2)
    assert counts.as_json()["precision"] == pytest.approx(2 / 3, abs=1e-4)
    assert counts.f1 == pytest.approx(2 / 3)
    assert count(scores, labels, 1.0).precision == 0.0
