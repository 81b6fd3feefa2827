from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import catalog_world as world
import geopandas as gpd
import numpy as np
import pystac
import pytest
import rasterio
from rio_cogeo.cogeo import cog_validate

from sarlra.catalog import checksums
from sarlra.catalog.assets import COG
from sarlra.catalog.cog import Band, write_cog
from sarlra.catalog.folder import FolderSink
from sarlra.catalog.looks import colour_table
from sarlra.catalog.names import item_id, item_path
from sarlra.catalog.publish import publish_job
from sarlra.catalog.sink import open_sink
from sarlra.catalog.standing import find_done
from sarlra.catalog.validate import validate_document, validate_item
from sarlra.errors import CatalogError, EventError, SarlraError, StoreError
from sarlra.recipe import Recipe
from tests.contents import files_of


@pytest.fixture
def sink(tmp_path: Path) -> FolderSink:
    sink = open_sink(str(tmp_path / "out"))
    assert isinstance(sink, FolderSink)
    world.prepare(sink)
    return sink


def test_item_is_valid_against_core_and_extensions(sink: FolderSink, shared_data: Path) -> None:
    item = world.result().publish(sink)
    document = json.loads(sink.read_bytes(item_path(item.id)), parse_constant=pytest.fail)
    validate_item(document, shared_data / "stac-schemas")
    assert len(document["stac_extensions"]) == 10
    assert (
        pystac.Item.from_dict(document).id
        == item.id
        == item_id(world.event(), world.TILE, world.track(), "v1")
    )


def test_validation_finds_faults(sink: FolderSink, shared_data: Path) -> None:
    schemas = shared_data / "stac-schemas"
    document = json.loads(sink.read_bytes(item_path(world.result().publish(sink).id)))

    def spoilt(**changes: Any) -> dict[str, Any]:
        return {**document, "properties": {**document["properties"], **changes}}

    with pytest.raises(CatalogError, match=r"sat/v1\.2\.0"):
        validate_item(spoilt(**{"sat:orbit_state": "sideways"}), schemas)
    with pytest.raises(CatalogError, match="at properties/datetime"):
        validate_item(spoilt(datetime=3))
    with pytest.raises(CatalogError, match="fields of sarlra"):
        validate_item(spoilt(**{"sarlra:model_sha256": "x"}))
    extended = [*document["stac_extensions"], "https://example.org/x/schema.json"]
    with pytest.raises(CatalogError, match="no schema for https://example"):
        validate_item({**document, "stac_extensions": extended}, schemas)
    with pytest.raises(CatalogError, match=r"no STAC 1\.1\.0"):
        validate_document({**document, "stac_version": "1.0.0"})
    with pytest.raises(CatalogError, match="cannot be written as JSON"):
        validate_document(spoilt(gsd=float("nan")))


def test_assets_are_where_and_what_the_item_says(sink: FolderSink) -> None:
    job = world.result(high=0.3)
    item = job.publish(sink)
    assert set(item.assets) == {
        "composite", "change", "scores", "score-reasons", "visibility", "data",
        "detections", "detections-geojson", "quicklook", "inputs",
    }  # fmt: skip
    for key, asset in item.assets.items():
        path = Path(asset.get_absolute_href() or "")
        assert all((asset.title, asset.roles, asset.media_type)), key
        if key == "composite":
            assert (path / "zarr.json").is_file()
            continue
        assert path.stat().st_size == asset.extra_fields["file:size"]
        assert checksums.of_file(path) == asset.extra_fields["file:checksum"]
    with rasterio.open(item.assets["change"].get_absolute_href()) as raster:
        fields = item.assets["change"].extra_fields
        assert list(raster.bounds) == fields["proj:bbox"]
        assert list(raster.shape) == fields["proj:shape"]
        assert list(raster.transform)[:6] == fields["proj:transform"]
        assert [band["name"] for band in fields["bands"]] == list(raster.descriptions)
        whole = job.composite["diff_vv"].values
        expected = whole[np.isfinite(whole).any(axis=1)][:, np.isfinite(whole).any(axis=0)]
        np.testing.assert_array_equal(raster.read(1), expected)
    both = (job.composite["n_pre"].values > 0) & (job.composite["n_post"].values > 0)
    for key, pixels in (("visibility", job.composite["visibility"].values), ("data", both)):
        with rasterio.open(item.assets[key].get_absolute_href()) as raster:
            assert raster.nodata == 255
            assert raster.descriptions == (key,)
            np.testing.assert_array_equal(raster.read(1), pixels)
            assert ("1 active layover" in raster.tags(1)["DESCRIPTION"]) == (key == "visibility")
    table = gpd.read_parquet(item.assets["detections"].get_absolute_href())
    assert (
        len(table)
        == len(job.detections)
        == item.assets["detections"].extra_fields["table:row_count"]
    )
    named = {column["name"] for column in item.assets["detections"].extra_fields["table:columns"]}
    assert named == {*table.columns, "bbox"}
    properties = item.properties
    scores = job.lattice["score"].values
    assert properties["sarlra:statistics"]["over_threshold"] == int((scores > 0.6).sum())
    assert properties["datetime"] == properties["end_datetime"] == "2018-09-11T20:41:58Z"
    assert properties["sarlra:recipe_hash"] == world.RECIPE.hash()
    assert Recipe(**properties["sarlra:recipe"]) == world.RECIPE


def test_every_cog_is_drawn_named_and_measured(sink: FolderSink) -> None:
    """Each COG as other programs see it: overviews, names, statistics, and colours or a render."""
    shade = np.full((world.TILE.size_px,) * 2, 200, np.uint8)
    job = world.result()
    item = publish_job(
        sink, job.event, job.tile, job.track, job.composite, job.lattice, job.detections,
        job.provenance, job.statistics, shade,
    )  # fmt: skip
    cogs = {key: asset for key, asset in item.assets.items() if asset.media_type == COG}
    assert set(cogs) == {"change", "scores", "score-reasons", "visibility", "data", "hillshade"}
    drawn = set()
    for key, asset in cogs.items():
        path = asset.get_absolute_href()
        assert cog_validate(path, strict=True) == (True, [], [])
        with rasterio.open(path) as raster:
            for number, band in enumerate(asset.extra_fields["bands"], start=1):
                assert raster.descriptions[number - 1] == band["name"]
                values = raster.read(number, masked=True)
                told = {k: float(v) for k, v in raster.tags(number).items() if k[:5] == "STATI"}
                assert told["STATISTICS_MINIMUM"] == band["statistics"]["minimum"] == values.min()
                assert told["STATISTICS_MEAN"] == pytest.approx(values.mean(), rel=1e-5)
                render = item.properties["renders"][band["name"]]
                assert (render["assets"], render["bidx"]) == ([key], [number])
                assert ("colormap" in render) != ("rescale" in render)
                drawn.add(band["name"])
            if key in ("visibility", "data"):
                table = raster.colormap(1)
                wanted = item.properties["renders"][key]["colormap"]
                for code, colour in wanted.items():
                    # GeoTIFF keeps red, green and blue; no data alone is clear.
                    assert table[int(code)][:3] == tuple(colour[:3])
                assert raster.colorinterp[0].name == "palette"
    assert drawn == set(item.properties["renders"])
    assert item.properties["renders"]["diff_vv"]["colormap_name"] == "rdbu"


def test_large_cogs_have_overviews(tmp_path: Path) -> None:
    codes = np.random.default_rng(3).choice([0, 1, 4, 255], (1, 1300, 700)).astype(np.uint8)
    band = Band("visibility", "", colours=colour_table("visibility"))
    write_cog(tmp_path / "a.tif", codes, world.TILE.transform, 32654, [band])
    assert cog_validate(tmp_path / "a.tif", strict=True) == (True, [], [])
    with rasterio.open(tmp_path / "a.tif") as raster:
        assert raster.overviews(1) == [2, 4]
        np.testing.assert_array_equal(raster.read(), codes)
        assert raster.colormap(1)[1] == (102, 90, 140, 255)
    with rasterio.open(tmp_path / "a.tif", overview_level=0) as half:
        # Codes are never mixed.
        assert set(np.unique(half.read(1))) == {0, 1, 4, 255}


def test_every_input_is_named(sink: FolderSink) -> None:
    slices = [s for a in (*world.track().pre, *world.track().post) for s in a.slices]
    item = world.result().publish(sink)
    links = item.get_links("derived_from")
    assert [link.title for link in links] == [s.item_id for s in slices]
    assert [link.href for link in links] == [s.href for s in slices]
    for href in (None, "/data/items", "./items", "file:///items"):
        job = world.result(track=world.track(href), provenance=world.provenance(version="v2"))
        links = job.publish(sink).get_links("derived_from")
        for link, part in zip(links, slices, strict=True):
            path, _, name = str(link.target).partition("#")
            base = sink.folder / "items" / item.id / path
            assert (base.resolve(), name) == (sink.folder / world.INPUTS, part.item_id)


def test_same_arguments_give_the_same_bytes_in_another_process(
    sink: FolderSink, tmp_path: Path
) -> None:
    world.result().publish(sink)
    code = (
        "import catalog_world as w; from sarlra.catalog.sink import open_sink; "
        f"s = open_sink({str(tmp_path / 'other')!r}); w.prepare(s); w.result().publish(s)"
    )
    environment = {
        **os.environ, "PYTHONPATH": str(Path(__file__).parent), "PYTHONHASHSEED": "7",
        "TZ": "Asia/Tokyo",
    }  # fmt: skip
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
    assert files_of(sink.folder) == files_of(tmp_path / "other")
    world.result().publish(sink)
    assert files_of(sink.folder) == files_of(tmp_path / "other")


def test_empty_result_is_a_success_with_a_schema(sink: FolderSink, shared_data: Path) -> None:
    job = world.result(high=0.0)
    assert len(job.detections) == 0
    item = job.publish(sink)
    validate_item(item, shared_data / "stac-schemas")
    assert find_done(sink, item.id, "job-1") is not None
    table = gpd.read_parquet(item.assets["detections"].get_absolute_href())
    assert list(table.columns) == list(job.detections.columns)


def test_nothing_observed_is_published_too(sink: FolderSink, shared_data: Path) -> None:
    job = world.result(high=0.0)
    for name in ("diff_vv", "diff_vh"):
        job.composite[name].values[:] = np.nan
    job.lattice["score"].values[:] = np.nan
    job.lattice["reason"].values[:] = 1
    numbers = {**job.statistics, "scored": 0, "max_score": float("nan"), "observed_share": 0.0}
    item = replace(job, statistics=numbers).publish(sink)
    validate_item(item, shared_data / "stac-schemas")
    found = item.properties["sarlra:statistics"]
    assert (found["max_score"], found["over_threshold_share"]) == (None, None)


def test_vv_alone(sink: FolderSink, shared_data: Path) -> None:
    recipe = Recipe(tile_px=256, polarisations=("VV",))
    item = world.result(recipe=recipe).publish(sink)
    validate_item(item, shared_data / "stac-schemas")
    assert item.properties["sar:polarizations"] == ["VV"]
    assert [b["name"] for b in item.assets["change"].extra_fields["bands"]] == ["diff_vv"]


@dataclass(frozen=True)
class FailingSink(FolderSink):
    """A folder whose k-th write does not come about."""

    writes: list[str]
    fails_at: int
    failure: Callable[[], BaseException]

    def put_bytes(self, rel: str, data: bytes) -> None:
        self._count(rel)
        FolderSink.put_bytes(self, rel, data)

    def put_file(self, local: Path, rel: str) -> None:
        self._count(rel)
        FolderSink.put_file(self, local, rel)

    def _count(self, rel: str) -> None:
        self.writes.append(rel)
        if len(self.writes) == self.fails_at:
            raise self.failure()


@pytest.mark.parametrize("failure", [lambda: StoreError("disk full"), KeyboardInterrupt])
def test_failure_at_any_write_leaves_nothing(
    sink: FolderSink, failure: Callable[[], BaseException]
) -> None:
    before = files_of(sink.folder)
    job = world.result()
    name = item_id(job.event, job.tile, job.track, "v1")
    failures = 0
    while True:
        failing = FailingSink(sink.folder, [], failures + 1, failure)
        try:
            job.publish(failing)
            break
        except (StoreError, KeyboardInterrupt):
            failures += 1
        assert files_of(sink.folder) == before
        assert not (sink.folder / "items").exists()
        assert sink.list_items() == ()
        assert find_done(sink, name, "job-1") is None
    assert failures == 9, "eight files and the item"
    assert failing.writes[-1] == item_path(name), "the item is written last"
    assert find_done(sink, name, "job-1", verify=True) is not None


@dataclass(frozen=True)
class LyingSink(FolderSink):
    """A folder that says it has written a file, and has one of the same size with another bit."""

    damages: str

    def put_file(self, local: Path, rel: str) -> None:
        FolderSink.put_file(self, local, rel)
        if rel.endswith(self.damages):
            path = self.folder / rel
            data = bytearray(path.read_bytes())
            data[len(data) // 2] ^= 1
            path.write_bytes(data)


@pytest.mark.parametrize("name", ["change.tif", "scores.tif", "detections.parquet"])
def test_no_item_stands_over_a_file_with_another_checksum(sink: FolderSink, name: str) -> None:
    before = files_of(sink.folder)
    with pytest.raises(StoreError, match=rf"{name} has another checksum"):
        world.result().publish(LyingSink(sink.folder, name))
    assert files_of(sink.folder) == before
    world.result().publish(LyingSink(sink.folder, "of no file"))
    assert len(sink.list_items()) == 1


def test_killed_between_assets_and_item(sink: FolderSink, tmp_path: Path) -> None:
    code = (
        "import os, catalog_world as w\n"
        "from pathlib import Path\n"
        "from sarlra.catalog.folder import FolderSink\n"
        "class Dying(FolderSink):\n"
        "    def put_bytes(self, rel, data):\n"
        "        os._exit(9) if rel.startswith('items/') else None\n"
        f"w.result().publish(Dying(Path({str(sink.folder)!r})))\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    assert subprocess.run([sys.executable, "-c", code], env=environment).returncode == 9
    job = world.result()
    name = item_id(job.event, job.tile, job.track, "v1")
    assert sink.exists(f"items/{name}/change.tif")
    assert sink.list_items() == ()
    assert find_done(sink, name, "job-1") is None
    job.publish(sink)
    clean = FolderSink(tmp_path / "clean")
    world.prepare(clean)
    job.publish(clean)
    assert files_of(sink.folder) == files_of(clean.folder)


def test_item_of_another_job_is_gone_before_its_files_are(sink: FolderSink) -> None:
    item = world.result().publish(sink)
    failing = FailingSink(sink.folder, [], 2, lambda: StoreError("disk full"))
    again = world.result(high=0.5, provenance=world.provenance(job_id="job-2"))
    with pytest.raises(StoreError):
        again.publish(failing)
    assert sink.list_items() == ()
    assert find_done(sink, item.id, "job-1") is None


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


@pytest.mark.parametrize(
    "name",
    ["change.tif", "scores.tif", "score-reasons.tif", "visibility.tif", "detections.parquet",
     "detections.geojson", "quicklook.png"],
)  # fmt: skip
@pytest.mark.parametrize("spoil", [_truncate, Path.unlink])
def test_not_done_where_a_file_is_damaged(
    sink: FolderSink, name: str, spoil: Callable[[Path], None]
) -> None:
    item = world.result().publish(sink)
    assert find_done(sink, item.id, "job-1") is not None
    spoil(sink.folder / "items" / item.id / name)
    assert find_done(sink, item.id, "job-1") is None


def test_not_done_where_bytes_changed_and_all_are_looked_at(sink: FolderSink) -> None:
    item = world.result().publish(sink)
    path = sink.folder / "items" / item.id / "change.tif"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    assert find_done(sink, item.id, "job-1") is not None
    assert find_done(sink, item.id, "job-1", verify=True) is None


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b'"x"', b'{"type": "Feature"}', b"\xff", b"[" * 100_000],
)
def test_not_done_where_the_item_is_no_item(sink: FolderSink, content: bytes) -> None:
    item = world.result().publish(sink)
    sink.put_bytes(item_path(item.id), content)
    assert find_done(sink, item.id, "job-1") is None


@pytest.mark.parametrize("href", ["a\\b.tif", "../../../../etc/passwd", "../..", "", "%2e%2e/x"])
def test_hrefs_that_lead_elsewhere_are_not_followed(sink: FolderSink, href: str) -> None:
    item = world.result().publish(sink)
    path = item_path(item.id)
    document = json.loads(sink.read_bytes(path))
    document["assets"]["extra"] = {"href": href, "file:size": 3}
    sink.put_bytes(path, json.dumps(document).encode())
    found = find_done(sink, item.id, "job-1", verify=True)
    assert (found is not None) is (href == "../../../../etc/passwd"), "what lies outside is left"


def test_not_done_for_another_job_or_without_composite_or_inputs(sink: FolderSink) -> None:
    item = world.result().publish(sink)
    assert find_done(sink, item.id, "job-2") is None
    assert find_done(sink, "absent", "job-1") is None
    sink.delete(f"{world.COMPOSITES}/zarr.json")
    assert find_done(sink, item.id, "job-1") is None
    world.prepare(sink)
    assert find_done(sink, item.id, "job-1") is not None
    sink.put_bytes(world.INPUTS, b"")
    assert find_done(sink, item.id, "job-1") is None


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"event": world.event(id="../../etc")}, EventError, "cannot be part of a file's name"),
        ({"event": world.event(id="")}, EventError, "cannot be part"),
        ({"event": world.event(id="a/b")}, EventError, "cannot be part"),
        ({"event": world.event(id="x" * 81)}, EventError, "cannot be part"),
        ({"event": world.event(id="..")}, EventError, "cannot be part"),
        ({"provenance": world.provenance(version="../v")}, CatalogError, "version"),
        ({"provenance": world.provenance(inputs_href="no.json")}, CatalogError, "no.json"),
        ({"provenance": world.provenance(composite_href="no")}, CatalogError, "Zarr group no"),
        ({"provenance": world.provenance(inputs_href="../x")}, StoreError, "no path within"),
        ({"provenance": world.provenance(threshold=1.5)}, CatalogError, "sarlra:threshold"),
        ({"track": world.track(post=())}, CatalogError, "no acquisitions"),
        ({"statistics": {}}, CatalogError, "sarlra:statistics"),
        ({"statistics": {"windows": 1, "scored": 1, "detections": 0, "x": object()}},
         CatalogError, "cannot be written as JSON"),
    ],
)  # fmt: skip
def test_bad_arguments_leave_nothing(
    sink: FolderSink, changes: dict[str, Any], error: type[SarlraError], message: str
) -> None:
    before = files_of(sink.folder)
    with pytest.raises(error, match=message):
        world.result(**changes).publish(sink)
    assert files_of(sink.folder) == before
