"""Scores against plain counting."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely
from sklearn.metrics import precision_recall_fscore_support  # type: ignore[import-untyped]

from sarlra.evaluation.scores import object_score, patch_counts
from sarlra.grid import Tile

TILE = Tile(32632, 12, 125, size_px=512)


def _squares(*boxes: tuple[float, float, float, float]) -> gpd.GeoDataFrame:
    """Boxes in pixels (col0, row0, col1, row1) of the tile."""
    left, _, _, top = TILE.bounds
    shapes = [shapely.box(left + a * 10, top - d * 10, left + c * 10, top - b * 10)
              for a, b, c, d in boxes]  # fmt: skip
    return gpd.GeoDataFrame(geometry=shapes, crs=TILE.epsg)


def test_patch_counts_equals_sklearn() -> None:
    rng = np.random.default_rng(3)
    score = rng.random((16, 16), dtype=np.float32)
    score[rng.random((16, 16)) < 0.1] = np.nan
    share = np.where(rng.random((16, 16)) < 0.5, 0, rng.random((16, 16)) * 0.2).astype(np.float32)
    found = patch_counts(score, share, 0.4)
    s, h = score[::2, ::2].ravel(), share[::2, ::2].ravel()
    use = np.isfinite(s) & ((h == 0) | (h > 0.05))
    precision, recall, f1, _ = precision_recall_fscore_support(
        h[use] > 0.05, s[use] > 0.4, average="binary"
    )
    assert (found.precision, found.recall, found.f1) == pytest.approx((precision, recall, f1))


def test_object_score_matches_by_touching() -> None:
    truth = _squares((0, 0, 20, 20), (100, 100, 102, 102), (300, 300, 320, 320))
    found = object_score(_squares((10, 10, 74, 74), (200, 200, 264, 264)), truth)
    assert (found.detections, found.landslides, found.landslides_large) == (2, 3, 2)
    assert found.precision == 0.5
    assert found.recall == pytest.approx(1 / 3)
    assert found.recall_large == 0.5


def test_object_score_of_nothing_is_not_a_number() -> None:
    none = _squares((0, 0, 1, 1)).iloc[:0]
    found = object_score(none, _squares((0, 0, 20, 20)))
    assert np.isnan(found.precision)
    assert found.recall == 0.0
