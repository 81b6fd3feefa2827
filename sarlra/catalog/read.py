"""Reading results back from a catalogue, by item id."""

from __future__ import annotations

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rasterio.errors import RasterioError
from rasterio.io import MemoryFile

from sarlra.catalog.names import asset_path
from sarlra.catalog.sink import Sink
from sarlra.errors import CatalogError


def read_scores(sink: Sink, item_id: str) -> NDArray[np.float32]:
    """The lattice of scores of an item: float32 (n, n), rows from the north, NaN = no score.

    Raises
    ------
    CatalogError
        There is no such file, or it is no raster.
    """
    lattice: NDArray[np.float32] = read_bands(sink, item_id, "scores")[0]
    return lattice


def read_bands(sink: Sink, item_id: str, key: str) -> NDArray[np.float32]:
    """All bands of a raster asset: float32 (bands, rows, columns).

    Raises
    ------
    CatalogError
        There is no such file, or it is no raster.
    """
    path = asset_path(item_id, key)
    try:
        with MemoryFile(sink.read_bytes(path)) as memory, memory.open() as raster:
            values: NDArray[np.float32] = raster.read(out_dtype="float32")
            return values
    except RasterioError as error:
        raise CatalogError(f"{sink.url_of(path)} cannot be read as a raster: {error}") from error


def read_detections(sink: Sink, item_ids: Sequence[str]) -> gpd.GeoDataFrame:
    """The detections of several items, one after the other, EPSG:4326.

    Raises
    ------
    CatalogError
        There is no such file.
    """
    tables = []
    for item_id in item_ids:
        with sink.open(asset_path(item_id, "detections")) as stream:
            tables.append(gpd.read_parquet(stream))
    whole = pd.concat(tables, ignore_index=True)
    return gpd.GeoDataFrame(whole, geometry="geometry", crs=4326)
