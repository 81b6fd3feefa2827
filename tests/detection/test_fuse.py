"""Fusing directions, the density of detections, and the change heat map."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sarlra.detection.density import density
from sarlra.detection.fuse import FUSED_THRESHOLD, LIFT, TrackScores, fuse
from sarlra.detection.heat import change_of, heat, limit_of, share_changed


def _track(state: str, score: float, threshold: float = 0.6) -> TrackScores:
    name = f"T001{state[0].upper()}"
    return TrackScores(name, state, np.full((1, 1), score, np.float32), threshold)  # type: ignore[arg-type]


@given(st.floats(0.001, 0.999), st.floats(0.05, 0.95))
def test_one_direction_alone_decides_as_its_threshold_does(score: float, threshold: float) -> None:
    fused = fuse([_track("ascending", score, threshold)])
    assert fused.seen_by[0, 0] == 1
    if abs(score - threshold) > 1e-4:
        assert (fused.score[0, 0] > FUSED_THRESHOLD) == (score > threshold)


@given(st.floats(0.01, 0.99), st.floats(0.01, 0.99))
def test_both_directions_count_alike(one: float, other: float) -> None:
    ab = fuse([_track("ascending", one), _track("descending", other)])
    ba = fuse([_track("ascending", other), _track("descending", one)])
    np.testing.assert_allclose(ab.score, ba.score, rtol=1e-6)
    assert ab.seen_by[0, 0] == 3
    # By hand: the mean of the log-odds over those of the threshold, lifted.
    margin = (np.log(one / (1 - one)) + np.log(other / (1 - other))) / 2 - np.log(0.6 / 0.4) + LIFT
    assert ab.score[0, 0] == pytest.approx(1 / (1 + np.exp(-margin)), abs=1e-4)


def test_what_one_did_not_see_is_left_to_the_other() -> None:
    fused = fuse([_track("ascending", np.nan), _track("descending", 0.9)])
    alone = fuse([_track("descending", 0.9)])
    assert fused.seen_by[0, 0] == 2
    assert fused.score[0, 0] == alone.score[0, 0]
    nothing = fuse([_track("ascending", np.nan), _track("descending", np.nan)])
    assert nothing.seen_by[0, 0] == 0
    assert np.isnan(nothing.score[0, 0])


def test_tracks_of_one_direction_are_averaged_before() -> None:
    two = fuse([_track("ascending", 0.9), _track("ascending", 0.3), _track("descending", 0.6)])
    odds = (np.log(9.0) + np.log(3 / 7)) / 2
    mean = float(1 / (1 + np.exp(-odds)))
    one = fuse([_track("ascending", mean), _track("descending", 0.6)])
    np.testing.assert_allclose(two.score, one.score, rtol=1e-5)


def test_density_counts_per_square_kilometre_of_what_was_seen() -> None:
    found = np.zeros((101, 101), bool)
    found[::4, ::4] = True  # one in 16 windows of 320 m: 0.61 per square kilometre
    seen = np.ones_like(found)
    middle = density(found, seen, 320.0)[50, 50]
    assert middle == pytest.approx(1 / 16 / 0.32**2, rel=0.02)
    seen[:, 60:] = False
    found[:, 60:] = False
    beside = density(found, seen, 320.0)
    # What was not seen makes the rest no emptier.
    assert np.nanmean(beside[40:60, 56:60]) == pytest.approx(1 / 16 / 0.32**2, rel=0.25)
    assert np.isnan(beside[50, 90])


def test_the_heat_map_shows_where_pixels_changed() -> None:
    rng = np.random.default_rng(1)
    bands = rng.normal(0.0, 1.0, (2, 640, 640)).astype(np.float32)
    bands[:, 320:352, 320:352] += 6.0
    bands[:, :64] = np.nan
    change = change_of(bands)
    limit = limit_of([change])
    share = float((change > limit).sum() / np.isfinite(change).sum())
    assert share <= 0.01
    assert share == pytest.approx(0.01, abs=0.004)
    changed, known = share_changed(change, limit, 32)
    assert known[0].sum() == 0
    assert known[5, 5] == 32 * 32
    image = heat(changed, known)
    assert np.unravel_index(np.nanargmax(image), image.shape) == (10, 10)
    assert np.isnan(image[0]).all()
    assert limit_of([]) == float("inf")
