"""Heights from files and STAC items, good and bad."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from pyproj import Transformer
from scipy.ndimage import map_coordinates

from sarlra.errors import SourceError, TerrainError
from sarlra.jobs.relief import DEFAULT_DEM, choose_terrain
from sarlra.scenes.sources import Source, open_source
from sarlra.terrain.choice import DemSource
from sarlra.terrain.dem import fill_voids, read_dem
from sarlra.terrain.ground import GroundGrid

STEP = 1 / 3600
BOTH = frozenset({"ascending", "descending"})
#: At 6 E, 0.2 N, in the south-west of the real tile.
GRID = GroundGrid("EPSG:32632", Affine(10, 0, 170_000, 0, -10, 30_000), (300, 400))


def smooth(lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
    """A relief that is known everywhere."""
    return 900 + 300 * np.sin(lon * 600.0) * np.cos(lat * 500.0)


def write_dem(path: Path, west: int, south: int, size: int = 400, hole: bool = False) -> Path:
    """A tile of one arc second around (west, south), given in arc seconds; pixels are points."""
    lon = (west + np.arange(size)) * STEP
    lat = (south + size - 1 - np.arange(size)) * STEP
    heights = smooth(*np.meshgrid(lon, lat)).astype(np.float32)
    if hole:
        heights[100:106, 100:106] = -32767
        heights[200:280, 200:280] = -32767
    transform = Affine(STEP, 0, (west - 0.5) * STEP, 0, -STEP, (south + size - 0.5) * STEP)
    with rasterio.open(
        path, "w", driver="GTiff", dtype="float32", count=1, height=size, width=size,
        crs="EPSG:4326", transform=transform, nodata=-32767 if hole else None,
    ) as dataset:  # fmt: skip
        dataset.write(heights, 1)
    return path


def item(path: Path, west: int, south: int, size: int = 400) -> dict:
    box = [(west - 0.5) * STEP, (south - 0.5) * STEP,
           (west + size - 0.5) * STEP, (south + size - 0.5) * STEP]  # fmt: skip
    w, s, e, n = box
    return {
        "type": "Feature", "stac_version": "1.0.0", "id": path.stem, "bbox": box,
        "collection": "cop-dem-glo-30", "links": [], "stac_extensions": [
            "https://stac-extensions.github.io/projection/v1.1.0/schema.json"],
        "geometry": {"type": "Polygon", "coordinates": [[[w, s], [e, s], [e, n], [w, n], [w, s]]]},
        "properties": {"datetime": "2021-04-22T00:00:00Z", "proj:epsg": 4326,
                       "proj:shape": [size, size],
                       "proj:transform": [STEP, 0, w, 0, -STEP, n, 0, 0, 1]},
        "assets": {"data": {"href": path.name, "type": "image/tiff"}},
    }  # fmt: skip


def grid_around(lon: float, lat: float, size: int = 200) -> GroundGrid:
    x, y = Transformer.from_crs(4326, 32633, always_xy=True).transform(lon, lat)
    left, top = round(x / 10) * 10 - size * 5, round(y / 10) * 10 + size * 5
    return GroundGrid("EPSG:32633", Affine(10, 0, left, 0, -10, top), (size, size))


def truth(grid: GroundGrid) -> np.ndarray:
    x, y = np.meshgrid(grid.x, grid.y)
    return smooth(*Transformer.from_crs(grid.crs, 4326, always_xy=True).transform(x, y))


def test_heights_and_slopes_of_a_file(tmp_path: Path) -> None:
    path = write_dem(tmp_path / "a.tif", 15 * 3600, 47 * 3600)
    grid = grid_around(15.05, 47.05)
    heights = read_dem(DemSource(file=path), grid)
    expected = truth(grid)
    assert heights.dtype == np.float32
    assert np.abs(heights - expected).max() < 0.5
    # Slopes too: no facets.
    for axis in (0, 1):
        error = np.gradient(heights, 10.0, axis=axis) - np.gradient(expected, 10.0, axis=axis)
        assert np.abs(error[1:-1, 1:-1]).max() < 0.02


def test_tiles_of_a_source_are_put_together_without_a_seam(tmp_path: Path) -> None:
    west, south = 15 * 3600, 47 * 3600
    places = [(west, south), (west + 400, south), (west, south + 400), (west + 400, south + 400)]
    features = [
        item(write_dem(tmp_path / f"tile{k}.tif", *place), *place) for k, place in enumerate(places)
    ]
    other = {**features[0], "id": "rtc", "collection": "sentinel-1-rtc"}
    (tmp_path / "items.json").write_text(
        json.dumps({"type": "FeatureCollection", "features": [*features, other]})
    )
    whole = write_dem(tmp_path / "whole.tif", west, south, 800)
    source = open_source(str(tmp_path / "items.json"))
    choice = choose_terrain("auto", None, None, source, BOTH)
    assert choice.dem is not None
    grid = grid_around(15 + 400 * STEP, 47 + 400 * STEP, 300)
    mosaic = read_dem(choice.dem, grid)
    assert np.abs(mosaic - read_dem(DemSource(file=whole), grid)).max() < 1e-2
    assert np.abs(mosaic - truth(grid)).max() < 0.5
    far = grid_around(20.0, 47.0)
    with pytest.raises(TerrainError, match="has no DEM over"):
        read_dem(choice.dem, far)


def test_small_voids_are_filled_and_large_ones_stay(tmp_path: Path) -> None:
    path = write_dem(tmp_path / "a.tif", 15 * 3600, 47 * 3600, hole=True)
    with rasterio.open(path) as dataset:
        raw = dataset.read(1)
    filled = fill_voids(np.where(raw == -32767, np.nan, raw).astype(np.float32))
    assert np.isfinite(filled[100:106, 100:106]).all()
    assert np.isnan(filled[225:255, 225:255]).all()
    lon = 15 + 103 * STEP
    grid = grid_around(lon, 47 + (399 - 103) * STEP, 40)
    heights = read_dem(DemSource(file=path), grid)
    # The relief swings by 600 m over 20 pixels; 6 of them are guessed from their rim.
    assert np.abs(heights - truth(grid)).max() < 45.0
    void = grid_around(15 + 240 * STEP, 47 + (399 - 240) * STEP, 20)
    with pytest.raises(TerrainError, match="void"):
        read_dem(DemSource(file=path), void)


def test_impossible_heights_are_voids() -> None:
    heights = np.full((60, 60), 100.0, np.float32)
    heights[30, 30] = -32768.0
    heights[10, 10] = np.inf
    heights[50, 5] = 1e20
    assert np.allclose(fill_voids(heights), 100.0)
    assert np.isnan(fill_voids(np.full((5, 5), -9999, np.float32))).all()


def test_the_real_tile(shared_data: Path) -> None:
    path = next((shared_data / "dem").glob("*.tif"))
    x, y = Transformer.from_crs(4326, 32632, always_xy=True).transform(6.6, 0.25)
    grid = GroundGrid("EPSG:32632", Affine(10, 0, x - 3000, 0, -10, y + 3000), (600, 600))
    heights = read_dem(DemSource(file=path), grid)
    with rasterio.open(path) as dataset:
        native, transform = dataset.read(1), dataset.transform
    lon, lat = Transformer.from_crs(32632, 4326, always_xy=True).transform(
        *np.meshgrid(grid.x, grid.y)
    )
    col, row = (lon - transform.c) / transform.a - 0.5, (lat - transform.f) / transform.e - 0.5
    spline = map_coordinates(native, [row, col], order=3)
    assert heights.max() > 500
    assert np.abs(heights - spline).max() < 12.0
    assert np.abs(heights - spline).mean() < 0.3
    with pytest.raises(TerrainError, match="does not cover the area"):
        read_dem(DemSource(file=path), grid_around(15.0, 47.0))


def test_files_that_are_no_dem(tmp_path: Path) -> None:
    (tmp_path / "text.tif").write_text("heights")
    with pytest.raises(TerrainError, match=r"text\.tif"):
        read_dem(DemSource(file=tmp_path / "text.tif"), GRID)
    with rasterio.open(
        tmp_path / "rgb.tif", "w", driver="GTiff", dtype="uint8", count=3, height=9, width=9,
        crs="EPSG:32632", transform=GRID.transform,
    ):  # fmt: skip
        pass
    with pytest.raises(TerrainError, match="3 bands"):
        read_dem(DemSource(file=tmp_path / "rgb.tif"), GRID)
    path = write_dem(tmp_path / "cut.tif", 15 * 3600, 47 * 3600)
    path.write_bytes(path.read_bytes()[:300_000])
    with pytest.raises(TerrainError, match=r"cut\.tif"):
        read_dem(DemSource(file=path), grid_around(15.05, 47.01))


def test_items_that_lie(tmp_path: Path) -> None:
    good = item(write_dem(tmp_path / "a.tif", 15 * 3600, 47 * 3600), 15 * 3600, 47 * 3600)
    grid = grid_around(15.05, 47.05)
    for change in (
        {"assets": {"data": {"href": "absent.tif"}}},
        {"properties": {**good["properties"], "proj:transform": None}},
        {"properties": {**good["properties"], "proj:epsg": 3857}},
        {"assets": {"data": {"href": "/vsicurl/http://x"}}},
        {"assets": {}},
    ):
        (tmp_path / "items.json").write_text(
            json.dumps({"type": "FeatureCollection", "features": [{**good, **change}]})
        )
        source = Source("x", "file", str(tmp_path / "items.json"), ("cop-dem-glo-30",))
        with pytest.raises(TerrainError):
            read_dem(DemSource(source=source), grid)


def test_which_dem_is_taken(tmp_path: Path, shared_data: Path) -> None:
    opera = open_source(str(shared_data / "opera-rtc-s1" / "items.json"))
    computer = open_source("planetary-computer")
    for source in (opera, computer):
        choice = choose_terrain("auto", None, None, source, BOTH)
        assert choice.dem is not None
        assert choice.dem.source == open_source(DEFAULT_DEM)
        assert choice.dem.source.collections == ("cop-dem-glo-30",)
    assert choose_terrain("none", None, None, opera, BOTH).dem is None
    path = write_dem(tmp_path / "a.tif", 15 * 3600, 47 * 3600)
    mine = choose_terrain(str(path), 38.0, 193.0, opera, frozenset({"descending"}))
    assert mine.dem is not None
    assert mine.dem.file == path
    assert mine.facts() != choose_terrain("none", 38.0, 193.0, opera, frozenset()).facts()
    assert mine.given is not None
    with pytest.raises(TerrainError, match="go together"):
        choose_terrain("none", 38.0, None, opera, BOTH)
    with pytest.raises(TerrainError, match="one direction"):
        choose_terrain("none", 38.0, 193.0, opera, BOTH)
    with pytest.raises(SourceError, match="no DEM file"):
        choose_terrain("absent.tif", None, None, opera, BOTH)
    with pytest.raises(SourceError):
        choose_terrain("no-such-source", None, None, opera, BOTH)
