"""What an analyst found when they looked at a detection, checked, and as a STAC item."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

import shapely
from shapely.geometry import mapping
from shapely.geometry.base import BaseGeometry

from sarlra.catalog.names import is_name
from sarlra.catalog.provenance import utc_text
from sarlra.errors import InputError

Verdict = Literal["confirmed", "rejected", "redrawn"]
VERDICTS: tuple[str, ...] = get_args(Verdict)
_DETECTION = re.compile(r"[A-Za-z0-9-]{1,20}\.[A-Za-z0-9]{1,30}\.\d{1,6}\.\d{1,6}")
#: Bounds of what a review may hold.
MAX_TEXT, MAX_NAME, MAX_VERTICES = 2_000, 100, 2_000
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
