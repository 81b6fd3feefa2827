"""Outlines on changes of known shape, and what is said of them."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from sarlra.detection.change import LEAST_PX, WEIGHT, clusters, denoised
from sarlra.detection.evidence import evidence_of, facing_of, ground_of, line_of
from sarlra.detection.outlines import outline_detections
from sarlra.grid import PixelBox, Tile
from sarlra.recipe import Recipe
from sarlra.terrain.given import GivenGeometry
from sarlra.terrain.ground import GroundGrid
from sarlra.terrain.place import Relief
from sarlra.terrain.tile import TileTerrain

TILE = Tile(32654, 30, 900, 512)
RECIPE = Recipe(tile_px=512)
BOX = PixelBox(0, 256, 0, 256)


def scene(seed: int = 3, change: float = 5.0) -> tuple[xr.Dataset, np.ndarray]:
    """Speckle of 2.5 dB, and a strip of 30 x 12 pixels that changed in both bands."""
    rng = np.random.default_rng(seed)
    truth = np.zeros(BOX.shape, dtype=bool)
    truth[80:110, 90:102] = True
    layers = {}
    for name in RECIPE.bands:
        values = rng.normal(-12.0 if name.startswith("post") else 0.0, 2.5, BOX.shape)
        layers[name] = (("y", "x"), (values + change * truth).astype(np.float32))
    return xr.Dataset(layers), truth


def window_at(row: int, col: int, **facts: object) -> gpd.GeoDataFrame:
    left, _, _, top = TILE.bounds
    given = {"row": row, "col": col, "track": "T046D", "score": 0.9, "n_pre": 5, "n_post": 1,
             "x": left + 10 * col, "y": top - 10 * row}  # fmt: skip
    return gpd.GeoDataFrame([given | facts])


@pytest.mark.parametrize("change", [5.0, -5.0])
def test_a_strip_is_found_where_it_is(change: float) -> None:
    composite, truth = scene(change=change)
    found = outline_detections(composite, window_at(64, 64), TILE, BOX, RECIPE)
    first = found.iloc[0]
    assert found.crs.to_epsg() == 4326
    shape = gpd.GeoSeries([first.geometry], crs=4326).to_crs(TILE.epsg).iloc[0]
    assert shape.area == pytest.approx(first["area_m2"], rel=1e-3)
    assert first["area_m2"] == pytest.approx(truth.sum() * 100, rel=0.25)
    left, _, _, top = TILE.bounds
    middle = (left + 10 * 96, top - 10 * 95)
    assert np.hypot(shape.centroid.x - middle[0], shape.centroid.y - middle[1]) < 25
    assert abs(change) - 1 < abs(first["change_vv_db"]) < abs(change) + 0.5
    assert np.sign(first["change_vh_db"]) == np.sign(change)
    assert 0.8 < first["confidence"] <= 0.9
    assert first["evidence"].startswith(f"VV {'rose' if change > 0 else 'fell'} ")
    assert found["area_m2"].iloc[1:].sum() < 0.1 * first["area_m2"]


def test_outlines_do_not_depend_on_the_box() -> None:
    composite, _ = scene()
    part = PixelBox(32, 160, 48, 200)
    inside = composite.isel(y=slice(32, 160), x=slice(48, 200))
    window = window_at(64, 64)
    whole = outline_detections(composite, window, TILE, BOX, RECIPE)
    assert outline_detections(inside, window, TILE, part, RECIPE).equals(whole)


def test_nothing_changed_has_no_outline_and_no_data_is_left_out() -> None:
    composite, _ = scene(change=0.0)
    empty = outline_detections(composite, window_at(64, 64), TILE, BOX, RECIPE)
    assert empty["area_m2"].sum() < 64 * 64 * 100 * 0.02
    composite, _ = scene()
    for name in RECIPE.bands:
        composite[name].values[:, 96:] = np.nan
    holed = outline_detections(composite, window_at(64, 64), TILE, BOX, RECIPE)
    left = TILE.bounds[0]
    assert (holed.to_crs(TILE.epsg).bounds["maxx"] <= left + 960 + 1e-3).all()
    nothing = outline_detections(composite, window_at(64, 64).iloc[:0], TILE, BOX, RECIPE)
    assert list(nothing.columns) == list(holed.columns)
    assert nothing.dtypes.to_dict() == holed.dtypes.to_dict()


def test_contributions_count_as_change() -> None:
    """A change too weak for an outline becomes one where the network saw it."""
    composite, truth = scene(change=2.2)
    raw = np.stack([composite[f"diff_{pol}"].values[64:128, 64:128] for pol in ("vv", "vh")])
    valid, own = np.ones((64, 64), bool), truth[64:128, 64:128]
    weak = clusters(denoised(raw), valid) > 0
    seen = clusters(denoised(raw), valid, own.astype(np.float32) * 0.01) > 0

    def overlap(found: np.ndarray) -> float:
        return float((found & own).sum() / (found | own).sum())

    assert overlap(seen) > max(0.5, overlap(weak) + 0.1)
    none = clusters(denoised(raw), valid, np.zeros((64, 64), np.float32)) > 0
    assert np.array_equal(none, weak)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**31), st.floats(0, 8))
def test_clusters_are_connected_large_and_ordered(seed: int, change: float) -> None:
    from scipy.ndimage import label

    composite, _ = scene(seed, change)
    raw = np.stack([composite[f"diff_{pol}"].values[64:128, 64:128] for pol in ("vv", "vh")])
    change_ = denoised(raw)
    found = clusters(change_, np.ones((64, 64), bool))
    sums = []
    for number in range(1, found.max() + 1):
        assert (found == number).sum() >= LEAST_PX
        assert label(found == number)[1] == 1
        sums.append(change_.size[found == number].sum())
    assert sums == sorted(sums, reverse=True)


def terrain_of(east: float, heading: float | None) -> TileTerrain:
    """A plane that rises ``east`` metres per metre eastwards."""
    grid = GroundGrid.of(TILE, BOX).grown(1)
    columns = np.arange(grid.shape[1], dtype=np.float32) * 10 * east
    heights = np.tile(columns, (grid.shape[0], 1)).astype(np.float32)
    view = None if heading is None else GivenGeometry(38.0, heading)
    return TileTerrain(
        np.zeros(BOX.shape, np.uint8), relief=Relief(heights, grid), view=view, dem="plane"
    )


@pytest.mark.parametrize(
    ("east", "heading", "words"),
    [
        # Ascending passes look east: ground that rises eastwards faces them.
        (0.6, 348.0, "on a 31 deg slope facing the radar"),
        (-0.6, 348.0, "on a 31 deg slope facing away from the radar"),
        (0.6, 192.0, "on a 31 deg slope facing away from the radar"),
        (0.6, 262.0, "on a 31 deg slope across the radar's look"),
        (0.6, None, "on a 31 deg slope;"),
        (0.01, 348.0, "on level ground;"),
    ],
)
def test_the_line_says_where_the_slope_faces(
    east: float, heading: float | None, words: str
) -> None:
    composite, _ = scene()
    terrain = terrain_of(east, heading)
    found = outline_detections(composite, window_at(64, 64), TILE, BOX, RECIPE, terrain=terrain)
    line = found.iloc[0]["evidence"]
    assert words in line
    assert line.endswith("; one post image")
    assert found.iloc[0]["slope_deg"] == pytest.approx(np.rad2deg(np.arctan(abs(east))), abs=0.01)


def test_the_slopes_of_a_window_are_those_of_its_pixels() -> None:
    grid = GroundGrid.of(TILE, BOX).grown(1)
    rng = np.random.default_rng(0)
    heights = np.cumsum(rng.normal(size=grid.shape), axis=1).astype(np.float32)
    terrain = TileTerrain(np.zeros(BOX.shape, np.uint8), relief=Relief(heights, grid), dem="d")
    ground = ground_of(terrain, 40, 70, 64)
    assert ground is not None
    assert ground.toward is None
    down, right = np.gradient(heights, 10.0)
    slope = np.rad2deg(np.arctan(np.hypot(down, right)))[1:-1, 1:-1]
    np.testing.assert_allclose(ground.slope, slope[40:104, 70:134], atol=1e-4)
    assert ground_of(None, 0, 0, 64) is None


def test_lines_of_items() -> None:
    row = {"change_vv_db": 3.14, "area_m2": 24_000.0, "slope_deg": 34.2, "toward_deg": -20.0,
           "n_post": 1, "score": 0.9}  # fmt: skip
    assert line_of(row) == (
        "VV rose 3.1 dB over 2.4 ha on a 34 deg slope facing away from the radar; one post image"
    )
    big = row | {"area_m2": 250_000.0, "change_vv_db": -4.0, "n_post": 12, "slope_deg": np.nan}
    assert line_of(big) == "VV fell 4.0 dB over 25 ha; 12 post images"
    table = gpd.GeoDataFrame([row, big])
    assert evidence_of(table, 3, 10).startswith(line_of(big))
    assert evidence_of(table, 3, 10).endswith("(largest of 2 outlines in 3 windows over the "
                                              "threshold)")  # fmt: skip
    assert evidence_of(table.iloc[:0], 1, 10).startswith("1 window over the threshold, in none")
    assert evidence_of(table, 0, 1234) == "No window over the threshold among 1,234 scored"
    assert facing_of(float("nan")) == ""


def test_the_number_of_threads_changes_nothing() -> None:
    composite, _ = scene()
    places = [window_at(row, col) for row in range(0, 192, 32) for col in range(0, 192, 32)]
    windows = gpd.GeoDataFrame(pd.concat(places, ignore_index=True))
    found = [
        outline_detections(composite, windows, TILE, BOX, RECIPE, terrain_of(0.6, 348.0), threads)
        for threads in (1, 3)
    ]
    assert len(found[0]) > 2
    assert found[0].equals(found[1])


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 2), st.floats(0, 0.9), st.floats(-6, 6))
def test_a_window_is_denoised_as_in_plain_steps(
    seed: int, bands: int, missing: float, level: float
) -> None:
    """Medians, weight and size by NumPy, the smoothing by scikit-image."""
    from skimage.restoration import denoise_tv_chambolle

    rng = np.random.default_rng(seed)
    raw = rng.normal(level, 2.5, (bands, 64, 64)).astype(np.float32)
    raw[:, rng.random((64, 64)) < missing] = np.nan
    moved = np.nan_to_num(raw - np.nanmedian(raw, axis=(1, 2), keepdims=True)).astype(np.float64)
    noise = np.maximum(1.4826 * np.median(np.abs(moved), axis=(1, 2)), 0.1)
    weight = WEIGHT * float(np.sqrt((noise**2).mean()))
    smooth = np.stack([denoise_tv_chambolle(band, weight) for band in moved])
    smooth -= np.median(smooth, axis=(1, 2), keepdims=True)
    found = denoised(raw)
    np.testing.assert_array_equal(found.noise, noise)
    np.testing.assert_allclose(found.bands, smooth, rtol=0, atol=1e-9)
    size = np.sqrt((smooth**2).sum(axis=0) * 2 / bands)
    np.testing.assert_allclose(found.size, size, rtol=0, atol=1e-9)


def test_without_data_nothing_changed() -> None:
    found = denoised(np.full((2, 64, 64), np.nan, np.float32))
    assert not found.bands.any()
    assert not found.size.any()
    assert clusters(found, np.zeros((64, 64), bool)).max() == 0
