"""COGs, tables, footprints and pictures, each against another reader or computation."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import catalog_world as world
import geopandas as gpd
import numpy as np
import pyarrow.parquet as pq
import pytest
import rasterio
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pyproj import Transformer
from rio_cogeo.cogeo import cog_validate

from sarlra.catalog import footprint, vector
from sarlra.catalog.band_statistics import statistics
from sarlra.catalog.coarse import Mosaic, reduce
from sarlra.catalog.cog import Band, write_cog
from sarlra.catalog.quicklook import Caption, caption_of, draw_quicklook, image_of
from sarlra.catalog.rasters import Raster, change_raster, score_rasters
from sarlra.errors import CatalogError
from sarlra.grid import Tile

SQUARE = Affine(10, 0, 563200, 0, -10, 4728320)


def _values(rows: int, columns: int, bands: int = 2) -> np.ndarray:
    values = np.random.default_rng(0).normal(-1, 3, (bands, rows, columns)).astype(np.float32)
    values[:, : rows // 3, : columns // 4] = np.nan
    return values


def test_cog_is_valid_and_holds_what_was_given(tmp_path: Path) -> None:
    values, path = _values(1100, 700), tmp_path / "a.tif"
    write_cog(path, values, SQUARE, 32654, [Band("diff_vv", "Change", "dB"), Band("diff_vh", "x")])
    valid, errors, warnings = cog_validate(path)
    assert (valid, errors, warnings) == (True, [], [])
    with rasterio.open(path) as raster:
        np.testing.assert_array_equal(raster.read(), values)
        assert raster.descriptions == ("diff_vv", "diff_vh")
        assert raster.units[0] == "dB"
        assert raster.crs.to_epsg() == 32654
        assert raster.transform == SQUARE
        assert np.isnan(raster.nodata)
        assert raster.profile["compress"] == "deflate"
        assert raster.overviews(1) == [2, 4]
        assert float(raster.tags(1)["STATISTICS_MEAN"]) == pytest.approx(
            np.nanmean(values[0].astype(float)), abs=1e-6
        )
        with rasterio.open(path, overview_level=0) as half:
            blocks = values[0, :1100, :700].reshape(550, 2, 350, 2)
            np.testing.assert_allclose(
                half.read(1)[200:], blocks.mean(axis=(1, 3))[200:], rtol=0, atol=1e-5
            )
    assert list(tmp_path.iterdir()) == [path], "nothing beside the file"


@pytest.mark.parametrize("shape", [(1, 1), (1, 600), (8, 8), (513, 2)])
def test_odd_shapes_make_valid_cogs(tmp_path: Path, shape: tuple[int, int]) -> None:
    for values in (_values(*shape, 1), np.full((1, *shape), np.nan, np.float32),
                   np.ones((1, *shape), np.uint16)):  # fmt: skip
        write_cog(tmp_path / "a.tif", values, SQUARE, 32654, [Band("b", "")])
        assert cog_validate(tmp_path / "a.tif")[0]
        with rasterio.open(tmp_path / "a.tif") as raster:
            np.testing.assert_array_equal(raster.read(), values)


def test_statistics_of_nothing_are_none() -> None:
    assert statistics(np.full((3, 3), np.nan, np.float32)) is None
    found = statistics(np.array([[1, np.nan], [3, np.inf]], np.float32))
    assert found is not None
    assert (found["mean"], found["valid_percent"]) == (2.0, 50.0)


@pytest.mark.parametrize("kind", ["float32", "uint8", "uint16"])
def test_statistics_are_those_of_numpy(kind: str) -> None:
    values = np.random.default_rng(4).normal(120, 40, (700, 531)).clip(0, 255).astype(kind)
    if kind == "float32":
        values[:90, 40:] = np.nan
    known = values[np.isfinite(values) & (values != 255 if kind == "uint8" else True)]
    found = statistics(values)
    assert found is not None
    assert (found["minimum"], found["maximum"]) == (known.min(), known.max())
    assert found["mean"] == pytest.approx(known.mean(dtype=np.float64), abs=1e-6)
    assert found["stddev"] == pytest.approx(known.std(dtype=np.float64), abs=1e-6)
    assert found["valid_percent"] == pytest.approx(100 * known.size / values.size, abs=1e-4)


@pytest.mark.parametrize("kind", ["float32", "uint8"])
def test_threads_change_no_byte_of_a_cog(tmp_path: Path, kind: str) -> None:
    values = (_values(2100, 1300) * 20 + 100).clip(0, 255)
    values = np.nan_to_num(values).astype(kind) if kind == "uint8" else values.astype(kind)
    bands = [Band("a", "x"), Band("b", "y")]
    for threads in (1, 2, 3):
        write_cog(tmp_path / f"{threads}.tif", values, SQUARE, 32654, bands, threads=threads)
    first, second, third = (path.read_bytes() for path in sorted(tmp_path.iterdir()))
    assert first == second == third


def test_change_is_cropped_to_the_box_with_data() -> None:
    image = world.composite()
    for name in ("diff_vv", "diff_vh"):
        image[name].values[:] = np.nan
    image["diff_vv"].values[40:50, 100] = 1.5
    image["diff_vh"].values[45, 90:120] = -2
    raster = change_raster(image, world.TILE, world.RECIPE)
    assert raster.values.shape == (2, 10, 30)
    left, _, _, top = world.TILE.bounds
    assert raster.bounds == (left + 900, top - 500, left + 1200, top - 400)
    np.testing.assert_array_equal(raster.values[0], image["diff_vv"].values[40:50, 90:120])


def test_halo_is_left_out_and_a_part_of_a_tile_keeps_its_place() -> None:
    wide = world.composite(halo=32)
    wide["diff_vv"].values[:] = 1
    assert change_raster(wide, world.TILE, world.RECIPE).bounds == world.TILE.bounds
    part = wide.isel(y=slice(100, 288), x=slice(60, 70))
    left, bottom, _, top = world.TILE.bounds
    assert change_raster(part, world.TILE, world.RECIPE).bounds == (
        left + 600, bottom, left + 700, top - 1000
    )  # fmt: skip


def test_no_data_at_all_keeps_the_box() -> None:
    image = world.composite()
    for name in ("diff_vv", "diff_vh"):
        image[name].values[:] = np.nan
    raster = change_raster(image, world.TILE, world.RECIPE)
    assert raster.bounds == world.TILE.bounds
    assert np.isnan(raster.values).all()


def test_score_cells_are_centred_on_their_windows() -> None:
    scored = world.lattice()
    scores, reasons = score_rasters(scored, world.TILE, world.RECIPE)
    x, y = scores.transform * (0.5, 0.5)
    left, _, _, top = world.TILE.bounds
    assert (x, y) == (left + 320, top - 320)
    assert scores.transform.a == 320
    np.testing.assert_array_equal(scores.values[0], scored["score"].values)
    np.testing.assert_array_equal(reasons.values[0], scored["reason"].values)
    assert [band.name for band in reasons.bands] == ["reason", "n_pre", "n_post"]


def test_results_of_another_grid_are_refused() -> None:
    image, scored = world.composite(), world.lattice()
    with pytest.raises(CatalogError, match="does not lie on the tile's grid"):
        change_raster(image.assign_coords(x=image.x + 3), world.TILE, world.RECIPE)
    with pytest.raises(CatalogError, match="does not lie on the tile's grid"):
        change_raster(image.isel(y=slice(None, None, -1)), world.TILE, world.RECIPE)
    with pytest.raises(CatalogError, match="has no 'diff_vh'"):
        change_raster(image.drop_vars("diff_vh"), world.TILE, world.RECIPE)
    with pytest.raises(CatalogError, match="does not start"):
        score_rasters(scored.assign_coords(x=scored.x + 320), world.TILE, world.RECIPE)
    with pytest.raises(CatalogError, match="not 8 x 8 windows"):
        score_rasters(scored.isel(x=slice(0, 7)), world.TILE, world.RECIPE)


def test_parquet_and_geojson_have_the_same_rows(tmp_path: Path) -> None:
    table = world.result(high=0.4).detections
    assert len(table) > 3
    table.loc[1, "diff_vh_mean"] = np.nan
    vector.write_parquet(tmp_path / "d.parquet", table)
    vector.write_geojson(tmp_path / "d.geojson", table)
    read = gpd.read_parquet(tmp_path / "d.parquet")
    document = json.loads((tmp_path / "d.geojson").read_text(), parse_constant=pytest.fail)
    assert "crs" not in document
    other = gpd.GeoDataFrame.from_features(document, crs=4326)
    assert len(read) == len(other) == len(table)
    for name in table.columns.drop("geometry"):
        expected, found = table[name].tolist(), other[name].tolist()
        np.testing.assert_array_equal(found, expected)
        np.testing.assert_array_equal(read[name].tolist(), expected)
    assert read.geometry.geom_equals_exact(other.geometry, 0).all()
    box = read.iloc[[0]].total_bounds
    near = gpd.read_parquet(tmp_path / "d.parquet", bbox=tuple(box))
    assert 1 <= len(near) < len(table), "the covering column serves a spatial filter"


def test_geoparquet_metadata(tmp_path: Path) -> None:
    vector.write_parquet(tmp_path / "d.parquet", world.result().detections)
    geo = json.loads(pq.read_schema(tmp_path / "d.parquet").metadata[b"geo"])
    assert geo["version"] == "1.1.0"
    assert set(geo["columns"]["geometry"]["covering"]["bbox"]) == {"xmin", "ymin", "xmax", "ymax"}


def test_empty_result_has_a_schema(tmp_path: Path) -> None:
    full = world.result(high=0.4).detections
    for table in (full.iloc[:0], vector.empty()):
        vector.write_parquet(tmp_path / "d.parquet", table)
        vector.write_geojson(tmp_path / "d.geojson", table)
        read = gpd.read_parquet(tmp_path / "d.parquet")
        assert len(read) == 0
        assert read.crs.to_epsg() == 4326
        for name in (*vector.REQUIRED, *vector.PLACE):
            assert read[name].dtype == full[name].dtype, name
        assert json.loads((tmp_path / "d.geojson").read_text())["features"] == []
        geo = pq.read_schema(tmp_path / "d.parquet").metadata[b"geo"]
        json.loads(geo, parse_constant=pytest.fail)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda t: t.drop(columns="n_pre"), "lack the columns n_pre"),
        (lambda t: t.to_crs(32654), "not in EPSG:4326"),
        (lambda t: t.assign(score=t.score + np.float32(1)), r"outside 0\.\.1"),
        (lambda t: t.assign(score=np.float32("nan")), r"outside 0\.\.1"),
        (lambda t: t.assign(score=1), "not float"),
        (lambda t: t.assign(geometry=shapely.Point()), "without a geometry"),
    ],
)
def test_wrong_tables_are_refused(spoil, message: str) -> None:
    with pytest.raises(CatalogError, match=message):
        vector.check_detections(spoil(world.result(high=0.4).detections), "item")


@settings(max_examples=60, deadline=None)
@given(
    zone=st.integers(1, 60),
    south=st.booleans(),
    column=st.integers(5, 20),
    row=st.integers(1, 200),
)
def test_footprints_hold_their_corners(zone: int, south: bool, column: int, row: int) -> None:
    tile = Tile((32700 if south else 32600) + zone, column, row)
    shape = footprint.to_lonlat(tile.bounds, tile.epsg)
    assert shape.is_valid
    west, low, east, high = footprint.bbox(shape)
    assert -180 <= west <= 180
    assert -180 <= east <= 180
    assert -90 <= low < high <= 90
    left, bottom, right, top = tile.bounds
    transformer = Transformer.from_crs(tile.epsg, 4326, always_xy=True)
    for x, y in ((left, bottom), (right, bottom), (right, top), (left, top)):
        lon, lat = transformer.transform(x, y)
        assert shape.distance(shapely.Point(lon, lat)) < 1e-4
        inside = west - 1e-6 <= lon <= east + 1e-6
        assert inside if west <= east else (lon >= west - 1e-6 or lon <= east + 1e-6)


def test_footprint_across_the_antimeridian_is_split() -> None:
    left, _ = Transformer.from_crs(4326, 32601, always_xy=True).transform(179.9, 45.1)
    shape = footprint.to_lonlat((left - 20000, 5_000_000, left + 60000, 5_040_000), 32601)
    whole = footprint.to_lonlat((480000, 5_000_000, 560000, 5_040_000), 32601)
    assert shape.geom_type == "MultiPolygon"
    west, _, east, _ = footprint.bbox(shape)
    assert west > 170
    assert east < -170
    assert shape.area == pytest.approx(whole.area, rel=0.1)
    assert footprint.union([[170, -1, 175, 0], footprint.bbox(shape), [-179, 0, -178, 1]])[::2] == [
        170, -178
    ]  # fmt: skip
    assert footprint.union([[-10, 0, -5, 1], [5, 0, 10, 2]]) == [-10, 0, 10, 2]


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 1000), longest=st.integers(3, 60))
def test_mosaic_of_parts_is_the_mean_of_the_whole(seed: int, longest: int) -> None:
    rng = np.random.default_rng(seed)
    whole = rng.normal(size=(47, 61)).astype(np.float32)
    whole[rng.uniform(size=whole.shape) < 0.3] = np.nan
    cut = int(rng.integers(1, 60))
    bounds = (1000.0, 530.0, 1610.0, 1000.0)
    edge = 1000.0 + 10 * cut
    parts = [(whole[:, :cut], (1000.0, 530.0, edge, 1000.0)),
             (whole[:, cut:], (edge, 530.0, 1610.0, 1000.0))]  # fmt: skip
    mosaic = Mosaic([b for _, b in parts], 32654, 10.0, longest)
    for values, part in parts:
        mosaic.add(values, part)
    image = mosaic.image()
    np.testing.assert_allclose(
        image.values, reduce(whole, bounds, 32654, longest).values, rtol=1e-5, atol=1e-6
    )
    assert max(image.values.shape) <= longest
    factor = -(-61 // longest)
    first = whole[:factor, :factor]
    expected = np.nanmean(first) if np.isfinite(first).any() else np.nan
    np.testing.assert_allclose(image.values[0, 0], expected, rtol=1e-4, atol=1e-6)


def _caption(found: int = 3) -> Caption:
    return caption_of(
        world.event(title="M 6.6 - $odd_{title}$ \n ~ " + "long " * 60),
        world.track(), "32654E0220N1846", found, 0.6, "model", "/some/where/items.json",
    )  # fmt: skip


def test_quicklook_is_a_small_png_and_shows_the_change() -> None:
    job = world.result()
    change = change_raster(job.composite, job.tile, world.RECIPE)
    data = draw_quicklook(image_of(change), job.detections, 640, _caption())
    assert data == draw_quicklook(image_of(change), job.detections, 640, _caption())
    assert len(data) < 1_500_000
    picture = Image.open(io.BytesIO(data))
    assert picture.format == "PNG"
    assert picture.size == (1000, 1220)
    assert not picture.info.keys() & {"Software", "Creation Time", "date:create"}
    darker = replace(change, values=np.full_like(change.values, -4.0))
    brighter = replace(change, values=np.full_like(change.values, 4.0))
    for raster, blue in ((darker, True), (brighter, False)):
        drawn = draw_quicklook(image_of(raster), job.detections.iloc[:0], 640, _caption(0))
        pixel = np.asarray(Image.open(io.BytesIO(drawn)).convert("RGB"))[600, 500].astype(int)
        assert bool(pixel[2] > pixel[0] + 60) is blue
        assert bool(pixel[0] > pixel[2] + 60) is not blue


def test_quicklook_draws_windows_where_they_are() -> None:
    job = world.result(high=0.0)
    change = change_raster(job.composite, job.tile, world.RECIPE)
    change = replace(change, values=np.zeros_like(change.values))
    left, _, _, top = job.tile.bounds
    window = world.result(high=0.9).detections.iloc[[0]].assign(x=left + 960.0, y=top - 960.0)
    with_window = draw_quicklook(image_of(change), window, 640, _caption())
    without = draw_quicklook(image_of(change), window.iloc[:0], 640, _caption())
    a, b = (np.asarray(Image.open(io.BytesIO(d)).convert("RGB")).astype(int)
            for d in (with_window, without))  # fmt: skip
    rows, columns = np.nonzero(np.abs(a - b).sum(axis=2) > 60)
    # The field is 885 px wide for 2560 m; the window starts 960 m from its left and upper edge.
    field_left, field_top, pixel = 85, 1220 * (1 - 0.155 - 0.725), 885 / 2560
    assert columns.min() == pytest.approx(field_left + 960 * pixel, abs=6)
    assert rows.min() == pytest.approx(field_top + 960 * pixel, abs=8)
    assert rows.max() == pytest.approx(field_top + 1600 * pixel, abs=8)


@pytest.mark.parametrize("shape", [(1, 1), (1, 256), (300, 3)])
def test_narrow_and_empty_images_can_be_drawn(shape: tuple[int, int]) -> None:
    values = np.full((1, *shape), np.nan, np.float32)
    raster = Raster(values, SQUARE, 32654, (Band("diff_vv", ""),))
    assert draw_quicklook(image_of(raster), vector.empty(), 640, _caption(0))
