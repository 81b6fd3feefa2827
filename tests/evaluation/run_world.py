"""A catalogue of two tiles side by side, for tests that evaluate it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from pyproj import Transformer

from sarlra.grid import Tile
from sarlra.recipe import Recipe

RECIPE = Recipe(tile_px=512)
TILES = (Tile(32654, 110, 923, 512), Tile(32654, 111, 923, 512))
EVENT = "us2000h8ty"


def ground(truth: Path) -> dict[str, Any]:
    """The truth on the pixels of both tiles, side by side, and the windows that were looked at."""
    x0, _, _, y0 = TILES[0].bounds
    x, y = x0 + 5 + 10 * np.arange(1024), y0 - 5 - 10 * np.arange(512)
    lon, lat = Transformer.from_crs(32654, 4326, always_xy=True).transform(*np.meshgrid(x, y))
    layers = {n: gpd.read_file(truth, layer=n).geometry.to_numpy() for n in
              ("landslides", "interpreted_area", "cloud")}  # fmt: skip
    shapely.prepare(layers["landslides"])
    own = np.stack([shapely.contains_xy(s, lon, lat) for s in layers["landslides"]])
    back = Transformer.from_crs(4326, 32654, always_xy=True)
    mapped, cloud = (
        shapely.transform(layers[n][0], lambda c: np.column_stack(back.transform(*c.T)))
        for n in ("interpreted_area", "cloud")
    )
    windows = []
    for row in range(0, 16, 2):
        for col in range(0, 32, 2):
            left, top = x0 + col * 320, y0 - row * 320
            square = shapely.box(left, top - 640, left + 640, top)
            if mapped.covers(square) and not cloud.intersects(square):
                place = (slice(row * 32, row * 32 + 64), slice(col * 32, col * 32 + 64))
                windows.append((row, col, place))
    return {"own": own, "shapes": layers, "lon": lon, "lat": lat, "windows": windows}
