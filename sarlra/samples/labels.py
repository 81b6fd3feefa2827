"""The share of landslide in every window of a tile's lattice, from an inventory of polygons."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import numpy.typing as npt
from rasterio.features import rasterize

from sarlra.errors import InputError
from sarlra.grid import PixelBox, Tile
from sarlra.recipe import Recipe

#: A window with more than this share of landslide pixels is of the landslide class (paper, 3.2).
LANDSLIDE_SHARE = 0.05


def landslide_share(
    inventory: gpd.GeoDataFrame, tile: Tile, recipe: Recipe
) -> npt.NDArray[np.float32]:
    """The share of landslide pixels per window.

    Parameters
    ----------
    inventory
        Polygons in any CRS. A pixel is landslide where its centre lies in a polygon.
    tile, recipe
        Give the lattice: n = size_px // stride windows per axis, rows from the north; windows at
        the right and lower edges reach into the halo.

    Returns
    -------
    numpy.ndarray
        float32, shape (n, n), between 0 and 1.

    Raises
    ------
    InputError
        The inventory has no CRS.
    """
    pixels = burn(inventory, tile, recipe)
    stride, per_window = recipe.stride_px, recipe.window_px // recipe.stride_px
    n = tile.size_px // stride
    cells = pixels.reshape(n + per_window - 1, stride, n + per_window - 1, stride)
    sums = cells.sum(axis=(1, 3), dtype=np.int64)
    windows = np.zeros((n, n), dtype=np.int64)
    for i in range(per_window):
        for j in range(per_window):
            windows += sums[i : i + n, j : j + n]
    return (windows / recipe.window_px**2).astype(np.float32)


def burn(inventory: gpd.GeoDataFrame, tile: Tile, recipe: Recipe) -> npt.NDArray[np.uint8]:
    """Landslide pixels (1) of a tile with its halo; uint8, edge size_px + halo_px.

    Raises
    ------
    InputError
        The inventory has no CRS.
    """
    if inventory.crs is None:
        raise InputError(
            "the inventory has no coordinate reference system",
            hint="write it with one, such as EPSG:4326",
        )
    edge = tile.size_px + recipe.halo_px
    box = PixelBox(0, edge, 0, edge)
    polygons = inventory.geometry.to_crs(tile.epsg)
    left, bottom, right, top = box.bounds(tile)
    near = polygons.cx[left:right, bottom:top]
    near = near[~near.is_empty & near.notna()]
    if near.empty:
        return np.zeros((edge, edge), dtype=np.uint8)
    burnt = rasterize(
        ((shape, 1) for shape in near),
        out_shape=(edge, edge),
        transform=box.transform(tile),
        dtype="uint8",
    )
    return np.asarray(burnt, dtype=np.uint8)
