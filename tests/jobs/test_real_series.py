"""Dates of a real series, landslides put into it, and what a model says of both."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
import shapely

from sarlra.errors import InputError, ModelError
from sarlra.jobs.implanted import implant_track
from sarlra.jobs.real_series import evaluate_series
from sarlra.jobs.series_dates import series_dates
from sarlra.models.registry import find_model
from sarlra.recipe import Recipe
from tests.servers.items import opera_items, write_items

SHORE, MOUNTAINS = "T137-292323-IW2", "T137-292321-IW2"


def _items(shared_data: Path, folder: Path, *bursts: str) -> Path:
    chosen = [i for i in opera_items(shared_data) if i["properties"]["opera:burst_id"] in bursts]
    return write_items(folder / "items.json", chosen)


def test_dates_are_those_that_have_enough_before(shared_data: Path) -> None:
    items = shared_data / "opera-rtc-s1" / "items.json"
    found = series_dates(items, Recipe())
    assert [(one.date, one.n_pre, len(one.track.post)) for one in found] == [
        ("2021-12-07", 3, 2), ("2021-12-13", 4, 2), ("2021-12-19", 5, 1),
        ("2022-12-08", 3, 1), ("2022-12-20", 4, 1), ("2023-01-01", 5, 1),
        ("2023-11-09", 3, 1), ("2023-11-21", 4, 1), ("2023-12-03", 5, 1),
        ("2023-12-15", 5, 1), ("2023-12-27", 5, 1),
    ]  # fmt: skip
    for one in found:
        assert max(a.datetime for a in one.track.pre) < one.track.post[0].datetime
    more = series_dates(items, Recipe(), 13)
    assert sorted(one.n_pre for one in more)[:2] == [2, 2]
    with pytest.raises(InputError, match="not 99"):
        series_dates(items, Recipe(), 99)


def test_only_images_after_the_event_change_and_only_under_landslides(
    shared_data: Path, tmp_path: Path
) -> None:
    items = _items(shared_data, tmp_path, SHORE)
    (dated,) = series_dates(items, Recipe(), 1)
    made = implant_track(dated.track, 3, 6.0, tmp_path)
    assert made.track.pre == dated.track.pre
    assert len(made.landslides) >= 20
    assert 0.6 < made.landslides["visible"].mean() < 1.0
    (old,), (new,) = (t.post[0].slices for t in (dated.track, made.track))
    for pol in ("VV", "VH"):
        with rasterio.open(old.asset(pol)) as before, rasterio.open(new.asset(pol)) as after:
            left, right = before.read(1), after.read(1)
            assert before.transform == after.transform
            outlines = made.landslides.to_crs(before.crs).geometry
            rows, cols = np.nonzero(~np.isclose(left, right, equal_nan=True))
            x, y = rasterio.transform.xy(before.transform, rows, cols)
        assert len(rows) > 50
        near = shapely.union_all(outlines.buffer(30).to_numpy())
        assert shapely.contains_xy(near, x, y).all()
        water = shapely.union_all(made.water.to_crs(before.crs).geometry.buffer(-1).to_numpy())
        assert water.area > 1e6  # a quarter of this crop is sea
        assert not shapely.intersects(water, shapely.union_all(outlines.buffer(-45).to_numpy()))
    again = implant_track(dated.track, 3, 6.0, tmp_path)
    assert again.landslides.equals(made.landslides)


def test_models_that_do_not_fit_are_refused(shared_data: Path, tmp_path: Path) -> None:
    from dataclasses import replace

    items = _items(shared_data, tmp_path, MOUNTAINS)
    both = [find_model("sim-cnn32-vv-vh-ascending"), find_model("sim-cnn32-vv-ascending")]
    with pytest.raises(InputError, match="cannot be compared"):
        evaluate_series(items, both)
    with pytest.raises(ModelError, match="ascending"):
        evaluate_series(items, [replace(both[0], orbit_states=("descending",))])
    with pytest.raises(InputError, match="cannot be compared"):
        evaluate_series(items, [])


def test_acquisitions_are_corrected_as_in_a_detection(shared_data: Path, tmp_path: Path) -> None:
    """On 2021-12-19 it rained: the level of the image after the supposed event is taken off."""
    items = _items(shared_data, tmp_path, MOUNTAINS)
    model = [find_model("sim-cnn32-vv-vh-ascending")]
    (plain,), (judged,) = (evaluate_series(items, model, dates=1, quality=q) for q in (False, True))
    before, after = plain.composites[0], judged.composites[0]
    assert before.date == after.date == "2021-12-19"
    assert (before.n_pre, before.windows) == (after.n_pre, after.windows)
    assert len(before.implanted) == len(after.implanted)
    assert np.abs(before.implanted - after.implanted).max() > 0.01
