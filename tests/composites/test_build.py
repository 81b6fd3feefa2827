"""Whole composites: on real data and on made tracks, by both loaders."""

from __future__ import annotations

import pickle
import warnings
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import cloudpickle
import dask
import numpy as np
import pytest
import rasterio
import xarray as xr
from affine import Affine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyproj import Transformer

from sarlra.composites import blocks
from sarlra.composites.build import build_composite
from sarlra.composites.loader import get_loader
from sarlra.composites.pixels import PixelGrid
from sarlra.composites.reader import read_asset
from sarlra.errors import AssetError, NoAcquisitionsError, RecipeError
from sarlra.grid import PixelBox, Tile
from sarlra.recipe import Recipe, make_recipe
from sarlra.scenes.model import Track
from sarlra.scenes.signing import SigningPolicy
from tests.composites.composites_world import (
    acquisition,
    by_gdal,
    day,
    opera_track,
    track,
    write_slice,
)
from tests.servers.blobs import BlobServer

LOADERS = ("stackstac", "odc")
ORIGIN = datetime(2023, 12, 10, tzinfo=UTC)
#: A crop in mountains: its upper left corner in EPSG:32611.
CROP = (233_640, 3_890_550)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    dask.config.set(scheduler="threads", num_workers=2)


def same(left: xr.Dataset, right: xr.Dataset) -> None:
    assert list(left.data_vars) == list(right.data_vars)
    for name in left.data_vars:
        np.testing.assert_array_equal(left[name].values, right[name].values, err_msg=name)


# The real data ---------------------------------------------------------------------------------


def tile_of(x: float, y: float, resolution: float, size_px: int = 4096) -> Tile:
    size = resolution * size_px
    return Tile(32611, int(x // size), int(y // size), size_px, resolution)


def box_around(tile: Tile, x: float, y: float, metres: float, rim: int) -> PixelBox:
    left, _, _, top = tile.bounds
    row, col = round((top - y) / tile.resolution), round((x - left) / tile.resolution)
    edge = round(metres / tile.resolution)
    return PixelBox(row - rim, row + edge + rim, col - rim, col + edge + rim)


def plain_composite(found: Track, grid: PixelGrid) -> dict[str, np.ndarray]:
    """The composite by rasterio and NumPy in double precision, with GDAL's warp."""
    db: dict[tuple[str, str], list[np.ndarray]] = {}
    for window, acquisitions in (("pre", found.pre), ("post", found.post)):
        for taken in acquisitions:
            for polarisation in ("VV", "VH"):
                mosaic = np.full(grid.shape, np.nan, np.float32)
                for scene in sorted(taken.slices, key=lambda s: s.datetime):
                    with rasterio.open(scene.asset(polarisation)) as file:
                        values = file.read(1)
                        values[~(values > 0)] = np.nan
                        if file.transform.a == grid.resolution:
                            layer = pasted(values, file.transform, grid)
                        else:
                            layer = by_gdal(values, file.transform, file.crs, grid)
                    mosaic = np.where(np.isnan(mosaic), layer, mosaic)
                with np.errstate(invalid="ignore"):
                    db.setdefault((window, polarisation), []).append(
                        10 * np.log10(mosaic.astype(np.float64))
                    )
    result = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        median = {key: np.nanmedian(stack, axis=0) for key, stack in db.items()}
    for polarisation in ("VV", "VH"):
        after, before = median["post", polarisation], median["pre", polarisation]
        result[f"post_{polarisation.lower()}"] = after
        result[f"diff_{polarisation.lower()}"] = after - before
    for window in ("pre", "post"):
        both = np.isfinite(db[window, "VV"]) & np.isfinite(db[window, "VH"])
        result[f"n_{window}"] = both.sum(axis=0)
    return result


def pasted(values: np.ndarray, transform: Affine, grid: PixelGrid) -> np.ndarray:
    layer = np.full(grid.shape, np.nan, np.float32)
    rows = np.round((transform.f - grid.y) / grid.resolution - 0.5).astype(int)
    cols = np.round((grid.x - transform.c) / grid.resolution - 0.5).astype(int)
    inside_rows = (rows >= 0) & (rows < values.shape[0])
    inside_cols = (cols >= 0) & (cols < values.shape[1])
    layer[np.ix_(inside_rows, inside_cols)] = values[np.ix_(rows[inside_rows], cols[inside_cols])]
    return layer


@pytest.mark.parametrize("loader", LOADERS)
@pytest.mark.parametrize(
    ("resolution", "size_px", "tolerance"), [(30.0, 256, 1e-5), (10.0, 4096, 1e-5)]
)
def test_real_medians_are_those_of_a_plain_reading(
    shared_data: Path, loader: str, resolution: float, size_px: int, tolerance: float
) -> None:
    """At 30 m the OPERA grid is that of the tiles (no warp), at 10 m it is warped."""
    found = opera_track(shared_data, ORIGIN, 60, 12)
    assert (len(found.pre), len(found.post)) == (5, 1)
    tile = tile_of(*CROP, resolution, size_px)
    box = box_around(tile, *CROP, 3000, rim=9)
    recipe = make_recipe(loader=loader, resolution=resolution, tile_px=size_px)
    result = build_composite(found, tile, box, recipe, None).compute()
    expected = plain_composite(found, PixelGrid.of(tile, box))
    assert (result["n_pre"].values == 5).sum() > 0.5 * result["n_pre"].size
    for name, values in expected.items():
        assert np.isfinite(values).any()
        if name.startswith("n_"):
            np.testing.assert_array_equal(result[name].values, values)
            assert result[name].dtype == np.uint16
        else:
            assert result[name].dtype == np.float32
            np.testing.assert_allclose(result[name].values, values, rtol=0, atol=tolerance)


def test_an_even_count_of_real_acquisitions(shared_data: Path) -> None:
    found = opera_track(shared_data, datetime(2021, 12, 4, tzinfo=UTC), 12, 12)
    assert {a.platform for a in (*found.pre, *found.post)} == {"sentinel-1a"}
    assert {s.platform for a in found.pre for s in a.slices} == {"sentinel-1a", "sentinel-1b"}
    assert (len(found.pre), len(found.post)) == (2, 2)
    tile = tile_of(*CROP, 30.0, 256)
    box = box_around(tile, *CROP, 3000, rim=2)
    recipe = make_recipe(resolution=30.0, tile_px=256)
    result = build_composite(found, tile, box, recipe, None).compute()
    expected = plain_composite(found, PixelGrid.of(tile, box))
    for name, values in expected.items():
        np.testing.assert_allclose(result[name].values, values, rtol=0, atol=1e-5)


def test_the_dataset_is_lazy_and_georeferenced(shared_data: Path) -> None:
    found = opera_track(shared_data, ORIGIN, 60, 12)
    tile = tile_of(*CROP, 10.0)
    result = build_composite(found, tile, PixelBox(0, 4128, 0, 4128), make_recipe(), None)
    assert list(result.data_vars) == [
        *("post_vv", "post_vh", "diff_vv", "diff_vh", "n_pre", "n_post", "visibility")
    ]
    assert all(dask.is_dask_collection(v.data) for v in result.data_vars.values())
    rows, cols = result["post_vv"].data.chunks
    assert rows == (512,) * 7 + (544,)
    assert sum(cols) == 4128
    assert len(result.__dask_graph__()) < 2000
    assert result.rio.crs.to_epsg() == 32611
    assert result.rio.transform() == tile.transform
    assert float(result.x[0]) == tile.bounds[0] + 5
    assert float(result.y[0]) == tile.bounds[3] - 5
    vv_only = build_composite(
        found, tile, PixelBox(0, 256, 0, 256), make_recipe(polarisations=("VV",)), None
    )
    assert list(vv_only.data_vars) == ["post_vv", "diff_vv", "n_pre", "n_post", "visibility"]
    assert vv_only["visibility"].dtype == np.uint8
    assert (vv_only["visibility"].values == 255).all()  # not known until terrain is entered


@pytest.mark.parametrize("loader", LOADERS)
def test_equal_input_makes_equal_graphs(shared_data: Path, loader: str) -> None:
    found = opera_track(shared_data, ORIGIN, 60, 12)
    tile, box = tile_of(*CROP, 10.0), PixelBox(0, 300, 2800, 3100)
    recipe = make_recipe(loader=loader)
    keys = [
        sorted(map(str, build_composite(found, tile, box, recipe, None).__dask_graph__()))
        for _ in range(2)
    ]
    assert keys[0] == keys[1]


# Made tracks -----------------------------------------------------------------------------------

TILE = Tile(32611, 195, 1562, 256, 10.0)
LEFT, BOTTOM, RIGHT, TOP = TILE.bounds
WHOLE = PixelBox(0, TILE.size_px + 32, 0, TILE.size_px + 32)


def field(rows: int, cols: int, seed: int, empty: float = 0.05) -> np.ndarray:
    rng = np.random.default_rng(seed)
    values = rng.gamma(4.4, 0.02, (rows, cols)).astype(np.float32)
    values[rng.random(values.shape) < empty] = np.nan
    return values


def made_track(
    folder: Path,
    *,
    shift: float = 0.0,
    resolution: float = 10.0,
    year: int = 2023,
    stated: bool = True,
) -> Track:
    """Three pre and two post acquisitions of two overlapping slices each."""
    taken = []
    for number in range(5):
        slices = []
        for part, top in ((0, TOP + 300), (1, TOP - 1400)):
            transform = Affine(resolution, 0, LEFT + 300 + shift, 0, -resolution, top + shift)
            rows, cols = int(1800 / resolution), int(3500 / resolution)
            bands = {
                name: field(rows, cols, 100 * number + 10 * part + index)
                for index, name in enumerate(("VV", "VH"))
            }
            when = day(6 * number, 25 * part).replace(year=year)
            name = f"pass{number}-{part}"
            slices.append(write_slice(folder, name, when, bands, transform, stated=stated))
        taken.append(acquisition(*slices))
    return track(taken[:3], taken[3:])


KINDS = {
    "aligned": {},
    "shifted": {"shift": 3.3},
    "coarser": {"resolution": 20.0, "shift": 7.0},
    "fringed": {"year": 2017},
    "fringed and shifted": {"year": 2017, "shift": 3.3},
}


@pytest.fixture(scope="module")
def tracks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Track]:
    folder = tmp_path_factory.mktemp("tracks")
    return {
        name: made_track(folder / name, **choices)  # type: ignore[arg-type]
        for name, choices in KINDS.items()
    }


@pytest.fixture(scope="module")
def wholes(tracks: dict[str, Track]) -> dict[str, xr.Dataset]:
    dask.config.set(scheduler="threads", num_workers=2)
    return {
        name: build_composite(found, TILE, WHOLE, make_recipe(tile_px=256), None).compute()
        for name, found in tracks.items()
    }


@pytest.mark.parametrize("kind", KINDS)
def test_loaders_agree(tracks: dict[str, Track], wholes: dict[str, xr.Dataset], kind: str) -> None:
    """Both read through one core: they agree to the last bit, with and without a warp."""
    recipe = make_recipe(tile_px=256, loader="odc")
    result = build_composite(tracks[kind], TILE, WHOLE, recipe, None).compute()
    assert np.isfinite(result["diff_vh"].values).mean() > 0.5
    same(result, wholes[kind])


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_part_of_a_box_has_the_same_pixels(
    tracks: dict[str, Track], wholes: dict[str, xr.Dataset], kind: str, data: st.DataObject
) -> None:
    row0 = data.draw(st.integers(0, WHOLE.row1 - 1))
    col0 = data.draw(st.integers(0, WHOLE.col1 - 1))
    row1 = data.draw(st.integers(row0 + 1, WHOLE.row1))
    col1 = data.draw(st.integers(col0 + 1, WHOLE.col1))
    recipe = make_recipe(tile_px=256, loader=data.draw(st.sampled_from(LOADERS)))
    box = PixelBox(row0, row1, col0, col1)
    part = build_composite(tracks[kind], TILE, box, recipe, None).compute()
    same(part, wholes[kind].isel(y=slice(row0, row1), x=slice(col0, col1)))


@pytest.mark.parametrize("kind", KINDS)
def test_blocks_do_not_matter(
    tracks: dict[str, Track],
    wholes: dict[str, xr.Dataset],
    kind: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(blocks, "BLOCK_SHAPES", ((64, 64),))
    recipe = make_recipe(tile_px=256)
    result = build_composite(tracks[kind], TILE, WHOLE, recipe, None)
    assert len(result["post_vv"].data.chunks[0]) == 5
    same(result.compute(), wholes[kind])


@pytest.mark.parametrize("kind", KINDS)
def test_tiles_do_not_matter(
    tracks: dict[str, Track], wholes: dict[str, xr.Dataset], kind: str
) -> None:
    """The halo of a tile is the first pixels of the tiles to its right and below."""
    recipe = make_recipe(tile_px=256)
    right = replace(TILE, column=TILE.column + 1)
    below = replace(TILE, row=TILE.row - 1)
    for tile, box, part in (
        (right, PixelBox(0, 256, 0, 32), {"y": slice(0, 256), "x": slice(256, 288)}),
        (below, PixelBox(0, 32, 0, 256), {"y": slice(256, 288), "x": slice(0, 256)}),
    ):
        result = build_composite(tracks[kind], tile, box, recipe, None).compute()
        same(result, wholes[kind].isel(part))
        np.testing.assert_array_equal(result.x, wholes[kind].isel(part).x)
        np.testing.assert_array_equal(result.y, wholes[kind].isel(part).y)


@pytest.mark.parametrize("kind", ["aligned", "fringed"])
def test_order_of_slices_and_acquisitions_does_not_matter(
    tracks: dict[str, Track], wholes: dict[str, xr.Dataset], kind: str
) -> None:
    found = tracks[kind]
    turned = track(
        [replace(a, slices=a.slices[::-1]) for a in reversed(found.pre)],
        [replace(a, slices=a.slices[::-1]) for a in reversed(found.post)],
    )
    result = build_composite(turned, TILE, WHOLE, make_recipe(tile_px=256), None).compute()
    same(result, wholes[kind])


def test_fringes_are_eroded_before_the_day_of_the_recipe(
    tracks: dict[str, Track], wholes: dict[str, xr.Dataset]
) -> None:
    plain, eroded = wholes["aligned"], wholes["fringed"]
    assert eroded["n_pre"].values.sum() < plain["n_pre"].values.sum()
    for recipe in (
        make_recipe(tile_px=256, erode_px=0),
        make_recipe(tile_px=256, erode_before="2016-01-01"),
    ):
        same(build_composite(tracks["fringed"], TILE, WHOLE, recipe, None).compute(), plain)


def test_items_that_state_no_grid_are_found_by_their_footprint(
    tmp_path: Path, wholes: dict[str, xr.Dataset]
) -> None:
    found = made_track(tmp_path, stated=False)
    assert found.pre[0].slices[0].transform is None
    for loader in LOADERS:
        recipe = make_recipe(tile_px=256, loader=loader)
        same(build_composite(found, TILE, WHOLE, recipe, None).compute(), wholes["aligned"])


def test_the_files_own_grid_counts(tmp_path: Path, wholes: dict[str, xr.Dataset]) -> None:
    """The items are off by 1.3 km in x and y: the result is that of the files."""
    found = made_track(tmp_path)

    def moved(acquisitions: tuple) -> list:
        return [
            replace(
                a,
                slices=tuple(
                    replace(
                        s,
                        transform=(*s.transform[:2], s.transform[2] + 1300, 0.0,
                                   s.transform[4], s.transform[5] - 1300),
                    )
                    for s in a.slices
                ),
            )
            for a in acquisitions
        ]  # fmt: skip

    wrong = track(moved(found.pre), moved(found.post))
    recipe = make_recipe(tile_px=256)
    same(build_composite(wrong, TILE, WHOLE, recipe, None).compute(), wholes["aligned"])


def test_where_no_slice_comes_near_nothing_is_read(tracks: dict[str, Track]) -> None:
    far = Tile(32611, 100, 1562, 256, 10.0)
    result = build_composite(
        tracks["aligned"], far, WHOLE, make_recipe(tile_px=256), None
    ).compute()
    assert np.isnan(result["post_vv"].values).all()
    assert result["n_pre"].dtype == np.uint16
    assert (result["n_pre"].values == 0).all()
    assert (result["n_post"].values == 0).all()


@pytest.mark.parametrize(("own", "other"), [(32611, 32610), (32601, 32660)])
def test_files_of_the_next_zone(tmp_path: Path, own: int, other: int) -> None:
    """Smooth fields of one formula, in files of two zones, make one composite.

    Zones 60 and 1 meet at the antimeridian.
    """
    to_degrees = Transformer.from_crs(own, 4326, always_xy=True)
    border = -120.0 if own == 32611 else 180.0
    x, y = Transformer.from_crs(4326, own, always_xy=True).transform(border, 36.0)
    tile = Tile(own, int(x // 2560), int(y // 2560), 256, 10.0)
    left, bottom, right, top = tile.bounds

    def formula(lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
        east = np.mod(lon - border + 180, 360) - 180
        return 0.1 * (1 + 0.5 * np.sin(400 * east) * np.cos(500 * (lat - 36.0)))

    def scene(name: str, number: int, epsg: int):  # type: ignore[no-untyped-def]
        there = Transformer.from_crs(own, epsg, always_xy=True)
        cx, cy = there.transform((left + right) / 2, (bottom + top) / 2)
        transform = Affine(10, 0, round(cx, -1) - 2500, 0, -10, round(cy, -1) + 2500)
        cols, rows = np.meshgrid(np.arange(500) + 0.5, np.arange(500) + 0.5)
        lon, lat = Transformer.from_crs(epsg, 4326, always_xy=True).transform(
            transform.c + 10 * cols, transform.f - 10 * rows
        )
        values = formula(lon, lat).astype(np.float32)
        bands = {"VV": values, "VH": values}
        return write_slice(tmp_path, name, day(number), bands, transform, epsg=epsg)

    found = track([acquisition(scene("a", 0, own))], [acquisition(scene("b", 6, other))])
    for loader in LOADERS:
        recipe = make_recipe(tile_px=256, loader=loader)
        result = build_composite(found, tile, PixelBox(0, 288, 0, 288), recipe, None).compute()
        grid = PixelGrid.of(tile, PixelBox(0, 288, 0, 288))
        expected = 10 * np.log10(formula(*to_degrees.transform(*np.meshgrid(grid.x, grid.y))))
        assert (result["n_pre"].values == 1).all()
        assert (result["n_post"].values == 1).all()
        np.testing.assert_allclose(result["post_vv"].values, expected, atol=0.02)
        assert np.abs(result["diff_vv"].values).max() < 0.02
        assert (grid.x < x).any() or own == 32601


@pytest.mark.parametrize("loader", LOADERS)
def test_tokens_are_in_no_graph_and_assets_are_signed_late(
    tmp_path: Path, loader: str, wholes: dict[str, xr.Dataset]
) -> None:
    local = made_track(tmp_path)
    with BlobServer(tmp_path, lifetime_s=1.5) as server:
        policy = server.policy

        def remote(acquisitions: tuple) -> list:
            return [
                replace(
                    a,
                    slices=tuple(
                        replace(
                            s,
                            assets=tuple(
                                (p, server.href(str(Path(h).relative_to(tmp_path))))
                                for p, h in s.assets
                            ),
                        )
                        for s in a.slices
                    ),
                )
                for a in acquisitions
            ]

        found = track(remote(local.pre), remote(local.post))
        recipe = make_recipe(tile_px=256, loader=loader)
        lazy = build_composite(found, TILE, WHOLE, recipe, policy)
        assert server.requests == []
        graph = cloudpickle.dumps(lazy)
        assert b"sig=" not in graph
        same(pickle.loads(graph).compute(), wholes["aligned"])
        assert server.token_requests() >= 1
        for path in tmp_path.rglob("pass4-1/VH.tif"):
            path.unlink()
        with pytest.raises(AssetError, match=r"pass4-1/VH\.tif") as caught:
            build_composite(
                found, TILE, PixelBox(40, 250, 40, 250), recipe, SigningPolicy(
                    server.token_url + "/", (server.host,)
                )
            ).compute()  # fmt: skip
        assert "sig=" not in str(caught.value)


@pytest.mark.parametrize("loader", LOADERS)
def test_a_broken_asset_fails_the_composite(tmp_path: Path, loader: str) -> None:
    found = made_track(tmp_path)
    broken = Path(found.post[1].slices[0].asset("VV"))
    broken.write_bytes(broken.read_bytes()[:2000])
    recipe = make_recipe(tile_px=256, loader=loader)
    lazy = build_composite(found, TILE, WHOLE, recipe, None)
    with pytest.raises(AssetError, match="pass4-0/VV"):
        lazy.compute()


def test_bad_tracks(tracks: dict[str, Track]) -> None:
    found = tracks["aligned"]
    recipe = make_recipe(tile_px=256)
    for part in (replace(found, pre=()), replace(found, post=())):
        with pytest.raises(NoAcquisitionsError, match="T137A"):
            build_composite(part, TILE, WHOLE, recipe, None)
    single = found.post[0].slices[0]
    poor = replace(single, assets=(single.assets[1],))
    without = replace(found, post=(replace(found.post[0], slices=(poor,)),))
    with pytest.raises(RecipeError, match=rf"{single.item_id} has no VH"):
        build_composite(without, TILE, WHOLE, recipe, None)
    with pytest.raises(RecipeError, match="unknown loader"):
        get_loader(Recipe.model_construct(loader="rasterio"))


def test_stacks_are_the_slices_on_the_grid(tracks: dict[str, Track]) -> None:
    slices = [s for a in tracks["shifted"].pre for s in a.slices]
    grid = PixelGrid.of(TILE, PixelBox(10, 90, 20, 120))
    for loader in LOADERS:
        stacks = get_loader(make_recipe(loader=loader))(slices, ("VH", "VV"), grid, None)
        assert stacks.chunks == ((2,), (6,), (80,), (100,))
        assert stacks.dtype == np.float32
        for polarisation, stack in zip(("VH", "VV"), stacks.compute(), strict=True):
            for layer, scene in zip(stack, slices, strict=True):
                expected = read_asset(scene.asset(polarisation), grid, None)
                np.testing.assert_array_equal(layer, expected)
