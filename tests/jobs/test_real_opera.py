"""The main job on real Sentinel-1: OPERA RTC-S1 crops of California, where nothing happened."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from pathlib import Path

import geopandas as gpd
import numpy as np
import pystac
import pytest
import rasterio
import xarray as xr
from rasterio.enums import Resampling
from rasterio.warp import reproject

from sarlra.events.area import parse_area
from sarlra.jobs.ask import make_request
from sarlra.jobs.execute import Run, execute, prepare
from sarlra.jobs.plan import Plan, search
from tests.contents import files_of

ORIGIN = datetime(2023, 12, 10, tzinfo=UTC)
PRE = ("20231016", "20231028", "20231109", "20231121", "20231203")
POST = ("20231215",)
#: One burst in the mountains, with its own area only.
BURST, AOI = "T137-292321-IW2", "-119.849,34.765,-119.817,34.791"


def _plan(shared_data: Path, out: Path, aoi: str = AOI, **choices: str) -> Plan:
    request = make_request(
        None,
        out=str(out),
        source=str(shared_data / "opera-rtc-s1" / "items.json"),
        origin=(choices.pop("origin", "2023-12-10T00:00:00Z"),),
        aoi=aoi,
        quality=False,  # medians are held against those of the files as they are
        **choices,  # type: ignore[arg-type]
    )
    return prepare(request, search(request))


@pytest.fixture(scope="module")
def run(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Plan, Run, Path]:
    out = tmp_path_factory.mktemp("opera") / "out"
    plan = _plan(shared_data, out)
    return plan, execute(plan, "none"), out


def test_every_burst_has_five_acquisitions_before_and_one_after(
    shared_data: Path, tmp_path: Path
) -> None:
    items = json.loads((shared_data / "opera-rtc-s1" / "items.json").read_text())["features"]
    areas = {f["properties"]["opera:burst_id"]: f["bbox"] for f in items}
    assert len(areas) == 9
    for burst, (west, south, east, north) in areas.items():
        inner = f"{west + 0.01},{south + 0.01},{east - 0.01},{north - 0.01}"
        (track,) = _plan(shared_data, tmp_path / burst, inner).scenes.tracks
        assert track.id == "T137A"
        assert [f"{a.datetime:%Y%m%d}" for a in track.pre] == list(PRE)
        assert [f"{a.datetime:%Y%m%d}" for a in track.post] == list(POST)


def test_both_satellites_of_2021_are_used(shared_data: Path, tmp_path: Path) -> None:
    plan = _plan(shared_data, tmp_path / "out", origin="2021-12-04T00:00:00Z", buffers="12-12")
    (track,) = plan.scenes.tracks
    assert [f"{a.datetime:%Y%m%d}" for a in track.pre] == ["20211125", "20211201"]
    assert [f"{a.datetime:%Y%m%d}" for a in track.post] == ["20211207", "20211213"]
    assert {a.platform for a in (*track.pre, *track.post)} == {"sentinel-1a", "sentinel-1b"}


def _on_grid(path: Path, composite: xr.Dataset) -> np.ndarray:
    """A file's dB on the composite's pixels: masked, bilinear in linear power, plain rasterio."""
    with rasterio.open(path) as source:
        power = source.read(1)
        power = np.where(np.isfinite(power) & (power > 0), power, np.nan).astype(np.float32)
        warped = np.full(composite["post_vv"].shape, np.nan, np.float32)
        reproject(
            power, warped, src_transform=source.transform, src_crs=source.crs, src_nodata=np.nan,
            dst_transform=composite.rio.transform(), dst_crs=composite.rio.crs, dst_nodata=np.nan,
            resampling=Resampling.bilinear, tolerance=0.0,
        )  # fmt: skip
    return 10 * np.log10(warped)


@pytest.mark.parametrize("polarisation", ["VV", "VH"])
def test_medians_equal_a_plain_reading_of_the_files(
    run: tuple[Plan, Run, Path], shared_data: Path, polarisation: str
) -> None:
    plan, _, out = run
    job = plan.jobs[0]
    composite = xr.open_zarr(out / job.store / job.group)
    band = polarisation.lower()
    rows = np.flatnonzero(np.isfinite(composite[f"post_{band}"]).any("x").values)
    cols = np.flatnonzero(np.isfinite(composite[f"post_{band}"]).any("y").values)
    part = composite.isel(y=slice(rows[0], rows[-1] + 1), x=slice(cols[0], cols[-1] + 1)).load()
    rasters = shared_data / "opera-rtc-s1" / "rasters"
    stacks = {
        side: np.stack([
            _on_grid(next((rasters / day).glob(f"*{BURST}*_{polarisation}.tif")), part)
            for day in days
        ])
        for side, days in (("pre", PRE), ("post", POST))
    }  # fmt: skip
    post = np.nanmedian(stacks["post"], axis=0)
    pre = np.nanmedian(stacks["pre"], axis=0)
    ours_post = part[f"post_{band}"].values
    ours_pre = ours_post - part[f"diff_{band}"].values
    both = np.isfinite(ours_pre) & np.isfinite(pre)
    assert both.mean() > 0.9
    # At the very edge of a burst the two warps may disagree on whether a pixel has data.
    assert (np.isfinite(ours_pre) ^ np.isfinite(pre)).mean() < 0.02
    np.testing.assert_allclose(ours_post[both], post[both], atol=2e-4)
    np.testing.assert_allclose(ours_pre[both], pre[both], atol=2e-4)
    counts = np.isfinite(stacks["pre"]).sum(axis=0)
    assert (part["n_pre"].values[both] == counts[both]).mean() > 0.999


def test_item_names_every_input_and_the_rate_of_false_alarms(run: tuple[Plan, Run, Path]) -> None:
    plan, done, out = run
    assert done.counts["failed"] == 0
    items = list(pystac.Catalog.from_file(str(out / "catalog.json")).get_items(recursive=True))
    assert {item.id for item in items} == {outcome.item_id for outcome in done.outcomes}
    for item in items:
        derived = {link.target for link in item.get_links("derived_from")}
        used = [s for a in (*plan.jobs[0].track.pre, *plan.jobs[0].track.post) for s in a.slices]
        assert len(derived) == len({s.item_id for s in used}) == 6
        statistics = item.properties["sarlra:statistics"]
        assert statistics["scored"] > 0
        assert statistics["over_threshold_share"] == pytest.approx(
            statistics["over_threshold"] / statistics["scored"], abs=1e-6
        )
        table = gpd.read_parquet(out / "items" / item.id / "detections.parquet")
        assert len(table) == statistics["detections"]
        assert {"geometry", "score", "track", "orbit_state", "n_pre", "n_post"} <= set(table)


def test_second_run_recomputes_nothing_and_a_new_recipe_is_a_new_version(
    run: tuple[Plan, Run, Path], shared_data: Path
) -> None:
    _, first, out = run
    before = files_of(out)
    again = _plan(shared_data, out)
    assert again.todo == ()
    second = execute(again, "none")
    assert {o.status for o in second.outcomes} == {"skipped"}
    assert [o.item_id for o in second.outcomes] == [o.item_id for o in first.outcomes]
    assert files_of(out) == before

    other = execute(_plan(shared_data, out, buffers="48-12"), "none")
    assert {o.status for o in other.outcomes} <= {"done", "empty"}
    assert {o.item_id for o in other.outcomes}.isdisjoint(o.item_id for o in first.outcomes)
    after = files_of(out)
    kept = [name for name in before if name.startswith("items/")]
    assert kept
    assert all(after[name] == before[name] for name in kept)


def test_area_is_parsed_as_given() -> None:
    assert math.isclose(parse_area(AOI).area, 0.032 * 0.026, rel_tol=1e-6)
