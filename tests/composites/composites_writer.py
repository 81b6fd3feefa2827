"""A program that writes tiles into a store: ``STORE GROUP SEED COLUMN ROW [COLUMN ROW ...]``."""

from __future__ import annotations

import sys

import numpy as np
import xarray as xr

from sarlra.composites.pixels import PixelGrid
from sarlra.composites.store import write_region
from sarlra.grid import PixelBox, Tile
from sarlra.recipe import make_recipe

SIZE = 512
RECIPE = make_recipe(tile_px=SIZE)


def tile_at(column: int, row: int, size: int = SIZE) -> Tile:
    return Tile(32611, column, row, size, 10.0)


def composite_of(tile: Tile, seed: int, box: PixelBox | None = None) -> xr.Dataset:
    """Pixels that tell from which tile they are."""
    box = box or PixelBox(0, tile.size_px + 32, 0, tile.size_px + 32)
    grid = PixelGrid.of(tile, box)
    rng = np.random.default_rng([seed, tile.column, tile.row])
    variables = {}
    for name in (*RECIPE.bands, "n_pre", "n_post"):
        if name.startswith("n_"):
            values = rng.integers(0, 9, grid.shape).astype(np.uint16)
        else:
            values = rng.normal(-10, 3, grid.shape).astype(np.float32)
            values[rng.random(grid.shape) < 0.1] = np.nan
        variables[name] = (("y", "x"), values)
    codes = rng.choice(np.array([0, 1, 2, 3, 4, 255], np.uint8), grid.shape)
    variables["visibility"] = (("y", "x"), codes)
    return xr.Dataset(variables, coords={"y": grid.y, "x": grid.x})


def main() -> None:
    store, group, seed, *places = sys.argv[1:]
    for column, row in zip(places[::2], places[1::2], strict=True):
        tile = tile_at(int(column), int(row))
        write_region(store, group, tile, composite_of(tile, int(seed)))


if __name__ == "__main__":
    main()
