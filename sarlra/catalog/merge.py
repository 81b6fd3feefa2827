"""One table of detections from the items of an event, settled over the seams of its tiles.

Suppression inside a tile does not see the neighbour's windows. So the merged table is made from
the scores of all windows, not from the tiles' tables: for each track on each UTM zone, all windows
over the threshold are suppressed together. The result is the one that a single tile over the whole
area would have had; pairs over an edge between zones are settled by
:mod:`sarlra.catalog.zone_edges`. Where a window of the neighbour drops a tile's detection, a window
that this one had dropped can come back; its change statistics are then read from the change COGs.
"""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
from rasterio.errors import RasterioError
from rasterio.io import MemoryFile

from sarlra.catalog.names import asset_path
from sarlra.catalog.restore import Grid, grid_of, restore
from sarlra.catalog.sink import Sink
from sarlra.catalog.vector import COLUMNS, empty
from sarlra.catalog.versions import Document
from sarlra.catalog.zone_edges import across_zone_edges
from sarlra.errors import CatalogError

Suppress = Callable[[np.ndarray, np.ndarray, float], np.ndarray]
"""(boxes (n, 4) of row0, column0, row1, column1; scores (n,); overlap) -> indices kept."""


@dataclass(frozen=True, slots=True)
class Merged:
    """The merged table, and how it differs from the items' tables put together."""

    table: gpd.GeoDataFrame
    dropped: int
    restored: int


def merge_detections(sink: Sink, documents: Sequence[Document], suppress: Suppress) -> Merged:
    """Merge the detections of items, at most one per tile and track.

    Returns
    -------
    Merged
        Rows by track, then zone, then score from the highest; columns as in the items' tables
        with ``item`` beside them. Columns that an item has not (VH where it is VV alone) are NaN.

    Raises
    ------
    CatalogError
        A file of an item is missing or cannot be read.
    """
    groups: dict[Grid, list[Document]] = defaultdict(list)
    for document in sorted(documents, key=lambda d: str(d["id"])):
        groups[grid_of(document)].append(document)
    ordered = sorted(groups, key=lambda g: (g.track, g.epsg, g.threshold, g.overlap, g.tile_px))
    merged = [_merge_group(sink, grid, groups[grid], suppress) for grid in ordered]
    table = joined([m.table for m in merged])
    dropped, restored = sum(m.dropped for m in merged), sum(m.restored for m in merged)
    if len({grid.epsg for grid in ordered}) > 1:
        stay = across_zone_edges(table, ordered[0].overlap)
        table, dropped = table[stay], dropped + int((~stay).sum())
    return Merged(table, dropped, restored)


def _merge_group(
    sink: Sink, grid: Grid, documents: Sequence[Document], suppress: Suppress
) -> Merged:
    known = joined([_table_of(sink, str(document["id"])) for document in documents])
    candidates = pd.concat([_candidates(sink, grid, d) for d in documents], ignore_index=True)
    corners = candidates[["grid_row", "grid_column"]].to_numpy(np.int64)
    boxes = np.hstack([corners, corners + grid.window_px])
    kept = np.asarray(suppress(boxes, candidates["score"].to_numpy(), grid.overlap), dtype=int)
    chosen = candidates.iloc[np.sort(kept)]
    places = pd.MultiIndex.from_arrays([chosen["grid_row"], chosen["grid_column"]])
    known_places = pd.MultiIndex.from_arrays(
        [
            np.rint(-known["y"].to_numpy() / grid.resolution).astype(np.int64),
            np.rint(known["x"].to_numpy() / grid.resolution).astype(np.int64),
        ]
    )
    standing = known[known_places.isin(places)]
    back = restore(sink, grid, documents, chosen[~places.isin(known_places)])
    table = joined([standing, back])
    order = np.lexsort((table["x"], -table["y"], -table["score"]))
    return Merged(table.iloc[order], len(known) - len(standing), len(back))


def _candidates(sink: Sink, grid: Grid, document: Document) -> pd.DataFrame:
    """Windows of an item over its threshold, with their place on the zone's grid in pixels."""
    identifier = str(document["id"])
    scores, left, top = _read(sink, asset_path(identifier, "scores"))
    counts, _, _ = _read(sink, asset_path(identifier, "score-reasons"))
    if scores.shape[1:] != counts.shape[1:]:
        raise CatalogError(f"item {identifier}: scores and their reasons differ in shape")
    # NaN, no score, is over no threshold.
    cells = np.argwhere(scores[0] > grid.threshold)
    rows, columns = cells[:, 0], cells[:, 1]
    # A cell is centred on its window, which is larger by this on each side.
    margin = (grid.window_px - grid.stride_px) / 2
    row0 = round(-top / grid.resolution - margin)
    column0 = round(left / grid.resolution - margin)
    return pd.DataFrame(
        {
            "grid_row": row0 + rows * grid.stride_px,
            "grid_column": column0 + columns * grid.stride_px,
            "row": rows * grid.stride_px,
            "col": columns * grid.stride_px,
            "score": scores[0, rows, columns],
            "n_pre": counts[1, rows, columns],
            "n_post": counts[2, rows, columns],
            "tile": pd.Series([document["properties"]["sarlra:tile"]] * len(cells), dtype="string"),
            "item": pd.Series([identifier] * len(cells), dtype="string"),
        }
    )


def _read(sink: Sink, rel: str) -> tuple[np.ndarray, float, float]:
    """(bands, rows, columns) of a raster and its left and upper edge."""
    try:
        with MemoryFile(sink.read_bytes(rel)) as memory, memory.open() as raster:
            return raster.read(), raster.bounds.left, raster.bounds.top
    except RasterioError as error:
        raise CatalogError(f"cannot read {sink.url_of(rel)}: {error}") from error


def _table_of(sink: Sink, identifier: str) -> gpd.GeoDataFrame:
    rel = asset_path(identifier, "detections")
    try:
        table = gpd.read_parquet(io.BytesIO(sink.read_bytes(rel)))
    except (ValueError, OSError, KeyError) as error:
        raise CatalogError(f"cannot read {sink.url_of(rel)}: {error}") from error
    table = table.drop(columns="bbox", errors="ignore")
    return table.assign(item=pd.Series([identifier] * len(table), dtype="string"))


def joined(tables: Sequence[gpd.GeoDataFrame]) -> gpd.GeoDataFrame:
    """Tables of detections one below the other, with the columns of all, geometry last."""
    if not tables:
        return empty().assign(item=pd.Series(dtype="string"))[
            [*_names([empty()]), "item", "geometry"]
        ]
    names = _names(tables)
    columns = {name: _column(tables, name) for name in names}
    shapes = np.concatenate([table.geometry.to_numpy() for table in tables])
    return gpd.GeoDataFrame(columns, geometry=gpd.GeoSeries(shapes, crs=4326), crs=4326)


def _names(tables: Sequence[gpd.GeoDataFrame]) -> list[str]:
    found = {str(name) for table in tables for name in table.columns} - {"geometry"}
    return [n for n in COLUMNS if n in found] + sorted(found - set(COLUMNS))


def _column(tables: Sequence[gpd.GeoDataFrame], name: str) -> pd.Series:
    parts = [
        table[name] if name in table else pd.Series([None] * len(table), dtype="object")
        for table in tables
    ]
    values = [value for part in parts for value in part.tolist()]
    kind = COLUMNS[name][0] if name in COLUMNS else None
    if kind is None:
        kind = next(str(t[name].dtype) for t in tables if name in t)
    return pd.Series(values, dtype=kind)
