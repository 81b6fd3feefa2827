"""The STAC collection of an event."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sarlra.catalog import footprint
from sarlra.catalog.assets import TEMPLATES
from sarlra.catalog.names import ROOT, collection_path, item_path, relative
from sarlra.catalog.provenance import plain, utc_text
from sarlra.catalog.resources import catalogs_file
from sarlra.catalog.versions import Document
from sarlra.events.event import Event

EXTENSIONS = (
    "https://stac-extensions.github.io/file/v2.1.0/schema.json",
    "https://stac-extensions.github.io/table/v1.2.0/schema.json",
)
#: Properties whose values over all items stand in the summaries.
_SUMMARISED = (
    "platform",
    "constellation",
    "instruments",
    "gsd",
    "sar:instrument_mode",
    "sar:frequency_band",
    "sar:polarizations",
    "sat:orbit_state",
    "sat:relative_orbit",
    "proj:code",
    "processing:level",
    "version",
    "sarlra:track",
    "sarlra:model",
    "sarlra:recipe_hash",
)


def collection_document(
    event: Event,
    documents: Sequence[Document],
    current: Sequence[Document],
    summary: Mapping[str, Any],
    own_assets: Mapping[str, dict[str, Any]],
) -> dict[str, Any]:
    """The collection as a JSON document.

    Parameters
    ----------
    documents, current
        All items of the event, and those that made ``own_assets``, the merged detections.
    summary
        Numbers of the current items.
    """
    template = _template()
    path = collection_path(event.id)
    return {
        "type": "Collection",
        "stac_version": "1.1.0",
        "stac_extensions": list(EXTENSIONS),
        "id": event.id,
        "title": template["title"].replace("{title}", event.title),
        "description": template["description"].replace("{title}", event.title),
        "keywords": template["keywords"],
        "license": template["license"],
        "providers": template["providers"],
        "extent": {
            "spatial": {"bbox": _boxes(event, documents)},
            "temporal": {"interval": [_interval(event, documents)]},
        },
        "summaries": _summaries(documents),
        "item_assets": {key: dict(entry) for key, entry in TEMPLATES.items()},
        "sarlra:event": _event(event),
        "sarlra:current": [str(document["id"]) for document in current],
        "sarlra:statistics": plain(summary, event.id),
        "links": [
            {"rel": "root", "href": relative(ROOT, path), "type": "application/json"},
            {"rel": "parent", "href": relative(ROOT, path), "type": "application/json"},
            template["license_link"],
            *(_item_link(document, path) for document in documents),
        ],
        "assets": dict(own_assets),
    }


def _template() -> dict[str, Any]:
    text = catalogs_file("collections", "event.json").read_text(encoding="utf-8")
    return json.loads(text)  # type: ignore[no-any-return]


def _item_link(document: Document, path: str) -> dict[str, Any]:
    properties = document["properties"]
    return {
        "rel": "item",
        "href": relative(item_path(str(document["id"])), path),
        "type": "application/geo+json",
        "title": properties["title"],
        "version": properties["version"],
    }


def _boxes(event: Event, documents: Sequence[Document]) -> list[list[float]]:
    """The box around all items; around the area of interest where there are none."""
    if documents:
        return [footprint.union([list(document["bbox"]) for document in documents])]
    return [footprint.union([list(part.bounds) for part in event.area.geoms])]


def _interval(event: Event, documents: Sequence[Document]) -> list[str | None]:
    properties = [document["properties"] for document in documents]
    if not properties:
        return [utc_text(event.first_origin), None]
    starts = [p["start_datetime"] for p in properties]
    return [min(starts, key=_moment), max((p["end_datetime"] for p in properties), key=_moment)]


def _moment(text: str) -> str:
    # With and without fractions of a second, the texts order as the times do without the Z.
    return text.removesuffix("Z")


def _summaries(documents: Iterable[Document]) -> dict[str, list[Any]]:
    found: dict[str, set[Any]] = {name: set() for name in _SUMMARISED}
    for document in documents:
        for name in _SUMMARISED:
            value = document["properties"].get(name)
            found[name].update(value if isinstance(value, list) else [value])
    listed = {name: sorted(values - {None}) for name, values in found.items()}
    return {name: values for name, values in listed.items() if values}


def _event(event: Event) -> dict[str, Any]:
    return {
        "id": event.id,
        "title": event.title,
        "origins": [utc_text(origin) for origin in event.origins],
        "magnitude": event.magnitude,
        "depth_km": event.depth_km,
        "epicentre": list(event.epicentre) if event.epicentre else None,
        "area_origin": event.area_origin,
        "source": event.source,
    }
