"""Folding items into their event's collection and the root catalogue.

Items are written by many workers, each its own; collection, merged detections and root are written
here alone, by one process at a time. Everything is rebuilt from the items that stand, so folding
again without new items writes the same bytes.
"""

from __future__ import annotations

import json
import logging
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sarlra.catalog import assets, vector
from sarlra.catalog.collection_document import collection_document
from sarlra.catalog.coverage import coverage
from sarlra.catalog.merge import Merged, Suppress, merge_detections
from sarlra.catalog.names import COLLECTIONS, FILES, ROOT, collection_path, event_name, item_path
from sarlra.catalog.root import root_bytes, to_bytes
from sarlra.catalog.sink import Sink
from sarlra.catalog.standing import asset_fault
from sarlra.catalog.validate import validate_document, validate_item
from sarlra.catalog.versions import Document, current_of, lineages
from sarlra.errors import CatalogError
from sarlra.events.event import Event

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FoldResult:
    """What a fold found and wrote.

    ``items`` are linked from the collection, ``current`` among them made the merged detections;
    ``rejected`` were found and left out, as (id, reason). ``detections`` counts the merged rows,
    ``dropped`` and ``restored`` the rows by which they differ from the items' own tables.
    ``by_track`` has the numbers of each track's current items.
    """

    event_id: str
    items: tuple[str, ...]
    current: tuple[str, ...]
    rejected: tuple[tuple[str, str], ...]
    detections: int
    dropped: int
    restored: int
    by_track: Mapping[str, Mapping[str, Any]]


def fold(
    sink: Sink, event: Event, *, suppress: Suppress, item_ids: Sequence[str] | None = None
) -> FoldResult:
    """Write an event's collection with its merged detections, and the root catalogue.

    Parameters
    ----------
    suppress
        Non-maximum suppression over boxes of (row0, column0, row1, column1), as
        :func:`sarlra.detection.suppress.suppress`.
    item_ids
        The items that make the merged detections; None takes the newest of each tile and track.
        All valid items are linked in any case.

    Raises
    ------
    CatalogError
        One of ``item_ids`` is not there or not valid, or two are of one tile and track.
    StoreError
        The sink cannot be written.
    """
    documents, rejected = _read_items(sink, event)
    _require(item_ids, documents, rejected)
    current = current_of(lineages(documents, item_ids), item_ids)
    merged = merge_detections(sink, current, suppress)
    summary = {**_summary(current, merged), "coverage": coverage(sink, event, current)}
    own_assets = _put_merged(sink, event, merged)
    collection = collection_document(event, documents, current, summary, own_assets)
    validate_document(collection)
    path = collection_path(event.id)
    sink.put_bytes(path, to_bytes(collection))
    sink.put_bytes(ROOT, root_bytes(collection_titles(sink)))
    return FoldResult(
        event_id=event.id,
        items=tuple(str(document["id"]) for document in documents),
        current=tuple(str(document["id"]) for document in current),
        rejected=tuple(rejected),
        detections=len(merged.table),
        dropped=merged.dropped,
        restored=merged.restored,
        by_track=summary["tracks"],
    )


def _read_items(sink: Sink, event: Event) -> tuple[list[Document], list[tuple[str, str]]]:
    """Valid items of the event with all their files, by id, and the rest with the reason."""
    documents: list[Document] = []
    rejected: list[tuple[str, str]] = []
    prefix = f"{event_name(event.id)}_"
    for identifier in sink.list_items():
        if not identifier.startswith(prefix):
            continue
        try:
            document = _read_item(sink, identifier)
        except (CatalogError, ValueError, RecursionError) as error:
            log.warning("item %s is left out of the collection: %s", identifier, error)
            rejected.append((identifier, str(error)))
            continue
        # Another event's id can begin with this one's.
        if document.get("collection") == event.id:
            documents.append(document)
    return documents, rejected


def _read_item(sink: Sink, identifier: str) -> Document:
    path = item_path(identifier)
    document = json.loads(sink.read_bytes(path))
    if not isinstance(document, dict) or document.get("id") != identifier:
        raise CatalogError(f"{sink.url_of(path)} is not the item {identifier}")
    validate_item(document)
    if fault := asset_fault(sink, document, path, verify=False):
        raise CatalogError(f"item {identifier}: {fault}")
    return document


def _require(
    item_ids: Sequence[str] | None,
    documents: Sequence[Document],
    rejected: Sequence[tuple[str, str]],
) -> None:
    reasons = dict(rejected)
    found = {str(document["id"]) for document in documents}
    for identifier in sorted(set(item_ids or ()) - found):
        reason = reasons.get(identifier, "there is no such item")
        raise CatalogError(f"item {identifier} cannot be folded: {reason}")


def _summary(current: Sequence[Document], merged: Merged) -> dict[str, Any]:
    """Numbers of the current items, all together and by track."""
    tracks: dict[str, dict[str, Any]] = {}
    for document in current:
        properties = document["properties"]
        numbers = tracks.setdefault(
            properties["sarlra:track"],
            {"items": 0, "n_pre": 0, "n_post": 0, "windows": 0, "scored": 0, "detections": 0},
        )
        numbers["items"] += 1
        for name in ("n_pre", "n_post"):
            numbers[name] = max(numbers[name], properties[f"sarlra:{name}"])
        for name in ("windows", "scored"):
            numbers[name] += properties["sarlra:statistics"][name]
    for track, numbers in tracks.items():
        numbers["detections"] = int((merged.table["track"] == track).sum())
    return {
        "items": len(current),
        "windows": sum(numbers["windows"] for numbers in tracks.values()),
        "scored": sum(numbers["scored"] for numbers in tracks.values()),
        "detections": len(merged.table),
        "dropped_at_seams": merged.dropped,
        "restored_at_seams": merged.restored,
        "tracks": dict(sorted(tracks.items())),
    }


def _put_merged(sink: Sink, event: Event, merged: Merged) -> dict[str, dict[str, Any]]:
    """Write the merged tables and describe them as assets of the collection."""
    described: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory(prefix="sarlra-fold-") as folder:
        for key, write in (
            ("detections", vector.write_parquet),
            ("detections-geojson", vector.write_geojson),
        ):
            local = Path(folder) / FILES[key]
            write(local, merged.table)
            described[key] = {
                **assets.table_asset(key, local, merged.table),
                "title": "Detected windows of all current items, settled over the tiles' seams",
                "description": (
                    "All windows over the threshold of one track and UTM zone, suppressed "
                    "together; the column item names the item that a window belongs to."
                ),
            }
            sink.put_file(local, f"{COLLECTIONS}/{event.id}/{FILES[key]}")
    return described


def collection_titles(sink: Sink) -> list[tuple[str, str]]:
    """(id, title) of every collection that stands and can be read."""
    found: list[tuple[str, str]] = []
    for identifier in sink.list_collections():
        try:
            document = json.loads(sink.read_bytes(collection_path(identifier)))
            found.append((identifier, str(document.get("title", identifier))))
        except (ValueError, AttributeError, RecursionError) as error:
            log.warning("collection %s is not linked from the root: %s", identifier, error)
    return found
