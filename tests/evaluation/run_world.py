"""A catalogue of two tiles side by side, for tests that evaluate it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import rasterio
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


def write_ridge(file: Path, west: float, east: float) -> Path:
    """A ridge: its western half falls to the west, the eastern to the east; degrees."""
    left, bottom, _, top = TILES[0].bounds
    right = TILES[1].bounds[2]
    x = np.arange(left - 4_000, right + 4_000, 10.0)
    middle = TILES[0].bounds[2]
    heights = 8_000 - np.where(
        x < middle, (middle - x) * np.tan(np.deg2rad(west)), (x - middle) * np.tan(np.deg2rad(east))
    )
    rows = round((top - bottom + 8_000) / 10)
    with rasterio.open(
        file, "w", driver="GTiff", count=1, dtype="float32", crs="EPSG:32654",
        height=rows, width=len(x),
        transform=rasterio.transform.from_origin(left - 4_000, top + 4_000, 10, 10),
    ) as raster:  # fmt: skip
        raster.write(np.tile(heights.astype(np.float32), (rows, 1)), 1)
    return file


def write_cover(file: Path) -> Path:
    """Trees in the west, crops in the east; in degrees, as WorldCover comes."""
    area = gpd.GeoSeries([shapely.box(*TILES[0].bounds), shapely.box(*TILES[1].bounds)], crs=32654)
    west, south, east, north = area.to_crs(4326).total_bounds
    middle = area.to_crs(4326).iloc[0].bounds[2]
    cols = 400
    codes = np.where(np.linspace(west, east, cols) < middle, 10, 40).astype(np.uint8)
    with rasterio.open(
        file, "w", driver="GTiff", count=1, dtype="uint8", crs="EPSG:4326", height=200, width=cols,
        transform=rasterio.transform.from_bounds(west, south, east, north, cols, 200),
    ) as raster:  # fmt: skip
        raster.write(np.tile(codes, (200, 1)), 1)
    return file
