"""Detections: which windows, where on Earth, and what they say."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import rasterio.warp
import shapely
import xarray as xr
from composites_for_tests import noise_composite
from geopandas.testing import assert_geodataframe_equal

from sarlra.detection.detect import detect, outlines_4326
from sarlra.detection.lattice import score_lattice
from sarlra.detection.suppress import suppress
from sarlra.grid import PixelBox, Tile
from sarlra.models.card import Calibration
from sarlra.models.info import ModelInfo
from sarlra.models.scoring import Scorer, load_scorer
from sarlra.recipe import Recipe
from sarlra.scenes.model import Acquisition, Track

SIZE = 512
RECIPE = Recipe(tile_px=SIZE)
TILE = Tile(32654, 60, 900, SIZE)
BOX = PixelBox(32, SIZE + 32, 0, SIZE)
_SCENE = Acquisition("a", datetime(2018, 9, 1, tzinfo=UTC), "sentinel-1a", ())
TRACK = Track(46, "descending", (_SCENE,), (_SCENE,))


@pytest.fixture(scope="module")
def composite() -> xr.Dataset:
    made = noise_composite(BOX, RECIPE, 3)
    made["diff_vv"].values[100:140, 200:300] = np.nan
    return made


@pytest.fixture(scope="module")
def lattice(composite: xr.Dataset, scorer: Scorer) -> xr.Dataset:
    active = np.ones((16, 16), dtype=bool)
    return score_lattice(composite, TILE, BOX, active, scorer, RECIPE)


def _median_score(lattice: xr.Dataset) -> float:
    return float(np.nanmedian(lattice["score"].values))


def test_detections_are_the_suppressed_windows_over_the_threshold(
    composite: xr.Dataset, lattice: xr.Dataset
) -> None:
    threshold = _median_score(lattice)
    found = detect(composite, lattice, TILE, BOX, TRACK, threshold, RECIPE)
    scores = lattice["score"].values
    rows, columns = np.nonzero(scores > threshold)
    assert 4 < len(found) < len(rows)
    boxes = np.stack([rows * 32, columns * 32, rows * 32 + 64, columns * 32 + 64], axis=-1)
    kept = suppress(boxes, scores[rows, columns], 0.1)
    np.testing.assert_array_equal(found["row"], boxes[kept, 0])
    np.testing.assert_array_equal(found["col"], boxes[kept, 1])
    np.testing.assert_array_equal(found["score"], scores[rows[kept], columns[kept]])
    assert found["score"].is_monotonic_decreasing
    assert set(found["track"]) == {"T046D"}
    assert set(found["orbit_state"]) == {"descending"}
    assert set(found["tile"]) == {TILE.id}
    assert set(found["n_pre"]) <= {4, 5}


def test_statistics_are_those_of_the_window_s_valid_pixels(
    composite: xr.Dataset, lattice: xr.Dataset
) -> None:
    found = detect(composite, lattice, TILE, BOX, TRACK, _median_score(lattice), RECIPE)
    assert found["valid_share"].min() < 1
    for _, window in found.iterrows():
        row, column = window["row"] - BOX.row0, window["col"] - BOX.col0
        part = composite.isel(y=slice(row, row + 64), x=slice(column, column + 64))
        valid = np.isfinite(part["diff_vv"].values)
        assert window["valid_share"] == pytest.approx(valid.mean())
        for band in ("diff_vv", "diff_vh"):
            values = part[band].values[valid]
            assert window[f"{band}_mean"] == pytest.approx(values.mean(), rel=1e-4, abs=1e-5)
            for q, name in ((5, "p05"), (95, "p95")):
                assert window[f"{band}_{name}"] == pytest.approx(
                    np.percentile(values, q), rel=1e-4, abs=1e-5
                )


def test_outlines_lie_where_gdal_puts_them(composite: xr.Dataset, lattice: xr.Dataset) -> None:
    found = detect(composite, lattice, TILE, BOX, TRACK, _median_score(lattice), RECIPE)
    assert found.crs.to_epsg() == 4326
    assert found.geometry.is_valid.all()
    left, _, _, top = TILE.bounds
    for _, window in found.iterrows():
        assert window["x"] == left + window["col"] * 10
        assert window["y"] == top - window["row"] * 10
        x, y = window["x"], window["y"]
        longitude, latitude = rasterio.warp.transform(
            "EPSG:32654", "EPSG:4326", [x, x, x + 640, x + 640], [y, y - 640, y - 640, y]
        )
        expected = shapely.Polygon(zip(longitude, latitude, strict=True))
        assert window.geometry.equals_exact(expected, 1e-9)
        assert window.geometry.exterior.is_ccw


def test_no_detection_has_the_schema_of_some(
    composite: xr.Dataset, lattice: xr.Dataset, tmp_path: Path
) -> None:
    some = detect(composite, lattice, TILE, BOX, TRACK, _median_score(lattice), RECIPE)
    none = detect(composite, lattice, TILE, BOX, TRACK, 1.0, RECIPE)
    assert len(none) == 0
    assert none.crs == some.crs
    assert none.dtypes.to_dict() == some.dtypes.to_dict()
    tables = []
    for name, table in (("some", some), ("none", none)):
        table.to_parquet(tmp_path / f"{name}.parquet")
        tables.append(gpd.read_parquet(tmp_path / f"{name}.parquet"))
    assert tables[0].dtypes.to_dict() == tables[1].dtypes.to_dict()


def test_vv_alone_has_no_vh_columns(small_vv_model: ModelInfo) -> None:
    recipe = Recipe(tile_px=256, polarisations=("VV",))
    tile, box = Tile(32654, 120, 1800, 256), PixelBox(0, 288, 0, 288)
    composite = noise_composite(box, recipe, 9)
    lattice = score_lattice(
        composite, tile, box, np.ones((8, 8), bool), load_scorer(small_vv_model), recipe
    )
    found = detect(composite, lattice, tile, box, TRACK, _median_score(lattice), recipe)
    assert len(found)
    assert "diff_vv_p95" in found
    assert not any("vh" in column for column in found)


def test_a_tie_goes_to_the_upper_then_the_left_window(composite: xr.Dataset) -> None:
    score = np.full((16, 16), np.nan, np.float32)
    score[4, 4] = score[4, 5] = score[5, 4] = score[5, 3] = 0.9
    counts = np.ones((16, 16), np.uint16)
    lattice = xr.Dataset(
        {
            "score": (("y", "x"), score),
            "n_pre": (("y", "x"), counts),
            "n_post": (("y", "x"), counts),
        }
    )
    found = detect(composite, lattice, TILE, BOX, TRACK, 0.5, RECIPE)
    assert list(zip(found["row"], found["col"], strict=True)) == [(128, 128)]


@pytest.mark.parametrize("epsg", [32601, 32660, 32701])
def test_an_outline_across_the_antimeridian_is_split(epsg: int) -> None:
    import pyproj

    y = 5_000_000.0 if epsg < 32700 else 8_000_000.0
    to_utm = pyproj.Transformer.from_crs(4326, epsg, always_xy=True)
    to_degrees = pyproj.Transformer.from_crs(epsg, 4326, always_xy=True)
    _, latitude = to_degrees.transform(500_000, y)
    x, y = to_utm.transform(180.0, latitude)
    outline: Any = outlines_4326(np.array([x - 320]), np.array([y + 320]), 640.0, epsg)[0]
    assert outline.geom_type == "MultiPolygon"
    assert outline.is_valid
    assert outline.bounds[::2] == (-180.0, 180.0)
    for part in outline.geoms:
        assert part.exterior.is_ccw
        assert part.bounds[2] - part.bounds[0] < 0.01
    metres = pyproj.Geod(ellps="WGS84").geometry_area_perimeter(outline)[0]
    assert metres == pytest.approx(640**2, rel=0.01)


def test_a_calibrated_model_s_detections_carry_probabilities(
    composite: xr.Dataset, lattice: xr.Dataset
) -> None:
    made = Calibration(
        slope=1.5, intercept=-0.7, fitted_on="x", brier_before=0.1, brier_after=0.1, samples=9
    )
    threshold = _median_score(lattice)
    plain = detect(composite, lattice, TILE, BOX, TRACK, threshold, RECIPE)
    found = detect(composite, lattice, TILE, BOX, TRACK, threshold, RECIPE, made)
    assert found["probability"].dtype == np.float32
    score = found["score"].to_numpy(np.float64)
    odds = np.exp(1.5 * np.log(score / (1 - score)) - 0.7)
    np.testing.assert_allclose(found["probability"], odds / (1 + odds), rtol=1e-5)
    assert_geodataframe_equal(found.drop(columns="probability"), plain)
    none = detect(composite, lattice, TILE, BOX, TRACK, 1.0, RECIPE, made)
    assert none["probability"].dtype == np.float32
