import json
from pathlib import Path

import numpy as np
import pytest

from sarlra.errors import InputError
from sarlra.evaluation.cover_statistics import classify, statistics
from sarlra.evaluation.realism import beyond, compare, evaluate_realism
from sarlra.evaluation.realism_figure import draw_realism
from sarlra.evaluation.realism_series import multilook, read_series, simulate_series
from sarlra.evaluation.realism_table import realism_markdown
from tests.conftest import ROOT


@pytest.fixture(scope="module")
def table(shared_data):
    return evaluate_realism(shared_data / "opera-rtc-s1" / "items.json")


def test_the_simulation_is_like_the_real_series(table):
    assert set(table) == {"sea", "sparse", "grass", "shrub"}
    assert all(rows["pixels"][0] > 4000 for rows in table.values())
    assert beyond(table) == []


def test_other_seeds_hold_too(shared_data):
    """The agreement is no luck of the seeds."""
    assert beyond(evaluate_realism(shared_data / "opera-rtc-s1" / "items.json", (4, 5, 6))) == []


def test_a_world_with_other_levels_is_told_apart(shared_data):
    real, days = read_series(shared_data / "opera-rtc-s1" / "items.json")
    truth = statistics(real, days)
    assert beyond(compare(truth, truth)) == []
    grain = np.random.default_rng(1).gamma(2.0, 0.5, real.shape)
    worse = beyond(compare(truth, statistics(real * grain, days)))
    assert any("speckle_vv" in line for line in worse)
    darker = beyond(compare(truth, statistics(real * 10**-0.2, days)))
    assert any("50 %" in line for line in darker)


def test_the_comparison_is_drawn(table, tmp_path):
    from matplotlib.image import imread

    draw_realism(table, tmp_path / "figures" / "realism.png")
    image = imread(tmp_path / "figures" / "realism.png")
    assert image.shape[0] > 300
    assert image.std() > 0.05


def test_the_page_shows_this_table(table):
    page = (ROOT / "docs" / "simulation.md").read_text()
    assert realism_markdown(table) in page, "print it with: sarlra evaluate --realism"


def test_statistics_are_those_of_a_known_series():
    """Gamma speckle of 8 looks on a constant: its spread in dB is known in closed form."""
    from scipy.special import polygamma

    rng = np.random.default_rng(3)
    looks = 8
    level = np.array([10**-0.9, 10**-1.5])[None, None, :, None, None]
    series = level * rng.gamma(looks, 1 / looks, (1, 20, 2, 90, 90))
    found = statistics(series, np.linspace(300, 360, 20))
    assert list(found) == ["shrub"]
    shrub = found["shrub"]
    expected = 10 / np.log(10) * np.sqrt(polygamma(1, looks))
    assert shrub.speckle_vv == pytest.approx(expected, rel=0.02)
    assert shrub.temporal_vh == pytest.approx(expected * np.sqrt(19 / 20), rel=0.03)
    assert abs(shrub.neighbour) < 0.03
    assert shrub.ratio[1] == pytest.approx(6.0, abs=0.1)
    assert shrub.weather_vv < 0.05


def test_multilook_averages_power():
    image = np.arange(2 * 7 * 6, dtype=np.float32).reshape(2, 7, 6)
    low = multilook(image, 3)
    assert low.shape == (2, 2, 2)
    assert low[1, 1, 0] == pytest.approx(image[1, 3:6, :3].mean())


def test_covers_follow_the_levels():
    decibel = np.array([[-17.0, -28.0], [-12.0, -21.0], [-10.0, -17.0], [-9.0, -14.5], [-4.0, -12]])
    series = np.empty((5, 4, 2, 9, 9))
    series[:] = 10 ** (decibel[:, None, :, None, None] / 10)
    assert [str(c[4, 4]) for c in classify(series)] == ["sea", "sparse", "grass", "shrub", "other"]


def test_simulated_series_repeat_and_have_the_form_of_real_ones():
    days = np.array([310.0, 322.0, 334.0, 346.0])
    first = simulate_series(2, days, 256)
    assert first.shape == (1, 4, 2, 85, 85)
    assert (first > 0).all()
    assert np.array_equal(first, simulate_series(2, days, 256))


@pytest.mark.parametrize(
    "content",
    ["", "[]", '{"features": [{}]}', '{"features": []}', '{"features": [{"properties": 3}]}'],
)
def test_bad_collections_are_named(tmp_path: Path, content: str):
    path = tmp_path / "items.json"
    path.write_text(content)
    with pytest.raises(InputError, match=r"items\.json"):
        read_series(path)


def test_missing_rasters_are_named(tmp_path: Path):
    feature = {
        "properties": {"opera:burst_id": "x", "datetime": "2021-01-01T00:00:00Z"},
        "assets": {p: {"href": f"{p}.tif"} for p in ("vv", "vh")},
    }
    (tmp_path / "items.json").write_text(json.dumps({"features": [feature]}))
    with pytest.raises(InputError, match=r"vv\.tif"):
        read_series(tmp_path / "items.json")
