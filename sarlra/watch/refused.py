"""Earthquakes that were looked up and are not watched: remembered, so that it is done once.

``collections/not-watched/collection.json`` lists them with the reason, for people, and with the
moment of the USGS' last word and the rule, for the next poll: a revised earthquake, or another
rule, is looked up again. What has left the feed's window is dropped. Losing the file costs
nothing but the looking up.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sarlra.catalog import footprint
from sarlra.catalog.names import NOT_WATCHED, ROOT, collection_path, relative
from sarlra.catalog.resources import catalogs_file
from sarlra.catalog.sink import Sink
from sarlra.events.feed import Quake
from sarlra.events.rule import Rule
from sarlra.events.times import iso
from sarlra.terrain.choice import TerrainChoice
from sarlra.watch.watched import put_collection

log = logging.getLogger(__name__)

FIELD = "sarlra:not_watched"


@dataclass(frozen=True, slots=True)
class Refused:
    """An earthquake that was looked up in detail, and why it is not watched.

    ``updated`` is the USGS' last word that was looked at, ``asked`` names the rule and the heights.
    """

    id: str
    title: str
    origin: datetime
    updated: datetime
    epicentre: tuple[float, float]
    reason: str
    asked: str

    @classmethod
    def of(cls, quake: Quake, reason: str, asked: str) -> Refused:
        """An earthquake of a feed."""
        return cls(
            quake.id, quake.title, quake.origin, quake.updated, quake.epicentre, reason, asked
        )

    def holds(self, quake: Quake, asked: str) -> bool:
        """Whether it would be the same again: nothing was revised, and the same is asked."""
        return self.id in quake.ids and self.asked == asked and quake.updated <= self.updated


def asked_of(rule: Rule, terrain: TerrainChoice) -> str:
    """A short name of what decides over an earthquake beside itself."""
    facts = [rule.model_dump(mode="json"), terrain.facts()]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:8]


def read_refused(sink: Sink) -> tuple[Refused, ...]:
    """Those that are remembered; none where the collection is missing or damaged."""
    path = collection_path(NOT_WATCHED)
    if not sink.exists(path):
        return ()
    try:
        return tuple(_from_json(held) for held in json.loads(sink.read_bytes(path))[FIELD])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        log.warning("%s is read as empty: %r", sink.url_of(path), error)
        return ()


def put_refused(sink: Sink, refused: Iterable[Refused], since: datetime) -> None:
    """Write those that struck after ``since``; nothing where nothing changed."""
    kept = sorted((r for r in refused if r.origin >= since), key=lambda r: (r.origin, r.id))
    path = collection_path(NOT_WATCHED)
    if not kept and not sink.exists(path):
        return
    put_collection(sink, path, _document(kept))


def _document(refused: list[Refused]) -> dict[str, Any]:
    template = json.loads(catalogs_file("collections", "event.json").read_text(encoding="utf-8"))
    path = collection_path(NOT_WATCHED)
    boxes = [[x, y, x, y] for x, y in (r.epicentre for r in refused)] or [[-180, -90, 180, 90]]
    listed = "\n".join(f"- {iso(r.origin)}, {r.title} ({r.id}): {r.reason}" for r in refused)
    return {
        "type": "Collection",
        "stac_version": "1.1.0",
        "stac_extensions": [],
        "id": NOT_WATCHED,
        "title": "Earthquakes that are not watched",
        "description": (
            "Earthquakes of the last weeks that were looked up in detail and are not watched, and "
            f"why; each is looked up again when the USGS revises it.\n\n{listed or '- none'}"
        ),
        "keywords": [*template["keywords"], "watch"],
        "license": template["license"],
        "extent": {
            "spatial": {"bbox": [footprint.union(boxes)]},
            "temporal": {
                "interval": [
                    [iso(refused[0].origin), iso(refused[-1].origin)] if refused else [None, None]
                ]
            },
        },
        FIELD: [_to_json(one) for one in refused],
        "links": [
            {"rel": "root", "href": relative(ROOT, path), "type": "application/json"},
            {"rel": "parent", "href": relative(ROOT, path), "type": "application/json"},
        ],
    }


def _to_json(one: Refused) -> dict[str, Any]:
    return {
        "id": one.id,
        "title": one.title,
        "origin": one.origin.isoformat(),
        "updated": one.updated.isoformat(),
        "epicentre": list(one.epicentre),
        "reason": one.reason,
        "asked": one.asked,
    }


def _from_json(held: Mapping[str, Any]) -> Refused:
    longitude, latitude = held["epicentre"]
    return Refused(
        str(held["id"]),
        str(held["title"]),
        datetime.fromisoformat(held["origin"]),
        datetime.fromisoformat(held["updated"]),
        (float(longitude), float(latitude)),
        str(held["reason"]),
        str(held["asked"]),
    )
