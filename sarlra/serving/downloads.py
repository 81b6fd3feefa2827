"""The detections that are shown, as files: GeoJSON, GeoParquet, KML and CSV."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import geopandas as gpd
import pandas as pd
from fastapi import APIRouter, HTTPException, Query
from starlette.responses import Response

from sarlra.catalog.kml import to_kml
from sarlra.catalog.names import resolved
from sarlra.catalog.vector import to_csv, with_ids
from sarlra.errors import InputError, OutputError, SarlraError
from sarlra.serving.chosen import chosen
from sarlra.serving.limits import MAX_TABLE_BYTES
from sarlra.serving.live import Live
from sarlra.serving.results import Entry, Results
from sarlra.serving.sizes import areas_ha

Kind = Literal["geojson", "parquet", "kml", "csv"]


@dataclass(frozen=True, slots=True)
class Shown:
    """What of an event's detections is wanted.

    ``as_of`` is as for :func:`sarlra.serving.chosen.chosen`; ``tracks`` and ``orbits`` all if
    empty; ``min_area_ha`` is of :func:`sarlra.serving.sizes.areas_ha`; ``bbox`` is west, south,
    east, north.
    """

    as_of: str | None = None
    min_score: float = 0.0
    min_area_ha: float = 0.0
    tracks: tuple[str, ...] = ()
    orbits: tuple[str, ...] = ()
    bbox: tuple[float, float, float, float] | None = None


def detections_of(results: Results, event: str, shown: Shown) -> gpd.GeoDataFrame:
    """Detections by falling score, with an ``id`` and ``area_ha``.

    The current ones are those of the collection, settled over the tiles' seams; those of a moment
    in the past are the items' own.

    Raises
    ------
    InputError
        There is no such event, or the moment is none.
    CatalogError
        A table cannot be read.
    """
    entries = chosen(results, event, shown.as_of)
    collection = results.collections[event]
    if shown.as_of is None and "detections" in collection.document.get("assets", {}):
        entries = [collection]
    tables = [_read(results, entry) for entry in entries]
    if tables:
        # Empty tables have no types of their own.
        filled = [table for table in tables if len(table)] or tables[:1]
        table = gpd.GeoDataFrame(pd.concat(filled, ignore_index=True), crs=4326)
    else:
        raise InputError(f"event {event} had no result at {shown.as_of}")
    table = with_ids(table)
    table["area_ha"] = areas_ha(results, table)
    keep = (table["score"] >= shown.min_score) & (table["area_ha"] >= shown.min_area_ha)
    for column, wanted in (("track", shown.tracks), ("orbit_state", shown.orbits)):
        if wanted:
            keep &= table[column].isin(wanted)
    if shown.bbox is not None:
        west, south, east, north = shown.bbox
        bounds = table.geometry.bounds
        keep &= (bounds.minx <= east) & (bounds.maxx >= west)
        keep &= (bounds.miny <= north) & (bounds.maxy >= south)
    kept = table[keep].sort_values(["score", "id"], ascending=[False, True], kind="stable")
    return kept.reset_index(drop=True)


def with_triage(table: gpd.GeoDataFrame, ranked: pd.DataFrame | None) -> gpd.GeoDataFrame:
    """Detections with the columns of :func:`sarlra.evaluation.triage.triage` that are theirs."""
    return table if ranked is None else table.join(ranked, on="id")


def read_triage(file: Path) -> pd.DataFrame:
    """What `sarlra triage` has written (GeoJSON or GeoParquet): its own columns, by id.

    Raises
    ------
    InputError
        The file is none of these.
    """
    try:
        read = gpd.read_parquet if file.suffix == ".parquet" else gpd.read_file
        table = read(file).set_index("id", verify_integrity=True)
        own = [n for n in table.columns if n.startswith(("hit_", "priority"))]
        return pd.DataFrame(table[["priority", *(n for n in own if n != "priority")]])
    except Exception as error:  # readers raise what they like
        raise InputError(
            f"{file} is no triage: {error}", hint="write it with sarlra triage --out FILE.geojson"
        ) from error


def _read(results: Results, entry: Entry) -> gpd.GeoDataFrame:
    asset = entry.document["assets"].get("detections")
    path = resolved(asset["href"], entry.path) if asset else None
    if path is None or not results.is_served(path):
        raise InputError(f"{entry.document['id']} has no table of detections in the catalogue")
    with results.place.open(path) as stream:
        data = stream.read(MAX_TABLE_BYTES + 1)
    if len(data) > MAX_TABLE_BYTES:
        raise InputError(f"{path} has more than {MAX_TABLE_BYTES} bytes")
    try:
        table = gpd.read_parquet(io.BytesIO(data))
    except (ValueError, OSError, KeyError) as error:
        raise InputError(f"{path} is no table of detections: {error}") from error
    if "item" not in table.columns:
        table["item"] = entry.document["id"]
    return table


def _geojson(table: gpd.GeoDataFrame, title: str) -> bytes:
    document = json.loads(table.to_json(drop_id=True, na="null"))
    document.pop("crs", None)
    return (json.dumps({**document, "name": title}, ensure_ascii=False) + "\n").encode()


def _parquet(table: gpd.GeoDataFrame, title: str) -> bytes:  # noqa: ARG001
    stream = io.BytesIO()
    table.to_parquet(
        stream, index=False, compression="zstd", schema_version="1.1.0", write_covering_bbox=True
    )
    return stream.getvalue()


#: Ending -> (media type, writer of a table and a title).
FORMATS: Mapping[str, tuple[str, Callable[[gpd.GeoDataFrame, str], bytes]]] = {
    "geojson": ("application/geo+json", _geojson),
    "parquet": ("application/vnd.apache.parquet", _parquet),
    "kml": ("application/vnd.google-earth.kml+xml", to_kml),
    "csv": ("text/csv; charset=utf-8", lambda table, _: to_csv(table)),
}


def write_table(table: gpd.GeoDataFrame, title: str, out: Path) -> None:
    """Write a table by the ending of ``out``; whole or not at all.

    Raises
    ------
    InputError
        The ending is none of :data:`FORMATS`.
    OutputError
        The file cannot be written.
    """
    known = FORMATS.get(out.suffix.removeprefix("."))
    if known is None:
        raise InputError(f"{out} ends in none of {', '.join(f'.{kind}' for kind in FORMATS)}")
    part = out.with_name(f".{out.name}.part")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(known[1](table, title))
        part.replace(out)
    except OSError as error:
        raise OutputError(f"cannot write {out}: {error.strerror or error}") from error


def write_detections(results: Results, event: str, shown: Shown, out: Path) -> int:
    """Write detections of an event by the ending of ``out``; returns how many."""
    table = detections_of(results, event, shown)
    write_table(table, str(results.collections[event].document.get("title") or event), out)
    return len(table)


def downloads_router(live: Live, ranked: pd.DataFrame | None = None) -> APIRouter:
    """Routes of ``/detections/EVENT.KIND``, with the columns of a triage where there is one."""
    router = APIRouter(tags=["Detections"])

    @router.get("/detections/{event}.{kind}")
    def detections(
        event: str, kind: Kind,
        as_of: Annotated[str | None, Query(max_length=40)] = None,
        min_score: Annotated[float, Query(ge=0, le=1)] = 0.0,
        min_area_ha: Annotated[float, Query(ge=0, le=1e6)] = 0.0,
        track: Annotated[list[str] | None, Query(max_length=20)] = None,
        orbit: Annotated[list[str] | None, Query(max_length=3)] = None,
        bbox: Annotated[str | None, Query(max_length=120)] = None,
    ) -> Response:  # fmt: skip
        try:
            shown = Shown(
                as_of, min_score, min_area_ha, tuple(track or ()), tuple(orbit or ()), _bbox(bbox)
            )
            results = live.results
            table = with_triage(detections_of(results, event, shown), ranked)
        except InputError as error:
            status = 404 if "there is no event" in error.message else 400
            raise HTTPException(status, error.message) from error
        except SarlraError as error:
            raise HTTPException(500, "the detections cannot be read") from error
        media, write = FORMATS[kind]
        title = str(results.collections[event].document.get("title") or event)
        return Response(
            write(table, title),
            media_type=media,
            headers={
                "Content-Disposition": f'attachment; filename="{event}.{kind}"',
                "Cache-Control": "no-cache",
            },
        )

    return router


def _bbox(text: str | None) -> tuple[float, float, float, float] | None:
    if text is None:
        return None
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError as error:
        raise InputError("bbox is WEST,SOUTH,EAST,NORTH in degrees") from error
    return west, south, east, north
