"""Reading results back from a catalogue, by item id."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, BinaryIO, Protocol

import geopandas as gpd
import numpy as np
import pandas as pd
from affine import Affine
from numpy.typing import NDArray
from pydantic import ValidationError
from rasterio.errors import RasterioError
from rasterio.io import MemoryFile

from sarlra.catalog.names import COLLECTIONS, FILES, asset_path, event_name
from sarlra.errors import CatalogError
from sarlra.grid import Tile
from sarlra.recipe import Recipe

#: A file with more bytes, or a raster with more values, than a result has is not read.
_MAX_BYTES = 2 * 2**30
_MAX_VALUES = 4 * 16_384**2
_TILE_ID = re.compile(r"(32[67]\d\d)E(-?\d{1,7})N(-?\d{1,7})")


class Files(Protocol):
    """A catalogue's files by path relative to its root: a sink, or a place opened for reading."""

    def open(self, rel: str) -> BinaryIO:
        """The file for reading, seekable; CatalogError where there is none."""
        ...


def read_scores(files: Files, item_id: str) -> NDArray[np.float32]:
    """The lattice of scores of an item: float32 (n, n), rows from the north, NaN = no score.

    Raises
    ------
    CatalogError
        There is no such file, or it is no raster.
    """
    values, _ = read_raster(files, item_id, "scores")
    return np.asarray(values[0], dtype=np.float32)


def read_raster(files: Files, item_id: str, key: str) -> tuple[NDArray[Any], Affine]:
    """All bands of a raster asset, (bands, rows, columns) of the file's dtype, and its transform.

    Raises
    ------
    CatalogError
        There is no such file, it is no raster, or larger than a result can be.
    """
    path = asset_path(item_id, key)
    try:
        with MemoryFile(_read(files, path)) as memory, memory.open() as raster:
            if raster.count * raster.width * raster.height > _MAX_VALUES:
                raise CatalogError(f"{path} is larger than a result can be")
            return raster.read(), raster.transform
    except RasterioError as error:
        raise CatalogError(f"{path} cannot be read as a raster: {error}") from error


def read_detections(files: Files, item_ids: Sequence[str]) -> gpd.GeoDataFrame:
    """The detections of several items, one after the other, EPSG:4326.

    Raises
    ------
    CatalogError
        There is no such file, or it is no table.
    """
    tables = [_table(files, asset_path(item_id, "detections")) for item_id in item_ids]
    whole = pd.concat(tables, ignore_index=True)
    return gpd.GeoDataFrame(whole, geometry="geometry", crs=4326)


def read_outlines(files: Files, path: str) -> gpd.GeoDataFrame:
    """A table of outlines, EPSG:4326.

    Raises
    ------
    CatalogError
        There is no such file, or it is no table.
    """
    return _table(files, path)


def read_merged(files: Files, event_id: str) -> gpd.GeoDataFrame:
    """An event's detections, settled over the seams of its tiles, EPSG:4326.

    Raises
    ------
    CatalogError
        There is no such file, or it is no table.
    """
    return _table(files, f"{COLLECTIONS}/{event_name(event_id)}/{FILES['detections']}")


def grid_of_item(document: dict[str, Any]) -> tuple[Tile, Recipe]:
    """The tile and the recipe of an item.

    Raises
    ------
    CatalogError
        The item states them in a way that this package does not.
    """
    properties, name = document["properties"], document["id"]
    try:
        recipe = Recipe.model_validate(properties["sarlra:recipe"])
    except ValidationError as error:
        raise CatalogError(f"item {name}: sarlra:recipe is none: {error}") from error
    found = _TILE_ID.fullmatch(str(properties["sarlra:tile"]))
    if found is None:
        raise CatalogError(f"item {name}: sarlra:tile {properties['sarlra:tile']!r} names no tile")
    epsg, column, row = (int(part) for part in found.groups())
    return Tile(epsg, column, row, recipe.tile_px, recipe.resolution), recipe


def read_visibility(files: Files, document: dict[str, Any]) -> NDArray[np.uint8] | None:
    """An item's layer of visibility on the pixels of its tile; 255 where it has none.

    Returns
    -------
    ``(size, size)`` uint8 codes; None where the item has no such layer.

    Raises
    ------
    CatalogError
        The layer cannot be read, or lies beside the tile.
    """
    if "visibility" not in document["assets"]:
        return None
    tile, _ = grid_of_item(document)
    values, transform = read_raster(files, str(document["id"]), "visibility")
    codes = np.full((tile.size_px, tile.size_px), 255, dtype=np.uint8)
    left, _, _, top = tile.bounds
    row = round((top - transform.f) / tile.resolution)
    col = round((transform.c - left) / tile.resolution)
    rows, cols = values.shape[1:]
    if row < 0 or col < 0 or row + rows > tile.size_px or col + cols > tile.size_px:
        raise CatalogError(f"item {document['id']}: its visibility does not lie in its tile")
    codes[row : row + rows, col : col + cols] = values[0]
    return codes


def _table(files: Files, path: str) -> gpd.GeoDataFrame:
    try:
        with files.open(path) as stream:
            return gpd.read_parquet(stream)
    except (ValueError, OSError, KeyError) as error:
        raise CatalogError(f"{path} cannot be read as a table: {error}") from error


def _read(files: Files, path: str) -> bytes:
    with files.open(path) as stream:
        data = stream.read(_MAX_BYTES + 1)
    if len(data) > _MAX_BYTES:
        raise CatalogError(f"{path} has more than {_MAX_BYTES} bytes")
    return data
