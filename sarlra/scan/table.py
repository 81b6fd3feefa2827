"""The plan of a scan as GeoParquet: a row for each tile of each track, written cell by cell."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq
import shapely

from sarlra.catalog.names import item_id
from sarlra.events.geometry import split_antimeridian, transformer
from sarlra.grid import Tile
from sarlra.jobs.tiles import TileWindows
from sarlra.scan.cost import core_seconds
from sarlra.scan.planned import Planned, PlannedCell
from sarlra.scenes.polarisations import slices_of

_GEO = {
    "version": "1.1.0",
    "primary_column": "geometry",
    "columns": {"geometry": {"encoding": "WKB", "geometry_types": ["Polygon", "MultiPolygon"]}},
}
_TEXT = ("job_id", "item_id", "event", "cell", "tile", "track", "status", "reason", "version",
         "recipe_hash", "model", "model_sha256", "inputs_href")  # fmt: skip
_WHOLE = ("epsg", "column", "row", "tile_px", "n_pre", "n_post", "windows", "bytes_in")
_REAL = ("resolution", "core_seconds")
SCHEMA = pa.schema(
    [(name, pa.string()) for name in _TEXT]
    + [(name, pa.int64()) for name in _WHOLE]
    + [(name, pa.float64()) for name in _REAL]
    + [("inputs", pa.list_(pa.string())), ("geometry", pa.binary())],
    metadata={"geo": json.dumps(_GEO)},
)
"""``bytes_in`` and ``core_seconds`` are estimates; ``inputs`` the ids of the items that are read;
``geometry`` the tile, EPSG:4326. Text is null where a skipped row has none; a tile that was not
searched has one row, without a track."""
_ROWS = 2000


class PlanWriter:
    """Writes rows in groups of some thousands, so that a plan of any size stays out of memory."""

    def __init__(self, path: Path) -> None:
        self._writer = pq.ParquetWriter(path, SCHEMA, compression="zstd")
        self._tables: list[pa.Table] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._flush()
        self._writer.close()

    def add(self, rows: pa.Table) -> None:
        """Add rows of :data:`SCHEMA`."""
        if rows.num_rows:
            self._tables.append(rows)
        if sum(table.num_rows for table in self._tables) >= _ROWS:
            self._flush()

    def _flush(self) -> None:
        if self._tables:
            self._writer.write_table(pa.concat_tables(self._tables).combine_chunks())
            self._tables = []


def table_of(cell: PlannedCell) -> pa.Table:
    """All rows of a cell, of :data:`SCHEMA`."""
    return pa.Table.from_pylist(list(_rows(cell)), schema=SCHEMA)


def _rows(cell: PlannedCell) -> Iterable[dict[str, Any]]:
    for left in cell.left_out:
        yield _of_tile(cell, left.tile) | {"status": "skipped", "reason": left.reason}
    for entry in cell.entries:
        row = {
            "track": entry.track.id,
            "status": entry.state,
            "reason": entry.reason or None,
            "n_pre": len(entry.track.pre),
            "n_post": len(entry.track.post),
            "inputs": [part.item_id for part in slices_of(entry.track)],
            "bytes_in": entry.bytes_in,
            "core_seconds": core_seconds(entry),
        }
        yield _of_tile(cell, entry.tile) | row | _of_job(entry)


def _of_tile(cell: PlannedCell, windows: TileWindows) -> dict[str, Any]:
    tile = windows.tile
    return {
        "event": cell.event.id,
        "cell": cell.name,
        "tile": tile.id,
        "epsg": tile.epsg,
        "column": tile.column,
        "row": tile.row,
        "tile_px": tile.size_px,
        "resolution": tile.resolution,
        "n_pre": 0,
        "n_post": 0,
        "windows": int(windows.active.sum()),
        "bytes_in": 0,
        "core_seconds": 0.0,
        "inputs": [],
        "geometry": shapely.to_wkb(tile_outline(tile)),
    }


def _of_job(entry: Planned) -> dict[str, Any]:
    job = entry.job
    if job is None:
        return {}
    return {
        "job_id": job.id,
        "item_id": item_id(job.event, job.tile, job.track, job.version),
        "version": job.version,
        "recipe_hash": job.recipe.hash(),
        "model": job.model.name,
        "model_sha256": job.model.sha256,
        "inputs_href": job.inputs_href,
    }


def tile_outline(tile: Tile) -> shapely.Geometry:
    """A tile without its halo in EPSG:4326, split at the antimeridian."""
    square = shapely.segmentize(shapely.box(*tile.bounds), tile.size / 4)
    middle = (tile.epsg % 100) * 6.0 - 183.0
    lon, lat = transformer(tile.epsg, 4326).transform(*shapely.get_coordinates(square).T)
    lon = middle + (lon - middle + 180.0) % 360.0 - 180.0
    outline = shapely.Polygon(list(zip(lon, lat, strict=True)))
    if lon.min() >= -180.0 and lon.max() <= 180.0:
        return outline
    return split_antimeridian(outline, wide_crosses=False)
