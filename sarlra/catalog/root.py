"""The root ``catalog.json``: what marks a place as ours, and the way to every collection."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from sarlra.catalog.names import ROOT, collection_path, relative

#: Marks a root catalogue that this package wrote, and the layout below it.
LAYOUT_FIELD = "sarlra:layout"
LAYOUT = "1"


def to_bytes(document: dict[str, Any]) -> bytes:
    """A document as JSON: UTF-8, two spaces, keys in the given order, no NaN."""
    return (json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


def root_document(collections: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """The root catalogue over collections given as (id, title)."""
    links: list[dict[str, str]] = [
        {"rel": "root", "href": f"./{ROOT}", "type": "application/json"},
    ]
    links += [
        {
            "rel": "child",
            "href": relative(collection_path(identifier), ROOT),
            "type": "application/json",
            "title": title,
        }
        for identifier, title in sorted(collections)
    ]
    return {
        "type": "Catalog",
        "id": "sarlra",
        "stac_version": "1.1.0",
        "title": "Possible landslides after earthquakes, from Sentinel-1 radar",
        "description": (
            "One collection per event; in it one item per tile and track, with the change of "
            "backscatter, the scores of all windows, and the windows that were detected."
        ),
        LAYOUT_FIELD: LAYOUT,
        "links": links,
    }


def root_bytes(collections: Iterable[tuple[str, str]]) -> bytes:
    """:func:`root_document` as the bytes of the file."""
    return to_bytes(root_document(collections))


def is_ours(data: bytes) -> bool:
    """Whether the bytes are a root catalogue that this package wrote, in this layout."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return False
    return isinstance(document, dict) and document.get(LAYOUT_FIELD) == LAYOUT
