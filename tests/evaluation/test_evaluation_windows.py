"""Drawing background down, shares with their intervals, and the bootstrap."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sarlra.evaluation.intervals import bootstrap, share_of
from sarlra.evaluation.scores import touching
from sarlra.evaluation.windows import Windows, joined


def _windows(n: int, slides: int, seed: int = 0) -> Windows:
    rng = np.random.default_rng(seed)
    landslide = np.zeros(n, dtype=bool)
    landslide[rng.permutation(n)[:slides]] = True
    score = rng.random(n).astype(np.float32)
    return Windows(score, score > 0.5, landslide, rng.integers(0, 2**63, n).astype(np.uint64))


@given(st.integers(1, 400), st.integers(0, 40), st.integers(0, 5))
def test_background_is_drawn_down_and_landslides_stay(n: int, slides: int, seed: int) -> None:
    windows = _windows(n, min(slides, n), seed)
    thinned = windows.thinned(10)
    kept = int(thinned.landslide.sum())
    assert kept == int(windows.landslide.sum())
    assert len(thinned) - kept == min(n - kept, 10 * kept)
    again = windows.take(np.random.default_rng(seed).permutation(n)).thinned(10)
    assert sorted(again.drawn) == sorted(thinned.drawn)


def test_counts_are_those_of_all_items_together() -> None:
    parts = [_windows(50, 5, seed) for seed in range(3)]
    whole, summed = (
        joined(parts).counts(),
        sum((part.counts() for part in parts[1:]), parts[0].counts()),
    )
    assert whole == summed
    assert whole.true_positives == sum(
        int(o and t) for p in parts for o, t in zip(p.over, p.landslide, strict=True)
    )
    assert len(joined([])) == 0


@pytest.mark.parametrize(("found", "of"), [(0, 10), (3, 10), (10, 10), (250, 1000)])
def test_wilson_by_its_formula(found: int, of: int) -> None:
    z, p = 1.959963984540054, found / of
    middle = (p + z**2 / (2 * of)) / (1 + z**2 / of)
    half = z / (1 + z**2 / of) * math.sqrt(p * (1 - p) / of + z**2 / (4 * of**2))
    share = share_of(found, of)
    assert (share.low, share.high) == pytest.approx((middle - half, middle + half), abs=1e-4)


def test_a_share_of_nothing_is_none_and_of_less_is_refused() -> None:
    assert share_of(0, 0).share is None
    with pytest.raises(ValueError, match="3 of 2"):
        share_of(3, 2)


def test_bootstrap_of_a_mean_is_as_wide_as_theory_says() -> None:
    values = np.random.default_rng(4).normal(0, 1, 400)
    low, high = bootstrap(lambda rows: float(values[rows].mean()), np.arange(400), draws=2000)
    half = 1.96 * values.std() / 20
    assert (low, high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.02)
    twins = np.repeat(values, 4)
    grouped = bootstrap(
        lambda rows: float(twins[rows].mean()), np.repeat(np.arange(400), 4), draws=2000
    )
    assert grouped == pytest.approx((low, high), abs=0.02)
    assert np.isnan(bootstrap(lambda _: math.nan, np.arange(3))).all()


def test_touching_nothing() -> None:
    import geopandas as gpd
    import shapely

    none = gpd.GeoSeries([], crs=4326)
    one = gpd.GeoSeries([shapely.box(0, 0, 1, 1)], crs=4326)
    assert [len(part) for part in touching(none, one)] == [0, 1]
    assert touching(one, one)[0].all()
