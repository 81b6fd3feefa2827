"""The warp against GDAL's, and against itself in other windows."""

from __future__ import annotations

import numpy as np
import pytest
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Transformer

from sarlra.composites.pixels import PixelGrid
from sarlra.composites.resample import bilinear, needed_window, reduction, source_places
from tests.composites.composites_world import by_gdal


def speckle(rows: int, cols: int, seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    values = rng.gamma(4.4, 0.02, (rows, cols)).astype(np.float32)
    values[rng.random(values.shape) < 0.02] = np.nan
    values[rows // 4 : rows // 3, : cols // 2] = np.nan
    return values


def warp(values: np.ndarray, transform: Affine, crs: str, grid: PixelGrid) -> np.ndarray:
    scale = reduction(grid.epsg, grid.resolution, crs, transform, values.shape)
    places = source_places(grid, crs, transform)
    window = needed_window(places, scale, values.shape)
    if window is None:
        return np.full(grid.shape, np.nan, np.float32)
    part = values[window.row0 : window.row1, window.col0 : window.col1]
    return bilinear(part, window, places, scale)


def db(values: np.ndarray) -> np.ndarray:
    return 10 * np.log10(values.astype(np.float64))


@pytest.mark.parametrize(
    ("transform", "grid"),
    [
        pytest.param(
            Affine(30, 0, 165660, 0, -30, 3779190),
            PixelGrid(32611, 16500, 377950, 900, 900, 10.0),
            id="30 m to 10 m",
        ),
        pytest.param(
            Affine(10, 0, 165663.3, 0, -10, 3779191.7),
            PixelGrid(32611, 16500, 377950, 300, 400, 10.0),
            id="10 m, shifted by part of a pixel",
        ),
        pytest.param(
            Affine(10, 0, 165655, 0, -10, 3779195),
            PixelGrid(32611, 16500, 377950, 300, 300, 10.0),
            id="10 m, shifted by half a pixel",
        ),
    ],
)
def test_same_crs_is_what_gdal_gives(transform: Affine, grid: PixelGrid) -> None:
    values = speckle(300, 300)
    ours, gdal = (f(values, transform, "EPSG:32611", grid) for f in (warp, by_gdal))
    assert np.isfinite(ours).sum() > 1000
    np.testing.assert_array_equal(np.isnan(ours), np.isnan(gdal))
    both = np.isfinite(ours)
    np.testing.assert_allclose(db(ours[both]), db(gdal[both]), rtol=0, atol=5e-6)


@pytest.mark.parametrize("resolution", [20.0, 30.0, 40.0])
def test_reduction_is_what_gdal_gives(resolution: float) -> None:
    """Inside the image, where GDAL's scale of reduction is the ratio of the pixels."""
    values = np.random.default_rng(3).gamma(4.4, 0.02, (400, 400)).astype(np.float32)
    left, top = int(165900 // resolution), int(3779000 // resolution)
    grid = PixelGrid(32611, left, top, int(2400 / resolution), int(2400 / resolution), resolution)
    transform = Affine(10, 0, 165660, 0, -10, 3779190)
    ours, gdal = (f(values, transform, "EPSG:32611", grid) for f in (warp, by_gdal))
    np.testing.assert_allclose(db(ours), db(gdal), rtol=0, atol=5e-6)


def test_other_zone_finds_the_right_place() -> None:
    """A ramp is reproduced exactly by bilinear interpolation: it shows where a pixel was taken."""
    grid = PixelGrid(32611, 16600, 377850, 256, 256, 10.0)
    forward = Transformer.from_crs(32611, 32610, always_xy=True)
    x, y = forward.transform(grid.x.mean(), grid.y.mean())
    transform = Affine(10, 0, round(x, -1) - 3000, 0, -10, round(y, -1) + 3000)
    ramp = np.tile(np.arange(600, dtype=np.float32) + 0.5, (600, 1))
    xs, ys = forward.transform(*np.meshgrid(grid.x, grid.y))
    cols, rows = ~transform @ (xs, ys)
    np.testing.assert_allclose(warp(ramp, transform, "EPSG:32610", grid), cols, atol=2e-4)
    np.testing.assert_allclose(warp(ramp.T.copy(), transform, "EPSG:32610", grid), rows, atol=2e-4)


def test_zones_60_and_1_meet_at_the_antimeridian() -> None:
    """A file of zone 60 that reaches over 180 degrees, on a grid of zone 1."""
    to_60, to_1 = (Transformer.from_crs(4326, e, always_xy=True) for e in (32760, 32701))
    x, y = to_60.transform(180.0, -17.0)
    transform = Affine(10, 0, round(x, -1) - 3000, 0, -10, round(y, -1) + 3000)
    ramp = np.tile(np.arange(600, dtype=np.float32) + 0.5, (600, 1))
    for longitude in (179.999, -179.999):
        east, north = to_1.transform(longitude, -17.0)
        grid = PixelGrid(32701, int(east // 10) - 5, int(north // 10) + 5, 10, 10, 10.0)
        result = warp(ramp, transform, "EPSG:32760", grid)
        lon, lat = to_1.transform(*np.meshgrid(grid.x, grid.y), direction="INVERSE")
        cols, _ = ~transform @ to_60.transform(lon, lat)
        np.testing.assert_allclose(result, cols, atol=2e-4)


WHOLE = PixelGrid(32611, 16500, 377950, 200, 160, 10.0)


@pytest.mark.parametrize(
    ("crs", "transform"),
    [
        ("EPSG:32611", Affine(30, 0, 164970, 0, -30, 3779610)),
        ("EPSG:32611", Affine(10, 0, 165003.3, 0, -10, 3779501.7)),
        ("EPSG:32611", Affine(4, 0, 165100.7, 0, -4, 3779400.1)),
        ("EPSG:32610", None),
    ],
    ids=["30 m", "shifted", "reduced", "other zone"],
)
@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_a_pixel_is_the_same_in_every_window(
    crs: str, transform: Affine | None, data: st.DataObject
) -> None:
    if transform is None:
        forward = Transformer.from_crs("EPSG:32611", crs, always_xy=True)
        x, y = forward.transform(165000, 3779500)
        transform = Affine(10, 0, round(x) - 200.3, 0, -10, round(y) + 200.7)
    values = speckle(240, 240)
    row = data.draw(st.integers(0, WHOLE.rows - 1))
    col = data.draw(st.integers(0, WHOLE.cols - 1))
    rows = data.draw(st.integers(1, WHOLE.rows - row))
    cols = data.draw(st.integers(1, WHOLE.cols - col))
    part = PixelGrid(32611, WHOLE.left + col, WHOLE.top - row, cols, rows, 10.0)
    whole = warp(values, transform, crs, WHOLE)
    assert np.isfinite(whole).any()
    np.testing.assert_array_equal(
        warp(values, transform, crs, part), whole[row : row + rows, col : col + cols]
    )


def test_grids_that_miss_the_image_need_nothing() -> None:
    for left, top in ((0, 377950), (16500, 0), (60000, 377950)):
        places = source_places(
            PixelGrid(32611, left, top, 50, 50, 10.0),
            "EPSG:32611",
            Affine(10, 0, 165000, 0, -10, 3779500),
        )
        assert needed_window(places, 1.0, (100, 100)) is None


def test_a_constant_stays_constant_however_it_is_reduced() -> None:
    values = np.full((400, 400), 0.123, np.float32)
    for resolution in (10.0, 15.0, 40.0, 77.0):
        grid = PixelGrid(
            32611, int(165300 / resolution), int(3779200 / resolution), 20, 20, resolution
        )
        result = warp(values, Affine(10, 0, 165001, 0, -10, 3779502), "EPSG:32611", grid)
        np.testing.assert_allclose(result, 0.123, rtol=2e-6)
