"""What a model has seen, against plain loops."""

from __future__ import annotations

import json

import numpy as np
import pytest
from pydantic import ValidationError

from sarlra.errors import ModelError
from sarlra.models.card import Domain
from sarlra.models.domain import Inside, inside, make_domain, window_means

BANDS = ("post_vv", "diff_vv")


def _windows(n: int = 300) -> np.ndarray:
    rng = np.random.default_rng(2)
    windows = rng.normal(-9, 1, (n, 64, 64, 2)) + rng.normal(0, 3, (n, 1, 1, 2))
    windows[5, :10] = np.nan
    windows[6] = np.nan
    return windows.astype(np.float32)


def test_ranges_are_quantiles_of_the_means_of_windows() -> None:
    windows = _windows()
    made = make_domain(
        windows, BANDS, n_pre=[5, 3, 9], n_post=np.array([1, 2]), incidence=[31.5, np.nan, 44.0]
    )
    assert (made.n_pre, made.n_post, made.incidence) == ((3, 9), (1, 2), (31.5, 44.0))
    for number, band in enumerate(BANDS):
        means = sorted(
            float(np.nanmean(w[:, :, number].astype(np.float64)))
            for i, w in enumerate(windows)
            if i != 6
        )
        place = 0.005 * (len(means) - 1)
        low = means[int(place)] + (place - int(place)) * (means[int(place) + 1] - means[int(place)])
        assert made.bands[band][0] == pytest.approx(low, abs=1e-3)
        assert made.bands[band][1] == pytest.approx(np.quantile(means, 0.995), abs=1e-3)
    assert Domain.model_validate(json.loads(made.model_dump_json())) == made


def test_the_training_windows_themselves_lie_inside() -> None:
    windows = _windows()
    made = make_domain(windows, BANDS, n_pre=[3, 9], n_post=[1])
    means = dict(zip(BANDS, window_means(windows).T, strict=True))
    found = inside(made, means, np.full(len(windows), 4), 1)
    assert found is not None
    assert found.cover >= 0.96
    assert (found.n_pre, found.n_post, found.incidence) == (1.0, 1.0, None)
    assert found.all


def test_shares_are_counted_over_windows_with_data() -> None:
    made = Domain(
        n_pre=(3, 6),
        n_post=(1, 1),
        incidence=(30, 40),
        bands={"post_vv": (-12, -6), "diff_vv": (-1, 1)},
    )
    means = {
        "post_vv": np.array([-9.0, -5.0, -12.0, -9.0, np.nan]),
        "diff_vv": np.array([0.0, 0.0, 1.0, 1.1, 0.0]),
        "post_vh": np.full(5, 99.0),
    }
    found = inside(
        made, means, np.array([2, 3, 6, 7, 5]), np.array([1, 1, 1, 2, 1]), [29, 35, 40, 41]
    )
    assert found == Inside(cover=0.5, n_pre=0.5, n_post=0.75, incidence=0.5)
    assert not found.all
    assert Inside(0.9, 0.95, 1.0, None).all
    assert not Inside(1.0, 1.0, 1.0, 0.89).all


def test_a_scene_without_data_has_no_shares_and_a_missing_band_is_named() -> None:
    made = Domain(n_pre=(3, 6), n_post=(1, 1), bands={"post_vv": (-12, -6)})
    assert inside(made, {"post_vv": np.array([np.nan])}, 4, 1) is None
    with pytest.raises(ModelError, match="post_vv"):
        inside(made, {"post_vh": np.array([1.0])}, 4, 1)


def test_nothing_seen_is_no_domain() -> None:
    nothing = np.full((3, 64, 64, 2), np.nan, dtype=np.float32)
    with pytest.raises(ModelError, match="with data"):
        make_domain(nothing, BANDS, n_pre=[3], n_post=[1])
    with pytest.raises(ModelError, match="do not fit"):
        make_domain(nothing, ("post_vv",), n_pre=[3], n_post=[1])
    with pytest.raises(ModelError, match="at least one"):
        make_domain(_windows(20), BANDS, n_pre=[], n_post=[1])


def test_a_range_that_ends_before_it_starts_is_refused() -> None:
    with pytest.raises(ValidationError, match="n_pre: 6 is over 3"):
        Domain(n_pre=(6, 3), n_post=(1, 1), bands={})
