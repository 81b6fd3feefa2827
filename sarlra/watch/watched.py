"""A watched event and its life, as a STAC collection: there is no other database.

``collections/EVENT-watch/collection.json`` holds the event, its state and its expected passes in
``sarlra:watch``, and links to the versions of its product. Everything else is found again from the
catalogue and the archive, so that a poll that is repeated, killed or late does no harm.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from shapely import MultiPolygon
from shapely.geometry import mapping, shape

from sarlra.catalog import footprint
from sarlra.catalog.collection import collection_titles
from sarlra.catalog.names import COLLECTIONS, ROOT, WATCH_SUFFIX, collection_path, relative
from sarlra.catalog.resources import catalogs_file
from sarlra.catalog.root import root_bytes, to_bytes
from sarlra.catalog.sink import Sink
from sarlra.catalog.validate import validate_document
from sarlra.errors import CatalogError
from sarlra.events.event import Event
from sarlra.events.times import iso
from sarlra.scenes.passes import ExpectedPass

State = Literal["waiting", "first product", "updated", "complete", "given up"]
FIELD = "sarlra:watch"


@dataclass(frozen=True, slots=True)
class Shock:
    """A later earthquake in the area: ``joined`` to the sequence, or only noted."""

    id: str
    origin: datetime
    magnitude: float | None
    joined: bool


@dataclass(frozen=True, slots=True)
class TrackState:
    """How a track stands: its acquisitions, the buffers that were chosen, and why."""

    track: str
    n_pre: int
    n_post: int
    buffers: str | None = None
    expected_f1: float | None = None
    rule: str = ""


@dataclass(frozen=True, slots=True)
class Watched:
    """An event that is watched.

    Parameters
    ----------
    event
        With all shocks that joined, and the area that is looked at.
    ids
        All USGS ids of the event and of the shocks that joined.
    updated
        When the USGS last changed the event.
    state, reason, since
        Where it stands, why, and since when.
    shocks
        Later earthquakes in the area.
    tracks, passes
        What there is and what is to come.
    notified
        Number of the last version of which notice was given.
    """

    event: Event
    ids: tuple[str, ...]
    updated: datetime
    state: State
    reason: str
    since: datetime
    shocks: tuple[Shock, ...] = ()
    tracks: tuple[TrackState, ...] = ()
    passes: tuple[ExpectedPass, ...] = ()
    notified: int = 0
    trouble: str = field(default="")

    @property
    def active(self) -> bool:
        """Whether more is to come."""
        return self.state not in ("complete", "given up")

    @property
    def tracks_made(self) -> bool:
        """Whether a product was made already."""
        return any(track.buffers is not None for track in self.tracks)

    @property
    def id(self) -> str:
        """Of the collection."""
        return f"{self.event.id}{WATCH_SUFFIX}"


def list_watched(sink: Sink) -> tuple[Watched, ...]:
    """All events that are or were watched, by id.

    Raises
    ------
    CatalogError
        A collection is damaged.
    """
    return tuple(read_watched(sink, n) for n in sink.list_collections() if n.endswith(WATCH_SUFFIX))


def read_watched(sink: Sink, collection: str) -> Watched:
    """One of them, by the id of its collection; raises as :func:`list_watched`."""
    path = collection_path(collection)
    try:
        held = json.loads(sink.read_bytes(path))[FIELD]
        return _from_json(held)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CatalogError(f"{sink.url_of(path)} is no watched event: {error!r}") from error


def put_watched(sink: Sink, watched: Watched, versions: Sequence[Mapping[str, Any]]) -> None:
    """Write the collection, and the root where it is new; nothing where nothing changed."""
    put_collection(sink, collection_path(watched.id), _document(watched, versions))


def put_collection(sink: Sink, path: str, document: dict[str, Any]) -> None:
    """Write a collection, and the root where it is new; nothing where nothing changed.

    Raises
    ------
    CatalogError
        The document is not valid.
    StoreError
        The sink cannot be written.
    """
    validate_document(document)
    data = to_bytes(document)
    if sink.exists(path) and sink.read_bytes(path) == data:
        return
    sink.put_bytes(path, data)
    root = root_bytes(collection_titles(sink))
    if not sink.exists(ROOT) or sink.read_bytes(ROOT) != root:
        sink.put_bytes(ROOT, root)


def version_path(watched: Watched, number: int) -> str:
    """Path of a version's item; its files lie beside it."""
    return f"{COLLECTIONS}/{watched.id}/v{number:04d}/{watched.id}-v{number:04d}.json"


def _document(watched: Watched, versions: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    event, path = watched.event, collection_path(watched.id)
    template = json.loads(catalogs_file("collections", "event.json").read_text(encoding="utf-8"))
    links: list[dict[str, Any]] = [
        {"rel": "root", "href": relative(ROOT, path), "type": "application/json"},
        {"rel": "parent", "href": relative(ROOT, path), "type": "application/json"},
        template["license_link"],
    ]
    for number, version in enumerate(versions, start=1):
        href = relative(version_path(watched, number), path)
        title = version["properties"]["title"]
        links.append({"rel": "item", "href": href, "type": "application/geo+json", "title": title})
    if versions:
        links.append({
            "rel": "related", "href": relative(collection_path(event.id), path),
            "type": "application/json", "title": "Tiles and tracks that the versions are made of",
        })  # fmt: skip
    last = versions[-1]["properties"]["end_datetime"] if versions else None
    return {
        "type": "Collection",
        "stac_version": "1.1.0",
        "stac_extensions": [],
        "id": watched.id,
        "title": f"Watch: {event.title}",
        "description": (
            f"{watched.state}: {watched.reason}. The versions of what Sentinel-1 shows after this "
            "earthquake, each made as soon as another pass was published."
        ),
        "keywords": [*template["keywords"], "watch"],
        "license": template["license"],
        "providers": template["providers"],
        "extent": {
            "spatial": {"bbox": [footprint.bbox(event.area)]},
            "temporal": {"interval": [[iso(event.first_origin), last]]},
        },
        FIELD: _to_json(watched),
        "links": links,
    }


def _to_json(watched: Watched) -> dict[str, Any]:
    event = watched.event
    return {
        "state": watched.state,
        "reason": watched.reason,
        "since": iso(watched.since),
        "trouble": watched.trouble,
        "ids": list(watched.ids),
        "updated": watched.updated.isoformat(),
        "notified": watched.notified,
        "event": {
            "id": event.id,
            "title": event.title,
            "origins": [origin.isoformat() for origin in event.origins],
            "magnitude": event.magnitude,
            "depth_km": event.depth_km,
            "epicentre": list(event.epicentre) if event.epicentre else None,
            "area": mapping(event.area),
            "area_origin": event.area_origin,
            "source": event.source,
        },
        "shocks": [{**asdict(s), "origin": s.origin.isoformat()} for s in watched.shocks],
        "tracks": [asdict(track) for track in watched.tracks],
        "passes": [{**asdict(p), "time": iso(p.time)} for p in watched.passes],
    }


def _from_json(held: Mapping[str, Any]) -> Watched:
    told = held["event"]
    area = shape(told["area"])
    if not isinstance(area, MultiPolygon):
        raise TypeError(f"the area is a {area.geom_type}")
    event = Event(
        id=str(told["id"]),
        title=str(told["title"]),
        origins=tuple(_moment(text) for text in told["origins"]),
        area=area,
        magnitude=told["magnitude"],
        depth_km=told["depth_km"],
        epicentre=None if told["epicentre"] is None else tuple(told["epicentre"]),
        area_origin=str(told["area_origin"]),
        source=str(told["source"]),
    )
    return Watched(
        event=event,
        ids=tuple(held["ids"]),
        updated=_moment(held["updated"]),
        state=held["state"],
        reason=held["reason"],
        since=_moment(held["since"]),
        shocks=tuple(Shock(**{**s, "origin": _moment(s["origin"])}) for s in held["shocks"]),
        tracks=tuple(TrackState(**track) for track in held["tracks"]),
        passes=tuple(ExpectedPass(**{**p, "time": _moment(p["time"])}) for p in held["passes"]),
        notified=int(held["notified"]),
        trouble=str(held["trouble"]),
    )


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
