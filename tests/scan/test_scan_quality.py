"""The control of acquisitions in scans: the same verdicts whatever the tiles and the workers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sarlra.jobs.job import Outcome
from sarlra.scan.ask import scan_requests
from sarlra.scan.finish import ScanRun
from sarlra.scan.plan import plan_scan
from sarlra.scan.quality import Judge
from sarlra.scan.run import run_cells, run_scan
from sarlra.scenes.search import open_search
from sarlra.serving.reproduce import reproduce
from sarlra.simulation.spoil import Spoil, spoil_archive
from sarlra.simulation.world import simulate

CORNER = (40960.0 * 13, 40960.0 * 114)


def _descending(content: dict[str, Any]) -> list[dict[str, Any]]:
    """The RTC scenes of the descending track."""
    return [
        feature
        for feature in content["features"]
        if feature["collection"] == "sentinel-1-rtc"
        and feature["properties"]["sat:orbit_state"] == "descending"
    ]


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A world on a corner of tiles; of its descending track one image before the event is spoilt
    by stripes, and the one after it lies beside.
    """
    folder = tmp_path_factory.mktemp("archive")
    world = folder / "world"
    origin = simulate(11, world, size_px=384, epsg=32654, centre=CORNER).origin
    items = world / "items.json"
    ours = _descending(json.loads(items.read_text()))
    days = sorted({f["properties"]["datetime"][:10] for f in ours})
    before = [day for day in days if day < f"{origin:%Y-%m-%d}"]
    after = days[len(before)]
    for number, (day, way) in enumerate(
        ((before[-2], Spoil("stripes", -11.0)), (after, Spoil("shift", 2.0)))
    ):
        chosen = [f["id"] for f in ours if f["properties"]["datetime"][:10] == day]
        items = spoil_archive(items, chosen, way, folder / str(number))
    return items


def _scan(items: Path, out: Path, tile: int, cluster: str = "none") -> ScanRun:
    requests = scan_requests(
        source=str(items), out=str(out), event=str(items.parents[1] / "world" / "event.geojson"),
        dem="none", orbit="descending", tile=tile, quality=True,
    )  # fmt: skip
    with plan_scan(requests, open_search(requests[0].source)) as plan:
        return run_scan(plan, cluster)


def _items(out: Path) -> Iterator[dict[str, Any]]:
    for path in sorted(out.glob("items/*/*.json")):
        yield json.loads(path.read_text())


@pytest.mark.slow
def test_verdicts_do_not_depend_on_tiles_or_workers(archive: Path, tmp_path: Path) -> None:
    from tests.scan.test_scan import lattice

    results = []
    for tile, cluster in ((4096, "none"), (1024, "local")):
        out = tmp_path / f"{tile}"
        run = _scan(archive, out, tile, cluster)
        assert run.counts["failed"] == 0
        verdicts = {json.dumps(item["properties"]["sarlra:quality"]) for item in _items(out)}
        assert len(verdicts) == 1
        results.append((verdicts, lattice(out, tile)))
    assert results[0] == results[1]
    (told,) = results[0][0]
    by_verdict = {(q["verdict"], q["side"]): q for q in json.loads(told)}
    assert not by_verdict["reject", "pre"]["used"]
    mended = by_verdict["correct", "post"]["correction"]["shift_px"]
    assert sum(px**2 for px in mended) ** 0.5 == pytest.approx(2.0, abs=0.3)
    assert "interference" in next(_items(tmp_path / "1024"))["properties"]["sarlra:notes"][0]
    # An item of a scan is made again from itself alone, verdicts and all.
    item = next((tmp_path / "1024").glob("items/*/*.json"))
    again = reproduce(str(item), dem="none", local_files=True)
    assert again.identical, again.differences


def test_what_cannot_be_judged_fails_and_says_so(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SARLRA_CLUSTER_RETRIES", "0")
    content = json.loads(archive.read_text())
    broken = tmp_path / "broken.tif"
    broken.write_bytes(b"II*\0 nothing of the kind")
    for item in _descending(content):
        item["assets"]["vv"]["href"] = str(broken)
    items = tmp_path / "items.json"
    items.write_text(json.dumps(content))
    requests = scan_requests(
        source=str(items), out=str(tmp_path / "out"), dem="none", orbit="descending",
        event=str(archive.parents[1] / "world" / "event.geojson"), quality=True,
    )  # fmt: skip
    with plan_scan(requests, open_search(requests[0].source)) as plan:
        judge = Judge()
        assert list(run_cells(plan, plan.cells, judge)) == []
        lost: list[Outcome] = judge.lost
    assert len(lost) == plan.todo > 0
    assert {outcome.code for outcome in lost} == {"asset"}
    assert "broken.tif" in (lost[0].reason or "")


def test_the_choice_is_in_the_recipe_and_in_the_jobs(archive: Path, tmp_path: Path) -> None:
    def planned(items: Path, *, quality: bool) -> tuple[str, set[str]]:
        requests = scan_requests(
            source=str(items), out=str(tmp_path / "out"), dem="none", orbit="descending",
            event=str(archive.parents[1] / "world" / "event.geojson"), quality=quality, tile=1024,
        )  # fmt: skip
        with plan_scan(requests, open_search(requests[0].source)) as plan:
            cells = [plan.read_cell(name) for name in plan.cells]
        return requests[0].recipe.hash(), {job.id for cell in cells for job in cell.todo}

    with_control, jobs = planned(archive, quality=True)
    without, others = planned(archive, quality=False)
    assert with_control != without
    assert len(jobs) == len(others) > 1
    assert not jobs & others
    # One acquisition less anywhere in the cell: other verdicts, so other jobs.
    content = json.loads(archive.read_text())
    ours = _descending(content)
    gone = sorted({f["properties"]["datetime"][:10] for f in ours})[3]
    content["features"] = [f for f in ours if f["properties"]["datetime"][:10] != gone]
    fewer = tmp_path / "fewer.json"
    fewer.write_text(json.dumps(content))
    assert not planned(fewer, quality=True)[1] & jobs
