"""The main job through a STAC API with signed assets, across 180 degrees, on any cluster."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import xarray as xr
from pyproj import Transformer
from rasterio.transform import from_origin

from sarlra.catalog.read import read_scores
from sarlra.catalog.sink import open_sink
from sarlra.jobs.ask import make_request
from sarlra.jobs.execute import Run, execute, prepare
from sarlra.jobs.plan import Plan, search
from tests.conftest import ROOT
from tests.contents import files_of
from tests.servers.blobs import BlobServer
from tests.servers.items import opera_items, write_items
from tests.servers.stac_api import StacApi

ORIGIN = "2023-12-10T00:00:00Z"
BURST, AOI = "T137-292321-IW2", "-119.849,34.765,-119.817,34.791"


def _detect(source: Path, out: Path, aoi: str = AOI, cluster: str = "none") -> tuple[Plan, Run]:
    request = make_request(None, out=str(out), source=str(source), origin=(ORIGIN,), aoi=aoi)
    plan = prepare(request, search(request))
    return plan, execute(plan, cluster)


def _burst(shared_data: Path, root: str | None = None) -> list[dict[str, object]]:
    items = opera_items(shared_data, root)
    return [item for item in items if item["properties"]["opera:burst_id"] == BURST]


def test_api_with_expiring_tokens_gives_what_the_files_give(
    shared_data: Path, tmp_path: Path
) -> None:
    plain = write_items(tmp_path / "items.json", _burst(shared_data))
    _, ours = _detect(plain, tmp_path / "files")
    with BlobServer(shared_data / "opera-rtc-s1", lifetime_s=1.0) as blobs:
        items = _burst(shared_data, f"{blobs.url}/account/container")
        with StacApi(items, page_size=4) as api:
            source = tmp_path / "local-computer.json"
            source.write_text(
                json.dumps(
                    {
                        "name": "local-computer",
                        "kind": "api",
                        "location": api.url,
                        "collections": ["opera-rtc-s1"],
                        "signing": {"token_url": blobs.token_url, "hosts": [blobs.host]},
                    }
                )
            )
            _, theirs = _detect(source, tmp_path / "api")
        assert blobs.served > 12
        assert blobs.token_requests() >= 1
    (first,), (second,) = ours.outcomes, theirs.outcomes
    assert second.status == first.status
    lattices = [
        read_scores(open_sink(str(tmp_path / name)), outcome.item_id)
        for name, outcome in (("files", first), ("api", second))
    ]
    np.testing.assert_array_equal(*lattices)
    written = b"".join(p.read_bytes() for p in (tmp_path / "api").rglob("*") if p.is_file())
    assert b"sig=" not in written


def test_frozen_search_repeats_the_run_without_its_source(
    shared_data: Path, tmp_path: Path
) -> None:
    plain = write_items(tmp_path / "items.json", _burst(shared_data))
    plan, first = _detect(plain, tmp_path / "out")
    (frozen,) = (tmp_path / "out" / "collections" / plan.request.event.id).glob("inputs-*.json")
    plain.unlink()
    _, again = _detect(frozen, tmp_path / "again")
    assert [o.item_id for o in again.outcomes] == [o.item_id for o in first.outcomes]
    for outcome in first.outcomes:
        for name in ("scores.tif", "change.tif", "detections.parquet"):
            path = Path("items") / outcome.item_id / name
            assert (tmp_path / "again" / path).read_bytes() == (
                tmp_path / "out" / path
            ).read_bytes()


def _across_180(shared_data: Path, folder: Path) -> Path:
    """The burst's files laid across the antimeridian in zone 1, pixel for pixel."""
    to_degrees = Transformer.from_crs(32701, 4326, always_xy=True)
    middle, _ = Transformer.from_crs(4326, 32701, always_xy=True).transform(180.0, -17.0)
    left, top = round(middle / 30) * 30 - 1500.0, 8_118_000.0
    corners = [(left, top), (left + 3000, top), (left + 3000, top - 3000), (left, top - 3000)]
    degrees = [to_degrees.transform(*corner) for corner in corners]
    lats = [lat for _, lat in degrees]
    low, high = min(lats), max(lats)
    west = min(lon for lon, _ in degrees if lon > 0)
    east = max(lon for lon, _ in degrees if lon < 0)
    items = []
    for item in _burst(shared_data):
        for asset in item["assets"].values():  # type: ignore[attr-defined]
            with rasterio.open(asset["href"]) as source:
                profile = source.profile | {
                    "crs": "EPSG:32701",
                    "transform": from_origin(left, top, 30, 30),
                }
                asset["href"] = str(folder / Path(asset["href"]).name)
                with rasterio.open(asset["href"], "w", **profile) as target:
                    target.write(source.read())
        item["properties"] |= {  # type: ignore[operator]
            "proj:epsg": 32701,
            "proj:transform": [30.0, 0.0, left, 0.0, -30.0, top],
            "proj:bbox": [left, top - 3000, left + 3000, top],
        }
        rings = [
            [[w, low], [e, low], [e, high], [w, high], [w, low]]
            for w, e in ((west, 180.0), (-180.0, east))
        ]
        item["geometry"] = {"type": "MultiPolygon", "coordinates": [[ring] for ring in rings]}
        item["bbox"] = [west, low, east, high]
        items.append(item)
    return write_items(folder / "items.json", items)


def test_area_across_the_antimeridian(shared_data: Path, tmp_path: Path) -> None:
    source = _across_180(shared_data, tmp_path)
    plan, run = _detect(source, tmp_path / "out", aoi="179.98,-17.03,-179.98,-16.99")
    assert {job.tile.epsg for job in plan.jobs} == {32760, 32701}
    assert run.counts["failed"] == 0
    assert all(outcome.scored > 0 for outcome in run.outcomes)
    # In zone 1 the files' own values stand, as pixels of 10 m between those of 30 m.
    job = next(job for job in plan.jobs if job.tile.epsg == 32701)
    composite = xr.open_zarr(tmp_path / "out" / job.store / job.group)
    seen = np.isfinite(composite["post_vv"].values)
    assert 0.2 < seen.sum() / 300**2 < 1.0
    tables = [gpd.read_parquet(f) for f in (tmp_path / "out").rglob("detections.parquet")]
    assert len(tables) == len(plan.jobs) + 1
    for bounds in (table.geometry.bounds for table in tables if len(table)):
        assert bounds[["minx", "maxx"]].abs().max().max() <= 180.0


@pytest.mark.services
def test_bucket_holds_what_a_folder_holds(
    shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import boto3  # type: ignore[import-untyped]
    from moto.server import ThreadedMotoServer

    plain = write_items(tmp_path / "items.json", _burst(shared_data))
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        for name, value in {
            "AWS_ENDPOINT_URL": f"http://{host}:{port}",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
        }.items():
            monkeypatch.setenv(name, value)
        client = boto3.client("s3", endpoint_url=f"http://{host}:{port}")
        client.create_bucket(Bucket="sarlra-end-to-end")
        request = make_request(
            None, out="s3://sarlra-end-to-end/results", source=str(plain), origin=(ORIGIN,), aoi=AOI
        )
        chosen = search(request)
        run = execute(prepare(request, chosen), "none")
        assert prepare(request, chosen).todo == ()
        listed = client.list_objects_v2(Bucket="sarlra-end-to-end")["Contents"]
        there = {o["Key"].removeprefix("results/"): o["Size"] for o in listed}
    finally:
        server.stop()
    _, ours = _detect(plain, tmp_path / "folder")
    assert [o.item_id for o in run.outcomes] == [o.item_id for o in ours.outcomes]
    here = {
        str(p.relative_to(tmp_path / "folder")): p.stat().st_size
        for p in (tmp_path / "folder").rglob("*")
        if p.is_file()
    }
    assert there == here


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from sarlra.simulation.world import simulate

    folder = tmp_path_factory.mktemp("world") / "world"
    simulate(11, folder, size_px=512)
    return folder


@pytest.mark.slow
def test_any_number_of_workers_gives_the_same_bytes(world: Path, tmp_path: Path) -> None:
    results = []
    for cluster in ("none", "local"):
        request = make_request(
            str(world / "event.geojson"),
            out=str(tmp_path / cluster),
            source=str(world / "items.json"),
        )
        plan = prepare(request, search(request))
        assert {track.orbit_state for track in plan.scenes.tracks} == {"ascending", "descending"}
        run = execute(plan, cluster)
        assert run.counts["failed"] == 0
        results.append(files_of(tmp_path / cluster))
    assert results[0] == results[1]


@pytest.mark.slow
def test_flow_runs_offline_with_its_own_server(shared_data: Path, tmp_path: Path) -> None:
    source = write_items(tmp_path / "items.json", _burst(shared_data))
    done = subprocess.run(
        [sys.executable, "flows/detect.py", "--origin", ORIGIN, f"--aoi={AOI}", "--source",
         str(source), "--out", str(tmp_path / "out"), "--cluster", "local"],
        cwd=ROOT, capture_output=True, text=True, timeout=400, check=False,
        env={**os.environ, "PREFECT_HOME": str(tmp_path / "prefect"), "PREFECT_API_URL": ""},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Completed" in done.stdout + done.stderr
    assert (tmp_path / "out" / "catalog.json").is_file()
    assert len(list((tmp_path / "out" / "items").glob("*/*.json"))) == 1
