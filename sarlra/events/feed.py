"""Earthquakes as the USGS lists them: GeoJSON summary feeds, and the FDSN event service.

Formats: https://earthquake.usgs.gov/earthquakes/feed/v1.0/geojson.php and
https://earthquake.usgs.gov/fdsnws/event/1/ . A feed is asked for again and again, and answers
with whatever it holds: events come twice, under several ids, revised, and deleted.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx

from sarlra.errors import EventError, SearchError
from sarlra.events.files import existing, parse_json, read_json_file
from sarlra.events.usgs import EVENT_ID, USGS_URL, number
from sarlra.events.web import fetch

log = logging.getLogger(__name__)

#: Name of the feed that asks the event service.
FDSN = "fdsn"
_MAX_BYTES = 64 * 2**20
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Quake:
    """An earthquake as a feed tells it.

    Parameters
    ----------
    id, ids
        The preferred id, and all that the event has had (among them the preferred one), sorted.
    origin, updated
        UTC.
    magnitude, depth_km
        None where not known.
    epicentre
        (longitude, latitude) in degrees.
    title
        For people.
    kind
        ``earthquake``, ``quarry blast``, ...
    deleted
        Whether the event was withdrawn.
    ground_failure
        Whether the USGS has estimated landslides for it.
    """

    id: str
    ids: tuple[str, ...]
    origin: datetime
    updated: datetime
    magnitude: float | None
    depth_km: float | None
    epicentre: tuple[float, float]
    title: str
    kind: str = "earthquake"
    deleted: bool = False
    ground_failure: bool = False


def read_feed(feed: str, since: datetime, until: datetime, least: float) -> tuple[Quake, ...]:
    """Ask a feed for earthquakes, each once, by time.

    Parameters
    ----------
    feed
        ``fdsn`` (the event service at ``SARLRA_USGS_URL``, deleted events included), the URL of a
        summary feed, or a file of one.
    since, until
        Origin times, UTC.
    least
        Magnitude under which the event service need not answer.

    Raises
    ------
    EventError
        The feed's file or answer is none.
    SearchError
        The feed gives no answer.
    """
    name = feed
    if feed == FDSN:
        name = _query(since, until, least)
    if name.startswith(("http://", "https://")):
        content = parse_json(_get(name), name, EventError)
    else:
        path = existing(name)
        if path is None:
            raise EventError(
                f"the feed {name!r:.200} is no file and no URL",
                hint=f"give {FDSN}, the URL of a GeoJSON summary feed, or a file of one",
            )
        content = read_json_file(Path(path), EventError, max_bytes=_MAX_BYTES)
    quakes = parse_feed(content, name)
    return tuple(q for q in quakes if since <= q.origin <= until)


def parse_feed(content: Any, name: str) -> tuple[Quake, ...]:
    """The earthquakes of a summary feed, each once, by time; malformed ones are logged and left.

    Raises
    ------
    EventError
        It is no feed.
    """
    features = content.get("features") if isinstance(content, dict) else None
    if not isinstance(features, list) or content.get("type") != "FeatureCollection":
        raise EventError(f"{name} is no GeoJSON feed of events")
    found = []
    for feature in features:
        quake = _quake(feature)
        if quake is None:
            log.warning("%s: an entry is no event: %.200r", name, feature)
        else:
            found.append(quake)
    return merge_quakes(found)


def merge_quakes(quakes: Iterable[Quake]) -> tuple[Quake, ...]:
    """Earthquakes that share an id become one: the latest word on it, with all its ids; by time.

    Of entries updated at the same moment, the deleted one wins, then the greater id.
    """
    groups: list[list[Quake]] = []
    for quake in quakes:
        same = [g for g in groups if any(set(q.ids) & set(quake.ids) for q in g)]
        merged = [quake, *(q for group in same for q in group)]
        groups = [g for g in groups if g not in same] + [merged]
    result = []
    for group in groups:
        latest = max(group, key=lambda q: (q.updated, q.deleted, q.id))
        ids = tuple(sorted({name for quake in group for name in quake.ids}))
        result.append(replace(latest, ids=ids))
    return tuple(sorted(result, key=lambda q: (q.origin, q.id)))


def _query(since: datetime, until: datetime, least: float) -> str:
    root = os.environ.get("SARLRA_USGS_URL", USGS_URL).rstrip("/")
    asked = {
        "format": "geojson",
        "starttime": f"{since:%Y-%m-%dT%H:%M:%S}",
        "endtime": f"{until:%Y-%m-%dT%H:%M:%S}",
        "minmagnitude": f"{least:g}",
        "includedeleted": "true",
        "orderby": "time-asc",
    }
    return f"{root}/query?{urlencode(asked)}"


def _get(url: str) -> bytes:
    try:
        answer = fetch(url, max_bytes=_MAX_BYTES)
    except (httpx.HTTPError, httpx.InvalidURL) as cause:
        raise SearchError(f"{url} gives no answer: {cause}", hint="try later") from cause
    if answer.status == 204:
        return b'{"type": "FeatureCollection", "features": []}'
    if answer.status != 200:
        raise SearchError(f"{url} answers with HTTP {answer.status}", hint="try later")
    return answer.body


def _quake(feature: Any) -> Quake | None:
    properties = feature.get("properties") if isinstance(feature, dict) else None
    name = feature.get("id") if isinstance(feature, dict) else None
    if not isinstance(properties, dict) or not isinstance(name, str):
        return None
    origin, updated = _time(properties.get("time")), _time(properties.get("updated"))
    place = _place(feature.get("geometry"))
    if not EVENT_ID.fullmatch(name) or origin is None or place is None:
        return None
    longitude, latitude, depth = place
    return Quake(
        id=name.lower(),
        ids=_ids(name, properties),
        origin=origin,
        updated=updated or origin,
        magnitude=number(properties.get("mag"), -2, 10.5),
        depth_km=depth,
        epicentre=(longitude, latitude),
        title=str(properties.get("title") or f"M {properties.get('mag')} - "
                  f"{properties.get('place') or 'unknown place'}")[:200],
        kind=str(properties.get("type") or "earthquake"),
        deleted=str(properties.get("status", "")).lower() == "deleted",
        ground_failure="ground-failure" in str(properties.get("types", "")).split(","),
    )  # fmt: skip


def _ids(name: str, properties: Mapping[str, Any]) -> tuple[str, ...]:
    text = properties.get("ids")
    listed = text.split(",") if isinstance(text, str) else []
    good = {part.lower() for part in listed if EVENT_ID.fullmatch(part)}
    return tuple(sorted(good | {name.lower()}))


def _time(milliseconds: Any) -> datetime | None:
    value = number(milliseconds, -1e14, 1e14)
    if value is None:
        return None
    try:
        return _EPOCH + timedelta(milliseconds=value)
    except OverflowError:
        return None


def _place(geometry: Any) -> tuple[float, float, float | None] | None:
    coordinates = geometry.get("coordinates") if isinstance(geometry, dict) else None
    if not isinstance(coordinates, list) or len(coordinates) < 2:
        return None
    longitude = number(coordinates[0], -360, 360)
    latitude = number(coordinates[1], -90, 90)
    if longitude is None or latitude is None:
        return None
    depth = number(coordinates[2], -10, 1000) if len(coordinates) > 2 else None
    return (longitude + 180) % 360 - 180, latitude, depth
