"""The control of acquisitions on the real OPERA series: nothing lost, what is spoilt is caught."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from sarlra.catalog.validate import validate_item
from sarlra.composites.quality import Measures, Quality, judge, keep_a_product
from sarlra.events.area import parse_area
from sarlra.events.resolve import resolve_event
from sarlra.jobs.ask import make_request
from sarlra.jobs.execute import execute, prepare
from sarlra.jobs.plan import search
from sarlra.jobs.quality import assess_track
from sarlra.recipe import make_recipe
from sarlra.scenes.find import find_scenes
from sarlra.scenes.model import Track
from sarlra.scenes.sources import open_source
from sarlra.serving.reproduce import reproduce
from sarlra.simulation.spoil import Spoil, spoil_archive

AOI = "-119.849,34.765,-119.817,34.791"
BURST = "T137-292321-IW2"
ORIGIN = datetime(2023, 12, 10, tzinfo=UTC)
RECIPE = make_recipe(quality=True)


def _track(items: Path) -> Track:
    event = resolve_event(None, origins=(ORIGIN,), aoi=parse_area(AOI))
    found = find_scenes(event, open_source(str(items)), RECIPE).tracks
    return next(t for t in found if t.id == "T137A")


def _assess(items: Path) -> dict[str, Quality]:
    verdicts = assess_track(_track(items), parse_area(AOI), RECIPE, None)
    return {q.acquisition: q for q in verdicts}


@pytest.fixture(scope="module")
def items(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The items of one crop, with absolute hrefs."""
    folder = tmp_path_factory.mktemp("crop")
    whole = json.loads((shared_data / "opera-rtc-s1" / "items.json").read_text())
    whole["features"] = [f for f in whole["features"] if f["properties"]["opera:burst_id"] == BURST]
    for feature in whole["features"]:
        for asset in feature["assets"].values():
            asset["href"] = str(shared_data / "opera-rtc-s1" / asset["href"])
    target = folder / "items.json"
    target.write_text(json.dumps(whole))
    return target


@pytest.fixture(scope="module")
def clean(items: Path) -> dict[str, Quality]:
    return _assess(items)


def _spoilt(items: Path, folder: Path, way: Spoil, at: int) -> tuple[str, Path]:
    track = _track(items)
    victim = (*track.pre, *track.post)[at]
    return victim.id, spoil_archive(items, [s.item_id for s in victim.slices], way, folder)


def test_no_good_acquisition_is_lost(clean: dict[str, Quality]) -> None:
    assert len(clean) == 6
    assert [q.post for q in clean.values()] == [False] * 5 + [True]
    assert all(q.verdict != "reject" and q.kept for q in clean.values())
    assert all(q.measures.shift_scene_px < 0.15 for q in clean.values())


@pytest.mark.parametrize("amount", [0.5, 1.0, 3.0])
def test_a_shift_is_put_right(
    items: Path, clean: dict[str, Quality], tmp_path: Path, amount: float
) -> None:
    name, spoilt = _spoilt(items, tmp_path, Spoil("shift", amount, 5), 2)
    found = _assess(spoilt)
    assert found[name].verdict == "correct"
    assert found[name].measures.shift_scene_px == pytest.approx(amount, abs=0.2)
    assert "pixels beside its stack" in found[name].reasons[0]
    assert all(q.verdict != "reject" for q in found.values())


@pytest.mark.parametrize("amount", [-3.0, 1.0])
def test_an_offset_is_taken_off(
    items: Path, clean: dict[str, Quality], tmp_path: Path, amount: float
) -> None:
    name, spoilt = _spoilt(items, tmp_path, Spoil("offset", amount), 5)
    found = _assess(spoilt)[name]
    before = clean[name].correction.offset("VV")
    assert found.correction.offset("VV") - before == pytest.approx(amount, abs=0.3)


@pytest.mark.parametrize(
    ("way", "word"),
    [
        (Spoil("stripes", -11.0), "interference"),
        (Spoil("snow", 0.6), "wet snow"),
        (Spoil("flood", 0.5), "flooding"),
        (Spoil("shift", 9.0), "beside its stack"),
    ],
)
def test_what_cannot_be_mended_is_rejected_with_a_reason(
    items: Path, tmp_path: Path, way: Spoil, word: str
) -> None:
    name, spoilt = _spoilt(items, tmp_path, way, 3)
    found = _assess(spoilt)
    assert found[name].verdict == "reject"
    assert not found[name].kept
    assert word in " ".join(found[name].reasons)
    assert [q for q, other in found.items() if other.verdict == "reject"] == [name]


def test_fringes_are_eroded(items: Path, tmp_path: Path) -> None:
    name, spoilt = _spoilt(items, tmp_path, Spoil("fringe"), 1)
    assert _assess(spoilt)[name].correction.fringe == RECIPE.erode_px


def test_a_rejected_image_is_in_the_item_and_not_in_the_medians(
    items: Path, tmp_path: Path
) -> None:
    name, spoilt = _spoilt(items, tmp_path / "archive", Spoil("stripes", -11.0), 2)
    request = make_request(
        None, out=str(tmp_path / "out"), source=str(spoilt), origin=("2023-12-10T00:00:00Z",),
        aoi=AOI,
    )  # fmt: skip
    plan = prepare(request, search(request))
    run = execute(plan, "none")
    item = tmp_path / "out" / "items" / run.outcomes[0].item_id / f"{run.outcomes[0].item_id}.json"
    document = json.loads(item.read_text())
    validate_item(document)
    properties = document["properties"]
    verdicts = {q["id"]: q for q in properties["sarlra:quality"]}
    assert len(verdicts) == 6
    assert verdicts[name]["verdict"] == "reject"
    assert not verdicts[name]["used"]
    assert "interference" in verdicts[name]["reasons"][0]
    assert properties["sarlra:n_pre"] == 4
    assert name not in [a["id"] for a in properties["sarlra:acquisitions_pre"]]
    assert any(name in note for note in properties["sarlra:notes"])
    composite = xr.open_zarr(tmp_path / "out" / plan.jobs[0].store / plan.jobs[0].group)
    assert int(composite["n_pre"].max()) == 4
    again = reproduce(str(item), dem="none", local_files=True)
    assert again.identical
    assert not [note for note in again.notes if "acquisitions" in note]


def test_without_the_control_nothing_is_judged(items: Path, tmp_path: Path) -> None:
    request = make_request(
        None, out=str(tmp_path / "out"), source=str(items), origin=("2023-12-10T00:00:00Z",),
        aoi=AOI, quality=False,
    )  # fmt: skip
    run = execute(prepare(request, search(request)), "none")
    name = run.outcomes[0].item_id
    document = json.loads((tmp_path / "out" / "items" / name / f"{name}.json").read_text())
    assert "sarlra:quality" not in document["properties"]
    assert document["properties"]["sarlra:n_pre"] == 5


def test_the_only_image_after_the_event_is_used_and_marked(clean: dict[str, Quality]) -> None:
    verdicts = list(clean.values())
    bad = replace(verdicts[-1], verdict="reject", kept=False, reasons=("flooding",))
    kept = keep_a_product([*verdicts[:-1], bad])
    assert kept[-1].verdict == "reject"
    assert kept[-1].kept
    assert kept[-1].reasons[-1] == "used all the same: there is no other"


def test_limits_are_those_that_are_stated(items: Path) -> None:
    acquisition = _track(items).pre[0]
    fine = Measures(5, (0.1, 0.1), 3.0, (("VV", 0.1), ("VH", -0.1)))
    assert judge(acquisition, False, fine, 8).verdict == "accept"
    bright = judge(acquisition, False, replace(fine, offset_db=(("VV", 12.0),)), 8)
    assert bright.verdict == "reject"
    some = judge(acquisition, False, replace(fine, snow_share=0.1, valid_share=0.5), 8)
    assert some.verdict == "accept"
    assert some.reasons == (
        "has data on 50% of what its stack covers",
        "wet snow on 10% of the land",
    )
    assert judge(acquisition, True, replace(fine, valid_share=0.0), 8).verdict == "reject"
    assert np.isclose(replace(fine, shift_px=(3.0, 4.0), scene_px=5.0).shift_scene_px, 1.0)
