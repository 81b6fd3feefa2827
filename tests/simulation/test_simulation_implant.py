import json

import numpy as np
import pytest
import rasterio
from rasterio import features

from sarlra.errors import InputError
from sarlra.simulation.contrast import Geometry
from sarlra.simulation.implant import implant, made_up_relief

LOOK = Geometry(incidence=38.0, look_azimuth=80.0)
AFTER = np.array([False, False, False, False, False, True])


@pytest.fixture(scope="module")
def relief():
    return made_up_relief(4, (300, 300), 10.0)


@pytest.fixture(scope="module")
def series():
    """Forest-like levels with gamma speckle, one no-data corner."""
    rng = np.random.default_rng(1)
    level = np.array([10**-0.78, 10**-1.33])[None, :, None, None]
    found = (level * rng.gamma(4.4, 1 / 4.4, (6, 2, 300, 300))).astype(np.float32)
    found[:, :, :20, :20] = np.nan
    return found


@pytest.fixture(scope="module")
def changed(series, relief):
    return implant(9, series, AFTER, relief, 10.0, LOOK, count=25)


def test_only_slid_pixels_change_and_only_after(series, changed):
    assert np.array_equal(changed.series[~AFTER], series[~AFTER], equal_nan=True)
    still = changed.share == 0
    assert np.array_equal(changed.series[:, :, still], series[:, :, still], equal_nan=True)
    assert not np.array_equal(changed.series[AFTER], series[AFTER], equal_nan=True)
    assert changed.series.dtype == np.float32


def test_truth_is_consistent(changed):
    assert len(changed.polygons) == len(changed.areas) == len(changed.visible) > 15
    burnt = features.rasterize(changed.polygons, (300, 300))
    assert np.array_equal(burnt > 0, changed.share > 0)
    assert changed.areas.sum() == pytest.approx(changed.share.sum() * 100.0, rel=0.03)
    assert 0.6 < changed.visible.mean() <= 1.0


def test_the_canopys_volume_is_gone(series, changed):
    slid = changed.share > 0
    slid[:22, :22] = False
    decibel = 10 * np.log10(changed.series[5, 1][slid] / series[5, 1][slid])
    assert np.median(decibel) < -2.0


def test_slides_lie_on_slopes_and_run_down(changed, relief):
    down, east = np.gradient(relief, 10.0)
    slope = np.rad2deg(np.arctan(np.hypot(down, east)))
    assert np.median(slope[changed.share > 0]) > 20


def test_equal_seeds_give_equal_results(series, relief, changed):
    again = implant(9, series, AFTER, relief, 10.0, LOOK, count=25)
    assert np.array_equal(again.series, changed.series, equal_nan=True)
    other = implant(10, series, AFTER, relief, 10.0, LOOK, count=25)
    assert not np.array_equal(other.share, changed.share)


def test_nothing_falls_on_forbidden_or_flat_ground(series, relief):
    forbidden = np.zeros((300, 300), dtype=bool)
    forbidden[:, 100:] = True
    found = implant(9, series, AFTER, relief, 10.0, LOOK, count=10, forbidden=forbidden)
    assert found.share[forbidden].sum() == 0
    assert found.share.sum() > 0
    flat = implant(9, series, AFTER, np.zeros_like(relief), 10.0, LOOK, count=5)
    assert not flat.polygons
    assert np.array_equal(flat.series, series, equal_nan=True)


def test_a_vv_series_can_be_given(series, relief):
    found = implant(9, series[:, :1], AFTER, relief, 10.0, LOOK, count=5)
    assert found.series.shape == (6, 1, 300, 300)


def test_real_series_at_30_m(shared_data):
    """On a real burst in the mountains: coarse pixels hold shares, the rest stays as measured."""
    root = shared_data / "opera-rtc-s1"
    items = [
        f
        for f in json.loads((root / "items.json").read_text())["features"]
        if f["properties"]["opera:burst_id"] == "T137-292321-IW2"
    ]
    items.sort(key=lambda f: f["properties"]["datetime"])
    images = []
    for item in items[:6]:
        pair = []
        for name in ("vv", "vh"):
            with rasterio.open(root / item["assets"][name]["href"]) as raster:
                pair.append(raster.read(1))
        images.append(np.stack(pair))
    series = np.stack(images).astype(np.float32)
    relief = made_up_relief(2, (100, 100), 30.0)
    found = implant(1, series, AFTER, relief, 30.0, LOOK, count=20)
    assert found.share.shape == (100, 100)
    assert ((found.share > 0) & (found.share < 1)).any()
    assert found.areas.sum() == pytest.approx(found.share.sum() * 900.0, rel=0.05)
    assert np.array_equal(found.series[:5], series[:5])
    whole = found.share == 1
    change = 10 * np.log10(found.series[5, 1][whole] / series[5, 1][whole])
    assert -8.0 < np.median(change) < -0.5  # shrub to bare ground


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"resolution": 25.0}, "25"),
        ({"resolution": float("nan")}, "nan"),
        ({"series": np.ones((3, 300, 300), np.float32)}, "shape"),
        ({"elevation": np.zeros((10, 10), np.float32)}, "shape"),
        ({"elevation": np.full((300, 300), np.nan, np.float32)}, "finite"),
        ({"after": np.ones(6, bool)}, "after"),
        ({"after": np.zeros(6, bool)}, "after"),
        ({"after": np.ones(2, bool)}, "after"),
        ({"count": 0}, "count"),
        ({"forbidden": np.zeros((2, 2), bool)}, "shape"),
    ],
)
def test_bad_input_is_named(series, relief, change, words):
    given = {
        "series": series, "after": AFTER, "elevation": relief, "resolution": 10.0, "count": 5,
        **change,
    }  # fmt: skip
    with pytest.raises(InputError, match=words):
        implant(1, geometry=LOOK, **given)
