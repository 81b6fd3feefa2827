"""Rows of a table of detections for windows that no item's table has."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
from rasterio.io import DatasetReader
from rasterio.windows import Window

from sarlra.catalog.names import asset_path
from sarlra.catalog.sink import Sink
from sarlra.catalog.vector import COLUMNS
from sarlra.catalog.versions import Document
from sarlra.detection.detect import outlines_4326
from sarlra.grid import Bounds
from sarlra.models.calibration import apply, calibration_of


@dataclass(frozen=True, slots=True)
class Grid:
    """What items have to share so that their windows are suppressed together."""

    epsg: int
    track: str
    orbit_state: str
    resolution: float
    stride_px: int
    window_px: int
    tile_px: int
    threshold: float
    overlap: float


def grid_of(document: Document) -> Grid:
    """The grid of an item's windows."""
    properties = document["properties"]
    recipe = properties["sarlra:recipe"]
    return Grid(
        epsg=int(properties["proj:code"].removeprefix("EPSG:")),
        track=properties["sarlra:track"],
        orbit_state=properties["sat:orbit_state"],
        resolution=float(recipe["resolution"]),
        stride_px=int(recipe["stride_px"]),
        window_px=int(recipe["window_px"]),
        tile_px=int(recipe["tile_px"]),
        threshold=float(properties["sarlra:threshold"]),
        overlap=float(recipe["overlap"]),
    )


def restore(
    sink: Sink, grid: Grid, documents: Sequence[Document], windows: pd.DataFrame
) -> gpd.GeoDataFrame:
    """Describe windows as :func:`sarlra.detection.detect.detect` does, from the change COGs.

    Parameters
    ----------
    documents
        Items whose change COGs may show the windows: a window can reach into the next tile.
    windows
        ``grid_row``, ``grid_column`` (pixels from the zone's origin, rows southwards), ``row``,
        ``col``, ``score``, ``n_pre``, ``n_post``, ``tile`` and ``item``.
    """
    x = windows["grid_column"].to_numpy(np.float64) * grid.resolution
    y = -windows["grid_row"].to_numpy(np.float64) * grid.resolution
    size = grid.window_px * grid.resolution
    columns = {name: windows[name] for name in ("score", "n_pre", "n_post", "tile", "row", "col")}
    table = pd.DataFrame({**columns, "x": x, "y": y}).assign(
        track=grid.track, orbit_state=grid.orbit_state, epsg=grid.epsg, item=windows["item"]
    )
    calibrations = {
        str(d["id"]): calibration_of({"calibration": d["properties"].get("sarlra:calibration")})
        for d in documents
    }
    with ExitStack() as stack:
        changes = _Changes(sink, documents, stack)
        places = zip(x, y, strict=True)
        described = [
            _statistics(changes.read((x0, y0 - size, x0 + size, y0), grid)) for x0, y0 in places
        ]
    for name in sorted({name for found in described for name in found}):
        table[name] = [found.get(name, np.nan) for found in described]
    found = [calibrations[item] for item in table["item"]]
    if any(calibration is not None for calibration in found):
        table["probability"] = [
            np.nan if calibration is None else float(apply(calibration, score))
            for calibration, score in zip(found, table["score"], strict=True)
        ]
    table = table.astype({n: COLUMNS[n][0] for n in table.columns}).reset_index(drop=True)
    return gpd.GeoDataFrame(table, geometry=outlines_4326(x, y, size, grid.epsg), crs=4326)


class _Changes:
    """The change COGs of items, opened when first needed."""

    def __init__(self, sink: Sink, documents: Sequence[Document], stack: ExitStack) -> None:
        self._sink, self._documents, self._stack = sink, documents, stack
        self._opened: dict[str, DatasetReader] = {}

    def read(self, bounds: Bounds, grid: Grid) -> dict[str, np.ndarray]:
        """(window, window) float32 dB of each change band, NaN where no item has data."""
        found: dict[str, np.ndarray] = {}
        for document in self._documents:
            left, bottom, right, top = document["assets"]["change"]["proj:bbox"]
            if left < bounds[2] and bounds[0] < right and bottom < bounds[3] and bounds[1] < top:
                raster = self._open(str(document["id"]))
                for band, name in enumerate(raster.descriptions, start=1):
                    target = found.setdefault(
                        name, np.full((grid.window_px, grid.window_px), np.nan, np.float32)
                    )
                    _paste(target, raster, band, bounds, grid.resolution)
        return found

    def _open(self, identifier: str) -> DatasetReader:
        if identifier not in self._opened:
            stream = self._stack.enter_context(self._sink.open(asset_path(identifier, "change")))
            self._opened[identifier] = self._stack.enter_context(rasterio.open(stream))
        return self._opened[identifier]


def _paste(
    target: np.ndarray, raster: DatasetReader, band: int, bounds: Bounds, resolution: float
) -> None:
    """Copy what a raster shows of the target's bounds into it."""
    row = round((raster.bounds.top - bounds[3]) / resolution)
    column = round((bounds[0] - raster.bounds.left) / resolution)
    rows = slice(max(0, -row), min(target.shape[0], raster.height - row))
    columns = slice(max(0, -column), min(target.shape[1], raster.width - column))
    window = Window.from_slices(
        (row + rows.start, row + rows.stop), (column + columns.start, column + columns.stop)
    )
    target[rows, columns] = raster.read(band, window=window)


def _statistics(bands: dict[str, np.ndarray]) -> dict[str, float]:
    if not bands:
        return {"valid_share": 0.0}
    valid = np.logical_and.reduce([np.isfinite(values) for values in bands.values()])
    found = {"valid_share": float(valid.mean())}
    for name, values in bands.items():
        pixels = values[valid].astype(np.float64)
        if pixels.size:
            low, high = np.percentile(pixels, (5, 95))
            found |= {
                f"{name}_mean": float(pixels.mean()),
                f"{name}_p05": float(low),
                f"{name}_p95": float(high),
            }
    return found
