"""The reviews of an event in a folder: each a STAC item of its own, never written again.

::

    EVENT/collection.json             all reviews of an event, rebuilt after each
    EVENT/REVIEW_ID/REVIEW_ID.json    REVIEW_ID is EVENT_DETECTION_rN

A new review of the same detection is the next version and links the one before. The folder lies
apart from the results that it speaks of, which stay as they are.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from shapely.geometry import shape

from sarlra.catalog.folder import FolderSink
from sarlra.catalog.names import is_name
from sarlra.catalog.review import VERDICTS, Review, review_item
from sarlra.catalog.root import to_bytes
from sarlra.catalog.validate import validate_document, validate_fields
from sarlra.errors import CatalogError, StoreError

#: As many as one event may have.
MAX_REVIEWS = 100_000


def add_review(folder: Path, review: Review) -> dict[str, Any]:
    """Write a review as the next version of its detection's, and the collection anew.

    Raises
    ------
    InputError
        The review is none.
    StoreError
        The folder cannot be written.
    """
    review.check()
    sink = FolderSink(folder)
    with _alone(folder):
        before = [d for d in read_reviews(folder, review.event)
                  if d["properties"]["sarlra:detection"] == review.detection]  # fmt: skip
        number = 1 + max((_number(d) for d in before), default=0)
        document = review_item(review, number)
        validate_document(document)
        validate_fields(document, "review")
        sink.put_bytes(_path(document), to_bytes(document))
        everything = read_reviews(folder, review.event)
        sink.put_bytes(
            f"{review.event}/collection.json", to_bytes(_collection(review.event, everything))
        )
    return document


def _collection(event: str, documents: Sequence[dict[str, Any]]) -> dict[str, Any]:
    boxes = [shape(d["geometry"]).bounds for d in documents]
    around = [
        *(min(box[n] for box in boxes) for n in (0, 1)),
        *(max(box[n] for box in boxes) for n in (2, 3)),
    ]
    times = sorted(d["properties"]["datetime"] for d in documents)
    items = [
        {
            "rel": "item",
            "href": f"./{d['id']}/{d['id']}.json",
            "type": "application/geo+json",
            "title": d["properties"]["title"],
        }
        for d in documents
    ]
    document = {
        "type": "Collection",
        "stac_version": "1.1.0",
        "id": f"{event}-reviews",
        "title": f"Reviews of detections: {event}",
        "description": "What analysts found when they looked; of a detection the newest stands.",
        "license": "other",
        "extent": {
            "spatial": {"bbox": [around]},
            "temporal": {"interval": [[times[0], times[-1]]]},
        },
        "sarlra:current": [str(d["id"]) for d in current_reviews(documents)],
        "links": items,
    }
    validate_document(document)
    return document


def read_reviews(folder: Path, event: str) -> list[dict[str, Any]]:
    """All reviews of an event, by id; files that are none are left out.

    Raises
    ------
    CatalogError
        There are more than can be.
    """
    if not is_name(event, 80) or not (folder / event).is_dir():
        return []
    found = []
    for path in sorted((folder / event).glob("*_r*/*_r*.json")):
        try:
            document = json.loads(path.read_bytes())
            validate_document(document)
            if document["id"] == path.stem and set(VERDICTS) & {
                document["properties"]["sarlra:verdict"]
            }:
                found.append(document)
        except (ValueError, KeyError, TypeError, CatalogError, RecursionError, OSError):
            continue
        if len(found) > MAX_REVIEWS:
            raise CatalogError(f"{folder}/{event} has more than {MAX_REVIEWS} reviews")
    return found


def current_reviews(documents: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The newest review of each detection, by detection."""
    newest: dict[str, dict[str, Any]] = {}
    for document in documents:
        detection = document["properties"]["sarlra:detection"]
        if detection not in newest or _number(document) > _number(newest[detection]):
            newest[detection] = document
    return [newest[name] for name in sorted(newest)]


def _number(document: dict[str, Any]) -> int:
    return int(document["properties"]["version"])


def _path(document: dict[str, Any]) -> str:
    name = document["id"]
    return f"{document['properties']['sarlra:event']}/{name}/{name}.json"


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One writer at a time: two reviews of one detection get two numbers."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / ".lock").open("w")
    except OSError as error:
        raise StoreError(f"cannot write reviews to {folder}: {error.strerror or error}") from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
