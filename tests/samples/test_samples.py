"""Landslide shares of windows, and patches cut from a tile, against plain counting."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely

from sarlra.errors import InputError
from sarlra.grid import Tile
from sarlra.recipe import make_recipe
from sarlra.samples.hide import hide_edges
from sarlra.samples.labels import burn, landslide_share
from sarlra.samples.patches import Patches, cut_patches, join

TILE = Tile(32632, 12, 125, size_px=512)
RECIPE = make_recipe(tile_px=512)


def _squares(*boxes: tuple[float, float, float, float]) -> gpd.GeoDataFrame:
    """Boxes in pixels (col0, row0, col1, row1) of the tile."""
    left, _, _, top = TILE.bounds
    shapes = [shapely.box(left + a * 10, top - d * 10, left + c * 10, top - b * 10)
              for a, b, c, d in boxes]  # fmt: skip
    return gpd.GeoDataFrame(geometry=shapes, crs=TILE.epsg)


def test_share_counts_pixels_of_every_window_and_the_halo() -> None:
    inventory = _squares((10, 20, 30, 50), (500, 500, 544, 544), (200, 3, 201, 4))
    mask = np.zeros((544, 544))
    mask[20:50, 10:30] = 1
    mask[500:, 500:] = 1
    mask[3, 200] = 1
    expected = np.array(
        [
            [mask[i : i + 64, j : j + 64].mean() for j in range(0, 512, 32)]
            for i in range(0, 512, 32)
        ]
    )
    # Through EPSG:4326 and back: no pixel's centre may change sides.
    share = landslide_share(inventory.to_crs(4326), TILE, RECIPE)
    np.testing.assert_allclose(share, expected, atol=1e-7)
    assert burn(inventory, TILE, RECIPE).sum() == mask.sum()


def test_inventory_without_crs_is_refused() -> None:
    with pytest.raises(InputError, match="coordinate reference system"):
        burn(gpd.GeoDataFrame(geometry=[shapely.box(0, 0, 1, 1)]), TILE, RECIPE)


def test_whole_patches_are_cut_in_row_order_with_their_share() -> None:
    bands = np.random.default_rng(0).normal(size=(200, 256, 4)).astype(np.float32)
    burnt = np.zeros((200, 256), dtype=np.uint8)
    burnt[0:64, 64:128].flat[:205] = 1
    burnt[64:128, 0:64].flat[:204] = 1
    windows, share = cut_patches(bands, burnt, RECIPE)
    assert (share * 64 * 64).tolist() == [0, 205, 0, 0, 204, 0, 0, 0, 0, 0, 0, 0]
    np.testing.assert_array_equal(windows[6], bands[64:128, 128:192])
    one = Patches(windows, share > 0.05, np.full(12, "e"))
    twice = join([one, one])
    assert len(twice) == 24
    np.testing.assert_array_equal(twice.windows[12:], windows)


def test_hidden_edges_are_straight_and_no_wider_than_allowed() -> None:
    patches = Patches(
        np.zeros((400, 64, 64, 2), np.float32), np.arange(400) % 2 == 0, np.full(400, "e")
    )
    hidden = hide_edges(patches, 0.3, 0.5, np.random.default_rng(1))
    missing = np.isnan(hidden.windows)
    assert not np.isnan(patches.windows).any()
    np.testing.assert_array_equal(missing[..., 0], missing[..., 1])
    shares = missing[..., 0].mean(axis=(1, 2))
    assert shares.max() <= 0.5
    assert 0.2 < (shares > 0).mean() < 0.4
    # What is hidden lies on one side of a line: no row has data on both sides of a gap.
    runs = np.abs(np.diff(missing[..., 0].astype(int), axis=2)).sum(axis=2)
    assert runs.max() <= 1
    np.testing.assert_array_equal(hidden.labels, patches.labels)
