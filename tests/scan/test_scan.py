"""Scans: the same tiles as the main job, statuses, periods, and no seams whatever the tiles."""

from __future__ import annotations

import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import rasterio
import xarray as xr
import zarr
from pyproj import Transformer
from shapely.geometry import MultiPolygon, Polygon, box

from sarlra.catalog.zone_edges import across_zone_edges
from sarlra.composites.store import write_region
from sarlra.errors import (
    CatalogError,
    EventError,
    JobsFailedError,
    NoAcquisitionsError,
    RecipeError,
)
from sarlra.events.area import box_area
from sarlra.grid import Tile
from sarlra.jobs.job import Outcome
from sarlra.jobs.tiles import plan_tiles
from sarlra.recipe import make_recipe
from sarlra.scan.ask import scan_requests, steps
from sarlra.scan.cells import plan_cells
from sarlra.scan.finish import ScanRun, finish
from sarlra.scan.plan import ScanPlan, plan_scan
from sarlra.scan.run import run_scan
from sarlra.scenes.search import open_search
from tests.contents import files_of
from tests.servers.items import opera_items, write_items

ORIGIN = "2023-12-10T00:00:00Z"
BURST, AOI = "T137-292321-IW2", "-119.849,34.765,-119.817,34.791"


def plan(source: Path, out: Path, **choices: object) -> ScanPlan:
    given = {"aoi": AOI, "origin": (ORIGIN,), "dem": "none"} | choices
    requests = scan_requests(source=str(source), out=str(out), **given)  # type: ignore[arg-type]
    return plan_scan(requests, open_search(requests[0].source))


def scan(source: Path, out: Path, cluster: str = "none", **choices: object) -> ScanRun:
    with plan(source, out, **choices) as made:
        return run_scan(made, cluster)


@pytest.fixture
def burst(shared_data: Path, tmp_path: Path) -> Path:
    items = [i for i in opera_items(shared_data) if i["properties"]["opera:burst_id"] == BURST]
    return write_items(tmp_path / "items.json", items)


@pytest.mark.parametrize(
    "area",
    [
        box_area(5.6, 44.9, 6.5, 45.6),  # an edge between zones
        box_area(13.0, -0.3, 13.4, 0.4),  # the equator
        box_area(179.7, -17.3, -179.6, -16.9),  # 180 degrees
        box_area(20.0, 83.5, 26.5, 84.0),
        MultiPolygon([Polygon([(7, 45), (8.5, 45.2), (7.9, 46.1), (7.6, 45.4)])]),
    ],
)
@pytest.mark.parametrize("tile_px", [768, 1024, 4096])
def test_cells_hold_the_tiles_of_the_main_job(area: MultiPolygon, tile_px: int) -> None:
    recipe = make_recipe(tile_px=tile_px)
    found = sorted((w for c in plan_cells(area, recipe) for w in c.tiles), key=lambda w: w.tile)
    wanted = plan_tiles(area, recipe)
    assert [w.tile for w in found] == [w.tile for w in wanted]
    for ours, theirs in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(ours.active, theirs.active)
        assert ours.box == theirs.box


def test_a_cells_search_area_covers_what_its_tiles_read() -> None:
    for area in (box_area(5.6, 44.9, 6.5, 45.6), box_area(179.7, -17.3, -179.6, -16.9)):
        for cell in plan_cells(area, make_recipe(tile_px=1024)):
            searched = cell.search_area()
            assert searched.is_valid
            to_degrees = Transformer.from_crs(cell.epsg, 4326, always_xy=True)
            for windows in cell.tiles:
                left, bottom, right, top = windows.box.bounds(windows.tile)
                for x in np.linspace(left, right, 7):
                    for y in np.linspace(bottom, top, 7):
                        lon, lat = to_degrees.transform(x, y)
                        assert searched.intersects(box(lon, lat, lon, lat).centroid)


def test_new_then_done_then_stale(burst: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with plan(burst, out) as first:
        assert not out.exists()
        assert first.counts == {"new": 1}
        assert first.bytes_in > 0
        table = gpd.read_parquet(first.table)
        (row,) = table.to_dict("records")
        assert row["status"] == "new"
        assert table.crs == "OGC:CRS84"
        assert table.geometry.iloc[0].covers(box(-119.849, 34.765, -119.817, 34.791))
        assert len(row["inputs"]) == row["n_pre"] + row["n_post"]
        run = run_scan(first, "none")
    assert run.counts["done"] + run.counts["empty"] == 1
    assert (out / "catalog.json").is_file()
    before = files_of(out)
    with plan(burst, out) as second:
        assert second.counts == {"done": 1}
        assert run_scan(second, "none").counts["skipped"] == 1
    assert files_of(out) == before
    # A fold on demand of what stands, also of what somebody damaged since.
    merged_file = next(out.glob("collections/*/detections.parquet"))
    merged_file.unlink()
    with plan(burst, out) as again_planned:
        finish(again_planned, ())
    assert files_of(out) == before
    # One acquisition less before the event: the same tile and track, from other inputs.
    content = json.loads(burst.read_text())
    content["features"] = [i for i in content["features"] if i["id"] != row["inputs"][0]]
    burst.write_text(json.dumps(content))
    with plan(burst, out) as third:
        assert third.counts == {"stale": 1}
        again = run_scan(third, "none")
    assert again.counts["failed"] == 0
    assert [o.item_id for o in again.outcomes] == [o.item_id for o in run.outcomes]
    # A scene that was made anew and put in the place of the old one.
    (made_anew,) = (i for i in content["features"] if i["id"] == row["inputs"][1])
    made_anew["properties"]["s1:processing_datetime"] = "2024-05-01T00:00:00Z"
    burst.write_text(json.dumps(content))
    with plan(burst, out) as fourth:
        assert fourth.counts == {"stale": 1}


def test_a_run_that_ends_early_leaves_its_outcomes(
    burst: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sarlra.scan.outcomes.EVERY_S", 0.0)

    def stop(outcome: Outcome) -> None:
        raise KeyboardInterrupt

    with plan(burst, tmp_path / "out") as made, pytest.raises(KeyboardInterrupt):
        run_scan(made, "none", stop)
    (path,) = (tmp_path / "out").glob("collections/*/outcomes.parquet")
    (row,) = pq.read_table(path).to_pylist()
    assert row["status"] in ("done", "empty")
    assert not (tmp_path / "out" / "catalog.json").exists()


def test_no_item_stands_over_a_composite_with_other_values(
    burst: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store that says it has written a region, and holds one pixel less."""

    def lying(store: str, group: str, tile: Tile, composite: xr.Dataset) -> dict[str, str]:
        sums = write_region(store, group, tile, composite)
        counts = zarr.open_group(store, path=group, mode="r+")["n_pre"]
        row, column = np.argwhere(counts[:] > 0)[0]
        counts[row, column] = 0
        return sums

    monkeypatch.setattr("sarlra.jobs.job_files.write_region", lying)
    with (
        plan(burst, tmp_path / "out") as made,
        pytest.raises(JobsFailedError, match="n_pre has other values"),
    ):
        run_scan(made, "none")
    assert not list((tmp_path / "out").glob("items/*"))


def test_nothing_that_stands_is_not_folded(burst: Path, tmp_path: Path) -> None:
    with plan(burst, tmp_path / "out") as made, pytest.raises(CatalogError, match="nothing"):
        finish(made, ())


def test_nothing_on_one_side_is_said(burst: Path, tmp_path: Path) -> None:
    with pytest.raises(NoAcquisitionsError, match="both sides"):
        plan(burst, tmp_path / "out", origin=("2019-12-10T00:00:00Z",))
    assert not (tmp_path / "out").exists()


def test_a_period_has_one_event_a_step() -> None:
    found = steps("2023-12-01/2023-12-30", 10)
    assert [moment.isoformat() for moment in found] == [
        "2023-12-01T00:00:00+00:00",
        "2023-12-11T00:00:00+00:00",
        "2023-12-21T00:00:00+00:00",
    ]
    for period, step in (("2023-12-01", 3), ("2023-12-02/2023-12-01", 3), ("x/y", 3),
                         ("2023-01-01/2023-02-01", 0), ("2014-05-01/2024-05-01", 1)):  # fmt: skip
        with pytest.raises(EventError):
            steps(period, step)


def test_what_cannot_be_meant_is_refused(burst: Path, tmp_path: Path) -> None:
    with pytest.raises(EventError, match="one of them"):
        plan(burst, tmp_path / "out", event="us2000h8ty")
    with pytest.raises(EventError, match="go together"):
        plan(burst, tmp_path / "out", origin=(), period="2023-01-01/2023-02-01")
    with pytest.raises(RecipeError, match="256"):
        plan(burst, tmp_path / "out", tile=1000)


def test_a_period_is_scanned_step_by_step(burst: Path, tmp_path: Path) -> None:
    # Steps before the first and after the last acquisition have nothing on one side.
    with plan(burst, tmp_path / "out", origin=(), period="2023-12-04/2023-12-12", step=4) as made:
        assert len(made.requests) == 2
        rows = pq.read_table(made.table).to_pylist()
        assert {row["event"] for row in rows} == {r.event.id for r in made.requests}
        run = run_scan(made, "none")
    assert run.counts["failed"] == 0
    assert len(run.folds) == 2


def lattice(out: Path, tile_px: int) -> dict[tuple[str, float, float], float]:
    """Scores by track and centre of the window, from the items' own files."""
    found: dict[tuple[str, float, float], float] = {}
    for path in out.glob("items/*/scores.tif"):
        track = path.parent.name.split("_")[-2]
        with rasterio.open(path) as raster:
            values = raster.read(1)
            for row, column in np.argwhere(np.isfinite(values)):
                x, y = raster.xy(row, column)
                found[track, x, y] = float(values[row, column])
    return found


def merged(out: Path) -> pd.DataFrame:
    (path,) = out.glob("collections/*/detections.parquet")
    table = gpd.read_parquet(path)
    kept = [c for c in table.columns if c not in ("item", "tile", "row", "col", "geometry", "bbox")]
    return pd.DataFrame(table[kept]).sort_values(["track", "x", "y"]).reset_index(drop=True)


@pytest.mark.slow
def test_no_seams(tmp_path: Path) -> None:
    from sarlra.simulation.world import simulate

    world = tmp_path / "world"
    # On a corner of tiles of every size but the first.
    simulate(11, world, size_px=512, epsg=32654, centre=(40960.0 * 12, 40960.0 * 115))
    results = []
    for tile_px in (4096, 2048, 1024):
        out = tmp_path / str(tile_px)
        run = scan(world / "items.json", out, aoi=None, origin=(),
                   event=str(world / "event.geojson"), tile=tile_px)  # fmt: skip
        assert run.counts["failed"] == 0
        results.append((len(run.outcomes), lattice(out, tile_px), merged(out)))
    assert results[0][0] > 2
    assert len(results[0][1]) > 100
    for _, scores, detections in results[1:]:
        assert scores == results[0][1]
        pd.testing.assert_frame_equal(detections, results[0][2], check_exact=True)


@pytest.mark.slow
def test_no_seams_at_an_edge_between_zones(tmp_path: Path) -> None:
    """The same area over 144 E, in tiles of three sizes: the same lattice and detections."""
    from sarlra.simulation.world import simulate

    world = tmp_path / "world"
    east, north = Transformer.from_crs(4326, 32654, always_xy=True).transform(144.0, 42.6)
    simulate(11, world, size_px=384, epsg=32654,
             centre=(round(east / 40) * 40.0, round(north / 40) * 40.0))  # fmt: skip
    results = []
    for tile_px in (4096, 1024):
        out = tmp_path / str(tile_px)
        run = scan(world / "items.json", out, aoi=None, origin=(), orbit="descending",
                   event=str(world / "event.geojson"), tile=tile_px)  # fmt: skip
        assert run.counts["failed"] == 0
        zones = {outcome.tile[:5] for outcome in run.outcomes if outcome.scored}
        assert zones == {"32654", "32655"}
        results.append((lattice(out, tile_px), merged(out)))
    (scores, detections), (other_scores, other_detections) = results
    assert len(scores) > 50
    assert other_scores == scores
    pd.testing.assert_frame_equal(other_detections, detections, check_exact=True)
    (path,) = (tmp_path / "4096").glob("collections/*/detections.parquet")
    table = gpd.read_parquet(path)
    assert across_zone_edges(table, 0.1).all()
    # The part in one zone, scanned alone, has the very scores that it had with the rest.
    west, south, _, top = gpd.GeoSeries(table.geometry).total_bounds
    alone = tmp_path / "alone"
    scan(world / "items.json", alone, aoi=f"{west},{south},143.98,{top}", origin=(),
         orbit="descending", event=str(world / "event.geojson"), tile=2048)  # fmt: skip
    part = lattice(alone, 2048)
    shared = part.keys() & scores.keys()
    assert len(shared) > 20
    assert {key: part[key] for key in shared} == {key: scores[key] for key in shared}
