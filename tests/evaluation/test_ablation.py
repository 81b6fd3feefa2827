"""Taking things away from windows, and whether maps point where they should."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from sarlra.evaluation.ablation import Counterfactual, counterfactual, occlusion, sets_of
from sarlra.evaluation.pointing import auc_inside, points_inside, positive_share

BANDS = ("post_vv", "diff_vv")


def _window(seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    window = rng.normal(0, 1, (64, 64, 2)).astype(np.float32)
    window[..., 0] -= 9
    return window


def test_occlusion_finds_where_the_score_comes_from() -> None:
    window = _window()
    window[16:24, 40:48, 1] = 5.0

    def score(windows: np.ndarray) -> np.ndarray:
        return windows[:, 16:24, 40:48, 1].mean(axis=(1, 2)) / 10

    fall = occlusion(score, window, BANDS)
    assert fall.shape == (64, 64)
    expected = np.zeros((64, 64))  # by hand: the share of the hot square under each square
    count = np.zeros((64, 64))
    for r in range(0, 57, 4):
        for c in range(0, 57, 4):
            under = max(0, 8 - abs(r - 16)) * max(0, 8 - abs(c - 40)) / 64
            expected[r : r + 8, c : c + 8] += 0.5 * under
            count[r : r + 8, c : c + 8] += 1
    np.testing.assert_allclose(fall, expected / count, atol=1e-5)
    assert fall[20, 44] == fall.max()
    assert not fall[:, :30].any()


def test_the_counterfactual_sets_change_to_zero_and_levels_images() -> None:
    window = _window()
    window[..., 1] += 3
    seen: list[np.ndarray] = []

    def score(windows: np.ndarray) -> np.ndarray:
        seen.append(windows)
        return np.clip(windows[..., 1].mean(axis=(1, 2)) / 4, 0, 1)

    found = counterfactual(score, window, BANDS)
    assert list(found.scores) == sets_of(BANDS) == [("post_vv",), ("diff_vv",), BANDS]
    levelled, still, both = seen[0]
    assert (still[..., 1] == 0).all()
    np.testing.assert_array_equal(levelled[..., 1], window[..., 1])
    assert (levelled[..., 0] == np.median(window[..., 0])).all()
    assert not np.ptp(both, axis=(0, 1)).any()
    assert found.line(0.5) == "disappears if diffVV is set to 0"
    assert found.disappears(0.5) == (("diff_vv",),)
    assert Counterfactual(BANDS, dict.fromkeys(sets_of(BANDS), 0.9)).line(0.5) == (
        "stays whatever is taken away"
    )
    scores = dict.fromkeys(sets_of(BANDS), 0.9) | {BANDS: 0.1}
    line = Counterfactual(BANDS, scores).line(0.5)
    assert line == "disappears if postVV and diffVV are taken away"


def test_a_map_points_where_it_is_high() -> None:
    inside = np.zeros((64, 64), bool)
    inside[20:30, 20:30] = True
    values = np.random.default_rng(3).normal(0, 1, (64, 64))
    values[inside] += 2.0
    smooth = ndimage.gaussian_filter(values, 2.0, mode="nearest")
    one, other = smooth[inside], smooth[~inside]
    by_hand = (one[:, None] > other[None]).mean() + 0.5 * (one[:, None] == other[None]).mean()
    assert auc_inside(values, inside) == pytest.approx(by_hand, abs=1e-9)
    assert auc_inside(values, inside) > 0.9
    assert points_inside(values, inside)
    assert not points_inside(values, ~inside)
    assert np.isnan(auc_inside(values, np.ones_like(inside)))
    one_px = np.zeros((64, 64))
    one_px[25, 25], one_px[0, 0], one_px[1, 1] = 3.0, 1.0, -5.0
    assert positive_share(one_px, inside) == pytest.approx(0.75)
    assert np.isnan(positive_share(-np.abs(one_px), inside))
