"""What analysts found when they looked: each review a STAC item of its own, never written again.

::

    EVENT/collection.json             all reviews of an event, rebuilt after each
    EVENT/REVIEW_ID/REVIEW_ID.json    REVIEW_ID is EVENT_DETECTION_rN

A new review of the same detection is the next version and links the one before. The folder lies
apart from the results that it speaks of, which stay as they are.
"""

from __future__ import annotations

import fcntl
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, get_args

import shapely
from shapely.geometry import mapping, shape
from shapely.geometry.base import BaseGeometry

from sarlra.catalog.folder import FolderSink
from sarlra.catalog.names import is_name
from sarlra.catalog.provenance import utc_text
from sarlra.catalog.root import to_bytes
from sarlra.catalog.validate import validate_document, validate_fields
from sarlra.errors import CatalogError, InputError, StoreError

Verdict = Literal["confirmed", "rejected", "redrawn"]
VERDICTS: tuple[str, ...] = get_args(Verdict)
_DETECTION = re.compile(r"[A-Za-z0-9-]{1,20}\.[A-Za-z0-9]{1,30}\.\d{1,6}\.\d{1,6}")
#: Bounds of what a review may hold.
MAX_TEXT, MAX_NAME, MAX_VERTICES, MAX_REVIEWS = 2_000, 100, 2_000, 100_000
_FIELDS = ("event", "detection", "item", "verdict", "reviewer", "reason", "score")


@dataclass(frozen=True, slots=True)
class Review:
    """One look at one detection.

    ``detection`` is its id, ``TRACK.TILE.ROW.COL``; ``item`` the STAC item that it is of.
    ``window`` is the detection's geometry, ``outline`` what was drawn in its stead (only where
    redrawn); both EPSG:4326. ``at`` is UTC.
    """

    event: str
    detection: str
    item: str
    verdict: Verdict
    reviewer: str
    reason: str
    at: datetime
    window: BaseGeometry
    outline: BaseGeometry | None = None
    score: float | None = None

    def check(self) -> None:
        """See that nothing in it is too long, or not what it has to be.

        Raises
        ------
        InputError
            Names what.
        """
        if not is_name(self.event, 80) or not is_name(self.item):
            raise InputError("a review names an event and an item by their ids")
        if not _DETECTION.fullmatch(self.detection):
            raise InputError(f"{self.detection!r:.60} is no id of a detection")
        if self.verdict not in VERDICTS:
            raise InputError(f"the verdict is one of {', '.join(VERDICTS)}")
        if not 1 <= len(self.reviewer.strip()) <= MAX_NAME:
            raise InputError("a review needs the name of who made it")
        if not 1 <= len(self.reason.strip()) <= MAX_TEXT:
            raise InputError("a review needs a reason")
        if (self.outline is None) == (self.verdict == "redrawn"):
            raise InputError("an outline goes with the verdict redrawn, and with no other")
        if self.outline is not None:
            check_outline(self.outline, self.window)


def check_outline(outline: BaseGeometry, window: BaseGeometry) -> None:
    """See that an outline is a polygon beside its window.

    Raises
    ------
    InputError
        It is no valid polygon, has too many vertices, or lies elsewhere.
    """
    if outline.geom_type not in ("Polygon", "MultiPolygon") or outline.is_empty:
        raise InputError("an outline is a polygon")
    if shapely.get_num_coordinates(outline) > MAX_VERTICES or not outline.is_valid:
        raise InputError("the outline crosses itself or has too many corners")
    west, south, east, north = window.bounds
    reach = 3 * max(east - west, north - south)
    if not shapely.box(west - reach, south - reach, east + reach, north + reach).contains(outline):
        raise InputError("the outline lies far from the detection")


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


def review_item(review: Review, number: int) -> dict[str, Any]:
    """The STAC item of a review; ``number`` counts those of its detection from 1."""
    stem = f"{review.event}_{review.detection}_r"
    geometry = review.window if review.outline is None else review.outline
    links = [
        {"rel": "collection", "href": "../collection.json", "type": "application/json"},
        {"rel": "parent", "href": "../collection.json", "type": "application/json"},
    ]
    if number > 1:
        previous = f"{stem}{number - 1}"
        links.append(
            {
                "rel": "predecessor-version",
                "href": f"../{previous}/{previous}.json",
                "type": "application/geo+json",
            }
        )
    properties: dict[str, Any] = {
        "datetime": utc_text(review.at),
        "title": f"{review.detection}: {review.verdict}",
        "version": str(number),
        **{f"sarlra:{name}": getattr(review, name) for name in _FIELDS},
        "sarlra:window": mapping(review.window),
    }
    return {
        "type": "Feature",
        "stac_version": "1.1.0",
        "stac_extensions": ["https://stac-extensions.github.io/version/v1.2.0/schema.json"],
        "id": f"{stem}{number}",
        "collection": f"{review.event}-reviews",
        "geometry": json.loads(json.dumps(mapping(geometry))),
        "bbox": list(geometry.bounds),
        "properties": json.loads(json.dumps(properties)),
        "links": links,
        "assets": {},
    }


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
