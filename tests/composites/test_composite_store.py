"""The store of composites: layout, concurrent writers, readers of other makes, object storage."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
import rioxarray  # noqa: F401
import xarray as xr
import zarr
from rasterio.errors import RasterioIOError

from sarlra.composites.layout import GroupLayout
from sarlra.composites.store import create_group, open_region, remove_group, write_region
from sarlra.errors import StoreError
from sarlra.grid import PixelBox, Tile
from sarlra.recipe import make_recipe
from tests.composites.composites_writer import RECIPE, SIZE, composite_of, tile_at
from tests.contents import files_of

GROUP = "1/32611/T137A"
TILES = [tile_at(c, r) for r in (700, 701) for c in (30, 31, 32)]
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def store(tmp_path: Path) -> str:
    path = str(tmp_path / "composites.zarr")
    create_group(path, GROUP, TILES, RECIPE, {"event": "us1000778i"})
    return path


def assert_holds(opened: xr.Dataset, tile: Tile, seed: int) -> None:
    expected = composite_of(tile, seed).isel(y=slice(0, SIZE), x=slice(0, SIZE))
    for name in expected.data_vars:
        assert opened[name].dtype == expected[name].dtype
        np.testing.assert_array_equal(opened[name].values, expected[name].values)
    np.testing.assert_array_equal(opened.x, expected.x)
    np.testing.assert_array_equal(opened.y, expected.y)


def test_what_is_written_is_read_back(store: str) -> None:
    tile = TILES[4]
    write_region(store, GROUP, tile, composite_of(tile, 1))
    opened = open_region(store, GROUP, tile)
    assert_holds(opened, tile, 1)
    assert opened.attrs["event"] == "us1000778i"
    assert opened.rio.crs.to_epsg() == 32611
    assert opened.rio.transform() == tile.transform
    empty = open_region(store, GROUP, TILES[0])
    assert np.isnan(empty["diff_vh"].values).all()
    assert (empty["n_post"].values == 0).all()
    assert (empty["visibility"].values == 255).all()


def test_xarray_and_rioxarray_place_it_without_help(store: str) -> None:
    tile = TILES[4]
    write_region(store, GROUP, tile, composite_of(tile, 1))
    left, top = TILES[3].bounds[0], TILES[3].bounds[3]
    for opened in (xr.open_zarr(f"{store}/{GROUP}"), xr.open_zarr(store, group=GROUP)):
        assert set(opened.data_vars) == {*RECIPE.bands, "n_pre", "n_post", "visibility"}
        assert opened["post_vv"].dims == ("y", "x")
        for thing in (opened, opened["diff_vh"]):
            assert thing.rio.crs.to_epsg() == 32611
            assert thing.rio.transform() == rasterio.Affine(10, 0, left, 0, -10, top)
            assert thing.rio.bounds() == (left, top - 2 * SIZE * 10, left + 3 * SIZE * 10, top)
        part = opened.rio.clip_box(*tile.bounds).isel(x=slice(0, SIZE), y=slice(0, SIZE))
        nearest = opened.sel(x=float(part.x[5]), y=float(part.y[7]))
        assert float(nearest["n_pre"]) == float(part["n_pre"][7, 5])
    spatial_ref = zarr.open_group(f"{store}/{GROUP}", mode="r")["spatial_ref"].attrs
    assert rasterio.crs.CRS.from_wkt(str(spatial_ref["crs_wkt"])).to_epsg() == 32611
    numbers = [float(v) for v in str(spatial_ref["GeoTransform"]).split()]
    assert numbers == [left, 10.0, 0.0, top, 0.0, -10.0]
    assert spatial_ref["grid_mapping_name"] == "transverse_mercator"


def test_layout_on_disk(store: str) -> None:
    for tile in TILES:
        write_region(store, GROUP, tile, composite_of(tile, 1))
    meta = json.loads((Path(store) / GROUP / "post_vv" / "zarr.json").read_text())
    assert meta["zarr_format"] == 3
    assert meta["shape"] == [2 * SIZE, 3 * SIZE]
    assert meta["chunk_grid"]["configuration"]["chunk_shape"] == [512, 512]
    (sharding,) = meta["codecs"]
    assert sharding["name"] == "sharding_indexed"
    assert sharding["configuration"]["chunk_shape"] == [256, 256]
    compressor = sharding["configuration"]["codecs"][-1]
    assert (compressor["name"], compressor["configuration"]["cname"]) == ("blosc", "zstd")
    assert meta["dimension_names"] == ["y", "x"]
    assert meta["fill_value"] == "NaN"
    group = json.loads((Path(store) / GROUP / "zarr.json").read_text())
    assert set(group["consolidated_metadata"]["metadata"]) == {
        *RECIPE.bands, "n_pre", "n_post", "visibility", "x", "y", "spatial_ref",
    }  # fmt: skip
    shards = [path for path in Path(store).rglob("c/*/*") if path.is_file()]
    assert len(shards) == 7 * len(TILES)
    zarr.open_group(store, mode="r")[GROUP]


@pytest.mark.parametrize(
    ("size", "shard"), [(4096, 2048), (2048, 2048), (256, 256), (2560, 1280), (2816, 256),
                        (6144, 2048), (512, 512), (5120, 1280)]
)  # fmt: skip
def test_shards_divide_the_tile(size: int, shard: int) -> None:
    layout = GroupLayout.around([tile_at(1, 1, size)])
    assert (layout.shard, layout.chunk) == (shard, 256)
    assert size % layout.shard == 0


def test_creating_twice_changes_nothing(store: str) -> None:
    write_region(store, GROUP, TILES[0], composite_of(TILES[0], 1))
    before = files_of(store)
    create_group(store, GROUP, TILES, RECIPE, {"event": "us1000778i"})
    create_group(store, GROUP, list(reversed(TILES)), RECIPE, {"event": "another"})
    assert files_of(store) == before


def test_a_creation_that_was_interrupted_is_finished(tmp_path: Path) -> None:
    whole, broken = str(tmp_path / "whole.zarr"), tmp_path / "broken.zarr"
    create_group(whole, GROUP, TILES, RECIPE, {})
    create_group(str(broken), GROUP, TILES, RECIPE, {})
    group = broken / GROUP
    for name in ("n_post", "y", "spatial_ref"):
        for path in sorted((group / name).rglob("*"), reverse=True):
            path.unlink() if path.is_file() else path.rmdir()
        (group / name).rmdir()
    meta = json.loads((group / "zarr.json").read_text())
    del meta["consolidated_metadata"]
    (group / "zarr.json").write_text(json.dumps(meta))
    create_group(str(broken), GROUP, TILES, RECIPE, {})
    assert xr.open_zarr(whole + "/" + GROUP).equals(xr.open_zarr(f"{broken}/{GROUP}"))
    assert set(files_of(whole)) == set(files_of(str(broken)))


def test_writing_twice_changes_nothing(store: str) -> None:
    tile = TILES[2]
    write_region(store, GROUP, tile, composite_of(tile, 1))
    before = files_of(store)
    write_region(store, GROUP, tile, composite_of(tile, 1))
    assert files_of(store) == before
    write_region(store, GROUP, tile, composite_of(tile, 2))
    assert_holds(open_region(store, GROUP, tile), tile, 2)


def test_what_a_composite_does_not_cover_has_no_data(store: str) -> None:
    tile = TILES[1]
    write_region(store, GROUP, tile, composite_of(tile, 1))
    part = composite_of(tile, 3, PixelBox(100, 540, 30, 200))
    write_region(store, GROUP, tile, part)
    opened = open_region(store, GROUP, tile)
    for name in part.data_vars:
        empty = 255 if name == "visibility" else 0 if name.startswith("n_") else np.nan
        expected = np.full((SIZE, SIZE), empty, part[name].dtype)
        expected[100:512, 30:200] = part[name].values[: 512 - 100]
        np.testing.assert_array_equal(opened[name].values, expected)


def test_neighbours_are_left_alone(store: str) -> None:
    for tile in TILES:
        write_region(store, GROUP, tile, composite_of(tile, 1))
    write_region(store, GROUP, TILES[4], composite_of(TILES[4], 2))
    for tile in TILES:
        assert_holds(open_region(store, GROUP, tile), tile, 2 if tile == TILES[4] else 1)


def start_writer(store: str, seed: int, tiles: list[Tile]) -> subprocess.Popen[bytes]:
    places = [str(v) for t in tiles for v in (t.column, t.row)]
    command = [sys.executable, "-m", "tests.composites.composites_writer"]
    return subprocess.Popen([*command, store, GROUP, str(seed), *places], cwd=ROOT)


def test_processes_write_neighbours_at_the_same_time(store: str) -> None:
    """Tiles in a chessboard: every tile's neighbours are the other process's."""
    for seed in (1, 2):
        halves = [[t for t in TILES if (t.column + t.row) % 2 == part] for part in (0, 1)]
        writers = [start_writer(store, seed, half) for half in halves]
        assert [w.wait(timeout=120) for w in writers] == [0, 0]
        for tile in TILES:
            assert_holds(open_region(store, GROUP, tile), tile, seed)


def test_processes_create_one_group_at_the_same_time(tmp_path: Path) -> None:
    store = str(tmp_path / "raced.zarr")
    code = (
        "from tests.composites.test_composite_store import *\n"
        f"create_group({store!r}, GROUP, TILES, RECIPE, {{}})\n"
        f"write_region({store!r}, GROUP, TILES[0], composite_of(TILES[0], 1))"
    )
    creators = [subprocess.Popen([sys.executable, "-c", code], cwd=ROOT) for _ in range(4)]
    assert [c.wait(timeout=120) for c in creators] == [0, 0, 0, 0]
    assert_holds(open_region(store, GROUP, TILES[0]), TILES[0], 1)


# What is refused -------------------------------------------------------------------------------


def test_tiles_that_do_not_fit(store: str) -> None:
    outside = tile_at(40, 700)
    for tile in (outside, replace(TILES[0], epsg=32711), tile_at(30, 700, 1024)):
        with pytest.raises(StoreError, match="not in the group"):
            write_region(store, GROUP, tile, composite_of(tile, 1))
        with pytest.raises(StoreError, match="not in the group"):
            open_region(store, GROUP, tile)
    with pytest.raises(StoreError, match="one CRS"):
        create_group(store, "2/x", [TILES[0], replace(TILES[0], epsg=32612)], RECIPE, {})
    with pytest.raises(StoreError, match="one CRS"):
        create_group(store, "2/x", [], RECIPE, {})


def test_a_region_that_is_no_whole_number_of_shards(store: str) -> None:
    """A store made by something else, with shards that two tiles would share."""
    group = zarr.open_group(store, path=GROUP, mode="r+", use_consolidated=False)
    old = group["diff_vv"]
    group.create_array(
        "diff_vv",
        shape=old.shape,
        dtype=old.dtype,
        chunks=(256, 256),
        shards=(768, 768),
        overwrite=True,
    )
    zarr.consolidate_metadata(store, path=GROUP)
    before = files_of(store)
    with pytest.raises(StoreError, match="no whole number of its shards of 768"):
        write_region(store, GROUP, TILES[4], composite_of(TILES[4], 1))
    assert files_of(store) == before


def test_composites_that_do_not_fit(store: str) -> None:
    tile = TILES[0]
    good = composite_of(tile, 1)
    before = files_of(store)
    bad = {
        "variables": (good.drop_vars("diff_vh"), "has \\["),
        "shifted": (good.assign_coords(x=good.x + 3), "not on the grid"),
        "other spacing": (good.isel(x=slice(None, None, 2)), "not on the grid"),
        "flipped": (good.isel(y=slice(None, None, -1)), "not on the grid"),
        "elsewhere": (composite_of(TILES[2], 1), "no pixel of tile"),
    }
    for composite, reason in bad.values():
        with pytest.raises(StoreError, match=reason):
            write_region(store, GROUP, tile, composite)
    assert files_of(store) == before


def test_groups_that_are_not_there(store: str, tmp_path: Path) -> None:
    for path, group in ((store, "1/32611/T001D"), (str(tmp_path / "none.zarr"), GROUP)):
        with pytest.raises(StoreError, match="has no group"):
            write_region(path, group, TILES[0], composite_of(TILES[0], 1))
        with pytest.raises(StoreError, match="has no group"):
            open_region(path, group, TILES[0])
    assert not (tmp_path / "none.zarr").exists()


def test_groups_that_are_something_else(store: str) -> None:
    with pytest.raises(StoreError, match="other tiles or another recipe"):
        create_group(store, GROUP, TILES[:2], RECIPE, {})
    with pytest.raises(StoreError, match="other tiles or another recipe"):
        create_group(store, GROUP, TILES, make_recipe(tile_px=SIZE, pre_days=12), {})
    with pytest.raises(StoreError, match="JSON"):
        create_group(store, "2/32611/T137A", TILES, RECIPE, {"when": object()})


@pytest.mark.parametrize("group", ["", "/", "a//b", "../outside", "a/../../b", "a/./b", "__x"])
def test_names_that_are_no_group(store: str, group: str) -> None:
    with pytest.raises(StoreError, match="no name of a group"):
        create_group(store, group, TILES, RECIPE, {})


def test_a_store_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(StoreError, match=r"cannot create group .* of store .*file"):
        create_group(str(tmp_path / "file" / "x.zarr"), GROUP, TILES, RECIPE, {})


def test_removing_takes_what_is_empty_above(tmp_path: Path) -> None:
    store = tmp_path / "composites.zarr"
    other = "1/32611/T037D"
    for group in (GROUP, other):
        create_group(str(store), group, TILES, RECIPE, {})
    write_region(str(store), other, TILES[0], composite_of(TILES[0], 1))
    remove_group(str(store), GROUP)
    remove_group(str(store), GROUP)
    assert not (store / GROUP).exists()
    assert_holds(open_region(str(store), other, TILES[0]), TILES[0], 1)
    remove_group(str(store), other)
    assert not store.exists()
    assert tmp_path.exists()


# GDAL ------------------------------------------------------------------------------------------


def gdal_version() -> tuple[int, ...]:
    return tuple(int(part) for part in rasterio.__gdal_version__.split(".")[:2])


def test_gdal_opens_it_from_3_13_on(store: str) -> None:
    """GDAL reads sharded arrays from 3.13 on; before, it must say so rather than misread."""
    tile = TILES[4]
    write_region(store, GROUP, tile, composite_of(tile, 1))
    name = f'ZARR:"{store}":/{GROUP}/post_vv'
    if gdal_version() < (3, 13):
        with pytest.raises(RasterioIOError, match="Unsupported codec"):
            rasterio.open(name)
        return
    with rasterio.open(name) as file:
        assert file.crs.to_epsg() == 32611
        assert file.transform == rasterio.Affine(
            10, 0, TILES[3].bounds[0], 0, -10, TILES[3].bounds[3]
        )
        expected = composite_of(tile, 1)["post_vv"].values[:SIZE, :SIZE]
        np.testing.assert_array_equal(file.read(1)[:SIZE, SIZE : 2 * SIZE], expected)


# Object storage --------------------------------------------------------------------------------


@pytest.mark.services
def test_a_bucket_is_a_store_too(bucket: str) -> None:
    bucket += "/event/composites.zarr"
    create_group(bucket, GROUP, TILES, RECIPE, {"event": "us1000778i"})
    create_group(bucket, GROUP, TILES, RECIPE, {"event": "us1000778i"})
    halves = [[t for t in TILES if (t.column + t.row) % 2 == part] for part in (0, 1)]
    writers = [start_writer(bucket, 1, half) for half in halves]
    assert [w.wait(timeout=120) for w in writers] == [0, 0]
    for tile in TILES:
        assert_holds(open_region(bucket, GROUP, tile), tile, 1)
    with pytest.raises(StoreError, match="has no group"):
        open_region(bucket, "1/32611/T001D", TILES[0])
    options = {"endpoint_url": os.environ["AWS_ENDPOINT_URL"]}
    opened = xr.open_zarr(f"{bucket}/{GROUP}", storage_options=options)
    assert opened.rio.crs.to_epsg() == 32611
    remove_group(bucket, GROUP)
    with pytest.raises(StoreError, match="has no group"):
        open_region(bucket, GROUP, TILES[0])
