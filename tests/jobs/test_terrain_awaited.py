"""Items made while the geometry or the DEM could not be had, and the slope mask of a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import xarray as xr
from rasterio.transform import from_origin
from rasterio.vrt import WarpedVRT
from rasterio.warp import Resampling

from sarlra.catalog.sink import open_sink
from sarlra.jobs.ask import make_request
from sarlra.jobs.execute import Run, execute, prepare
from sarlra.jobs.plan import Plan, search
from sarlra.models.registry import default_model
from sarlra.scan.ask import scan_requests
from sarlra.scan.plan import plan_scan
from sarlra.scan.run import run_scan
from sarlra.scenes.search import open_search
from sarlra.simulation.world import SimulatedWorld, simulate
from sarlra.terrain.ground import GroundGrid
from sarlra.terrain.tile import tile_terrain
from sarlra.terrain.track import _cached


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> SimulatedWorld:
    return simulate(11, tmp_path_factory.mktemp("awaited"), size_px=256)


def detect(world: SimulatedWorld, out: Path, **choices: Any) -> tuple[Plan, Run]:
    given = {"orbit": "ascending", "out": str(out), "source": str(world.items)} | choices
    request = make_request(str(world.event), **given)
    plan = prepare(request, search(request))
    return plan, execute(plan, "none")


def state(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Bytes of all files, and when those of items and composites were written.

    The fold writes collections anew, with the same bytes.
    """
    return {
        str(path.relative_to(folder)): (
            path.read_bytes(),
            0 if "collections" in path.parts or path.parent == folder else path.stat().st_mtime_ns,
        )
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def items_of(out: Path) -> list[dict[str, Any]]:
    found = sorted((out / "items").glob("*/*.json"))
    assert found
    return [json.loads(path.read_text())["properties"] for path in found]


def lose(world: SimulatedWorld, what: str) -> tuple[Path, Path]:
    """Take the annotations or the DEM away; what to rename back."""
    _cached.cache_clear()
    here = world.root / "annotation" if what == "annotation" else world.dem
    away = here.with_name(f"{here.name}.away")
    here.rename(away)
    return away, here


@pytest.mark.parametrize("what", ["annotation", pytest.param("dem", marks=pytest.mark.slow)])
def test_an_item_of_unknown_visibility_is_made_again_once_it_can_be(
    world: SimulatedWorld, tmp_path: Path, what: str
) -> None:
    out = tmp_path / "out"
    away, here = lose(world, what)
    try:
        _, first = detect(world, out)
        for outcome in first.outcomes:
            assert outcome.status in ("done", "empty")
            assert any("visibility is not known" in note for note in outcome.notes)
        old = items_of(out)
        for found in old:
            assert found["sarlra:statistics"]["observed_share"] > 0
            unknown = found["sarlra:statistics"]["visibility_unknown_share"]
            assert unknown == found["sarlra:statistics"]["observed_share"]
            assert found["sarlra:geometry"] == ("unknown" if what == "annotation" else "annotation")
        # It still cannot be had: nothing changes, to the last byte and stamp.
        before = state(out)
        plan, second = detect(world, out)
        assert len(plan.todo) == len(old)
        assert {o.status for o in second.outcomes} == {"skipped"}
        assert all("visibility is not known" in o.notes[-1] for o in second.outcomes)
        assert state(out) == before
    finally:
        away.rename(here)
    _, third = detect(world, out)
    assert {o.status for o in third.outcomes} <= {"done", "empty"}
    assert [o.item_id for o in third.outcomes] == [o.item_id for o in first.outcomes]
    for found, again in zip(old, items_of(out), strict=True):
        assert (again["sarlra:geometry"], again["sarlra:dem"] is None) == ("annotation", False)
        assert again["sarlra:statistics"]["visibility_unknown_share"] < 0.05
        assert again["sarlra:notes"] == []
        assert again["sarlra:job_id"] == found["sarlra:job_id"]
    # As if it had been there from the first.
    fresh = tmp_path / "fresh"
    detect(world, fresh)
    assert {n: b for n, (b, _) in state(out).items()} == {
        n: b for n, (b, _) in state(fresh).items()
    }
    before = state(out)
    plan, fourth = detect(world, out)
    assert plan.todo == ()
    assert fourth.counts["skipped"] == len(old)
    assert state(out) == before


@pytest.mark.slow
def test_a_scan_says_what_waits(world: SimulatedWorld, tmp_path: Path) -> None:
    choices = {"event": str(world.event), "orbit": "ascending", "tile": 512}
    requests = scan_requests(source=str(world.items), out=str(tmp_path / "out"), **choices)

    def scan() -> tuple[dict[str, int], dict[str, int]]:
        with plan_scan(requests, open_search(requests[0].source)) as plan:
            return dict(plan.counts), run_scan(plan, "none").counts

    away, here = lose(world, "dem")
    try:
        planned, ran = scan()
        jobs = planned["new"]
        before = state(tmp_path / "out")
        planned, ran = scan()
        assert planned == {"waiting": jobs}
        assert ran["skipped"] == jobs
        assert state(tmp_path / "out") == before
    finally:
        away.rename(here)
    planned, ran = scan()
    assert planned == {"waiting": jobs}
    assert ran["done"] + ran["empty"] == jobs
    planned, ran = scan()
    assert planned == {"done": jobs}


def test_an_item_without_a_dem_by_choice_waits_for_nothing(
    world: SimulatedWorld, tmp_path: Path
) -> None:
    detect(world, tmp_path, dem="none", min_slope=10.0)
    for found in items_of(tmp_path):
        assert "the slope mask was not applied: there are no heights" in found["sarlra:notes"]
        assert found["sarlra:statistics"]["not_scored_level"] == 0
        assert "level_share" not in found["sarlra:statistics"]
    assert detect(world, tmp_path, dem="none", min_slope=10.0)[0].todo == ()


@pytest.mark.slow
def test_a_model_gets_the_radiometry_that_it_states(
    world: SimulatedWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy of the shipped network whose card wants sigma0: only post bands move, by the ratio."""
    shipped = default_model("VV_VH", "ascending")
    card = dict(shipped.card) | {"name": "wants-sigma0", "radiometry": "sigma0e"}
    (tmp_path / "wants-sigma0.keras").write_bytes(shipped.path.read_bytes())
    (tmp_path / "wants-sigma0.json").write_text(json.dumps(card))
    model = str(tmp_path / "wants-sigma0.keras")
    plan, _ = detect(world, tmp_path / "sigma", model=model)
    plain, _ = detect(world, tmp_path / "gamma")
    for found in items_of(tmp_path / "sigma"):
        assert found["sarlra:radiometry"] == found["sarlra:recipe"]["radiometry"] == "sigma0e"
    for job, other in zip(plan.jobs, plain.jobs, strict=True):
        ratio = tile_terrain(
            job.track, GroundGrid.of(job.tile, job.box), job.terrain, None, sigma0e=True
        ).sigma0e_db
        assert ratio is not None
        assert np.nanstd(ratio) > 0.5
        sigma, gamma = (
            xr.open_zarr(f"{one.sink}/{one.store}", group=one.group, consolidated=False)
            for one in (job, other)
        )
        xs, ys = (job.box.transform(job.tile) @ (0.5, 0.5)), job.box.shape
        window = {
            "x": xs[0] + 10.0 * np.arange(min(ys[1], job.tile.size_px - job.box.col0)),
            "y": xs[1] - 10.0 * np.arange(min(ys[0], job.tile.size_px - job.box.row0)),
        }
        a, b = sigma.sel(window).compute(), gamma.sel(window).compute()
        xr.testing.assert_identical(a["diff_vv"].drop_attrs(), b["diff_vv"].drop_attrs())
        moved = (a["post_vv"] - b["post_vv"]).values
        expected = ratio[: moved.shape[0], : moved.shape[1]]
        seen = np.isfinite(moved)
        assert seen.mean() > 0.2
        np.testing.assert_allclose(moved[seen], expected[seen], atol=1e-5)


def test_the_slope_mask_leaves_level_ground_out(world: SimulatedWorld, tmp_path: Path) -> None:
    out = tmp_path / "steep"
    detect(world, out, min_slope=36.0)
    heights, step, (left, top) = plain_dem(world)
    down, right = np.gradient(heights, step)
    slope = np.rad2deg(np.arctan(np.hypot(down, right)))
    size = round(640 / step)
    checked = level = 0
    for found, name in zip(items_of(out), open_sink(str(out)).list_items(), strict=True):
        assert found["sarlra:recipe"]["min_slope"] == 36.0
        facts = found["sarlra:statistics"]
        level += facts["not_scored_level"]
        counts = ("scored", "not_scored_level", "not_scored_no_data", "not_scored_distorted")
        assert sum(facts[count] for count in counts) == facts["windows"]
        # Of the area in the tile, by the world's own DEM and plain differences.
        x0, y0, x1, y1 = found["proj:bbox"]
        x0, x1 = max(x0, world.bounds[0]), min(x1, world.bounds[2])
        y0, y1 = max(y0, world.bounds[1]), min(y1, world.bounds[3])
        inside = slope[round((top - y1) / step) : round((top - y0) / step),
                       round((x0 - left) / step) : round((x1 - left) / step)]  # fmt: skip
        assert facts["level_share"] == pytest.approx((inside < 36.0).mean(), abs=0.02)
        # Windows with the reason have few steep pixels, those with a score more.
        with rasterio.open(out / "items" / name / "score-reasons.tif") as raster:
            reason, to_map = raster.read(1), raster.transform
        for row, col in np.argwhere(np.isin(reason, (0, 4))):
            x, y = to_map @ (col + 0.5, row + 0.5)
            r, c = round((top - y - 320) / step), round((x - 320 - left) / step)
            if min(r, c) < 0 or r + size > slope.shape[0] or c + size > slope.shape[1]:
                continue
            share = (slope[r : r + size, c : c + size] >= 36.0).mean()
            if abs(share - 0.05) > 0.02:  # the run interpolates the DEM
                assert (share <= 0.05) == (reason[row, col] == 4)
                checked += 1
    assert level > 0
    assert checked > 10


def plain_dem(world: SimulatedWorld) -> tuple[np.ndarray, float, tuple[float, float]]:
    """Heights on the world's own metres with 700 m around, by GDAL's virtual warp."""
    left, bottom, right, top = (round(edge, -1) for edge in world.bounds)
    left, bottom, right, top = left - 700, bottom - 700, right + 700, top + 700
    with (
        rasterio.open(world.dem) as dem,
        WarpedVRT(
            dem,
            crs=world.epsg,
            transform=from_origin(left, top, 10, 10),
            width=round((right - left) / 10),
            height=round((top - bottom) / 10),
            resampling=Resampling.cubic,
        ) as warped,
    ):
        return warped.read(1).astype(np.float64), 10.0, (left, top)
