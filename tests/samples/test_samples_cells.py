"""Cells of the patch grid and their classes, against plain counting."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely
import xarray as xr

from sarlra.grid import PixelBox, Tile
from sarlra.inventories.inventory import Inventory
from sarlra.recipe import make_recipe
from sarlra.samples.cells import Cells, cells_of
from sarlra.samples.cut import classes, see_cells, windows_of
from sarlra.samples.labels import burn

RECIPE = make_recipe(tile_px=512)
TILE = Tile(32632, 100, 1000, size_px=512)


def boxes(*pixels: tuple[int, int, int, int], tile: Tile = TILE) -> gpd.GeoDataFrame:
    """Boxes (row0, row1, col0, col1) in pixels of the tile."""
    left, _, _, top = tile.bounds
    shapes = [shapely.box(left + c0 * 10, top - r1 * 10, left + c1 * 10, top - r0 * 10)
              for r0, r1, c0, c1 in pixels]  # fmt: skip
    return gpd.GeoDataFrame(geometry=shapes, crs=tile.epsg)


def all_cells(inventory: Inventory, zones: tuple = (None, None), tile: Tile = TILE,
              recipe=RECIPE) -> Cells:  # fmt: skip
    n = tile.size_px // 32
    return cells_of(tile, np.ones((n, n), dtype=bool), inventory, zones, recipe)


def test_classes_follow_the_five_percent_exactly() -> None:
    slides = boxes((0, 1, 0, 64), (1, 2, 0, 64), (2, 3, 0, 64), (3, 4, 0, 13),  # 205 px
                   (0, 3, 64, 128), (3, 4, 64, 76),  # 204 px: 4.98 %
                   (70, 71, 10, 11))  # fmt: skip
    cells = all_cells(Inventory(slides))
    assert len(cells) == 64
    at = {(int(r), int(c)): i for i, (r, c) in enumerate(zip(cells.rows, cells.cols, strict=True))}
    assert cells.share[at[0, 0]] == 205 / 4096
    assert cells.landslide.nonzero()[0].tolist() == [at[0, 0]]
    neither = {at[0, 64], at[64, 0]}
    assert set(np.flatnonzero(~cells.background)) == neither | {at[0, 0]}


def test_a_cell_has_one_name_however_the_zone_is_cut() -> None:
    empty = Inventory(boxes((600, 601, 0, 1)))
    small = all_cells(empty)
    wide_recipe = make_recipe(tile_px=1024)
    wide = Tile(TILE.epsg, TILE.column // 2, TILE.row // 2, size_px=1024)
    large = all_cells(empty, tile=wide, recipe=wide_recipe)
    where = dict(zip(large.names.tolist(), shapely.to_wkb(large.squares(64)), strict=True))
    assert len(where) == 256
    for name, square in zip(small.names.tolist(), shapely.to_wkb(small.squares(64)), strict=True):
        assert where[name] == square


def test_background_only_where_somebody_looked() -> None:
    left, bottom, _, top = TILE.bounds
    mapped = shapely.box(left, bottom, left + 2 * 640, top)
    cloud = shapely.box(left, top - 1000, left + 100, top - 900)
    cells = all_cells(Inventory(boxes((500, 501, 500, 501))), (mapped, cloud))
    wanted = (cells.cols < 128) & ~((cells.rows == 64) & (cells.cols == 0))
    assert (cells.background == wanted).all()
    # A cell of which a metre was not looked at is none.
    short = shapely.box(left, bottom, left + 2 * 640 - 1, top)
    cells = all_cells(Inventory(boxes((500, 501, 500, 501))), (short, None))
    assert (cells.background == (cells.cols < 64)).all()


def test_only_what_the_track_sees_counts_as_landslide() -> None:
    slides = boxes((0, 8, 0, 64), (64, 72, 0, 64), (128, 136, 0, 64))  # 12.5 % of three cells
    inventory = Inventory(slides)
    cells = all_cells(inventory)
    cells = cells.take(cells.cols < 128)
    box = cells.box(64)
    assert box == PixelBox(0, 512, 0, 128)
    codes = np.zeros(box.shape, dtype=np.uint8)
    codes[0:8, 0:32] = 1  # half of the first: 6.25 % are left
    codes[64:72, 0:40] = 4  # most of the second: 4.7 %
    codes[128:136] = 255  # not known: as if seen
    codes[192:256, 0:64] = 2  # a background cell in layover
    codes[0:40, 64:128] = 3  # and one in shadow for 62 %
    codes[64:90, 64:128] = 3  # and for 41 %
    burnt = burn(slides, TILE, RECIPE)
    seen = see_cells(cells, burnt, codes, box, RECIPE)
    landslide, background = classes(cells, seen, RECIPE)
    kind = {(int(r), int(c)): (bool(a), bool(b)) for r, c, a, b in
            zip(cells.rows, cells.cols, landslide, background, strict=True)}  # fmt: skip
    assert kind[0, 0] == (True, False)
    assert kind[64, 0] == (False, False)
    assert kind[128, 0] == (True, False)
    assert kind[192, 0] == (False, False)
    assert kind[0, 64] == (False, False)
    assert kind[64, 64] == (False, True)
    assert not (landslide & background).any()
    unfiltered = see_cells(cells, burnt, None, box, RECIPE)
    np.testing.assert_array_equal(unfiltered.share, cells.share)
    assert (unfiltered.hidden == 0).all()
    with pytest.raises(ValueError, match="visibility"):
        see_cells(cells, burnt, codes[1:], box, RECIPE)


def test_windows_are_the_pixels_of_their_cells() -> None:
    rng = np.random.default_rng(0)
    cells = all_cells(Inventory(boxes((500, 501, 500, 501))))
    cells = cells.take(np.array([9, 10, 18]))
    box = cells.box(64)
    bands = {name: rng.normal(size=box.shape).astype(np.float32) for name in RECIPE.bands}
    bands["diff_vh"][0:33, 64:128] = np.nan  # 52 % of the second
    bands["post_vv"][64:96, 64:128] = np.nan  # 50 % of the third: still valid
    composite = xr.Dataset({name: (("y", "x"), values) for name, values in bands.items()})
    windows, valid = windows_of(composite, cells, box, RECIPE)
    assert valid.tolist() == [True, False, True]
    for i, (row, col) in enumerate(zip(cells.rows, cells.cols, strict=True)):
        r, c = row - box.row0, col - box.col0
        for b, name in enumerate(RECIPE.bands):
            np.testing.assert_array_equal(windows[i, ..., b], bands[name][r : r + 64, c : c + 64])
