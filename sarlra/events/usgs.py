"""Events of the U.S. Geological Survey: the event detail GeoJSON, from a file or by id.

Source: USGS FDSN event service, https://earthquake.usgs.gov/fdsnws/event/1/ ; the format of a
detail is https://earthquake.usgs.gov/earthquakes/feed/v1.0/geojson_detail.php . The service's root
can be set with ``SARLRA_USGS_URL``.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from shapely import MultiPolygon

from sarlra.errors import EventError, SearchError
from sarlra.events.event import Event
from sarlra.events.extent import Box, default_area
from sarlra.events.files import parse_json, read_json_file
from sarlra.events.times import check_origins
from sarlra.events.web import fetch

USGS_URL = "https://earthquake.usgs.gov/fdsnws/event/1"
EVENT_ID = re.compile(r"[a-z]{2}(?=.*\d)[a-z0-9_]{4,30}", re.IGNORECASE)
"""What an id looks like: the network's two letters, then its own code, in which are digits."""
_SAFE_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_MAX_BYTES = 32 * 2**20
_HINT = "give the detail of one event, as .../fdsnws/event/1/query?eventid=ID&format=geojson gives"


def fetch_event(event_id: str, aoi: MultiPolygon | None = None) -> Event:
    """Ask the event service for an event.

    Raises
    ------
    EventError
        The service knows no such event, or answers with something else.
    SearchError
        The service cannot be reached, or is too busy.
    """
    return event_from_detail(fetch_detail(event_id), _detail_url(event_id), aoi)


def fetch_detail(event_id: str) -> Any:
    """The event service's detail of an event, as JSON; raises as :func:`fetch_event`."""
    url = _detail_url(event_id)
    offline = "or give the event's detail as a file"
    try:
        answer = fetch(url, max_bytes=_MAX_BYTES)
    except (httpx.HTTPError, httpx.InvalidURL) as cause:
        raise SearchError(
            f"{url} gives no answer: {cause}", hint=f"try later, {offline}"
        ) from cause
    if answer.status in (204, 400, 404, 409, 410):
        raise EventError(
            f"the event service knows no event {event_id!r} (HTTP {answer.status} from {url})"
        )
    if answer.status != 200:
        raise SearchError(f"{url} answers with HTTP {answer.status}", hint=f"try later, {offline}")
    return parse_json(answer.body, url, EventError)


def landslide_alert(properties: Mapping[str, Any]) -> str | None:
    """The level of the landslide alert in a detail's properties; None where there is none."""
    products = properties.get("products")
    found = products.get("ground-failure") if isinstance(products, dict) else None
    first = found[0] if isinstance(found, list) and found else None
    stated = first.get("properties") if isinstance(first, dict) else None
    level = stated.get("landslide-alert") if isinstance(stated, dict) else None
    return level.lower() if isinstance(level, str) else None


def _detail_url(event_id: str) -> str:
    root = os.environ.get("SARLRA_USGS_URL", USGS_URL).rstrip("/")
    return f"{root}/query?eventid={event_id}&format=geojson"


def read_event(path: Path, aoi: MultiPolygon | None = None) -> Event:
    """Read an event detail GeoJSON from a file.

    Raises
    ------
    EventError
        The file is no event detail; the message says what it is where that can be seen.
    """
    return event_from_detail(read_json_file(path, EventError, max_bytes=_MAX_BYTES), str(path), aoi)


def event_from_detail(detail: Any, name: str, aoi: MultiPolygon | None = None) -> Event:
    """The event of an event detail; its area is ``aoi``, or that of :mod:`sarlra.events.extent`.

    Raises
    ------
    EventError
        A part is missing or makes no sense; the message has ``name``.
    """
    _check_shape(detail, name)
    properties: Mapping[str, Any] = detail["properties"]
    event_id = detail.get("id")
    if not isinstance(event_id, str) or not _SAFE_ID.fullmatch(event_id):
        raise EventError(f"{name}: the event's id is {event_id!r:.80}", hint=_HINT)
    if properties.get("type", "earthquake") != "earthquake":
        raise EventError(f"{name}: {event_id} is of type {properties['type']!r}, no earthquake")
    origin = _origin(properties.get("time"), name)
    longitude, latitude, depth = _epicentre(detail.get("geometry"), name)
    magnitude = number(properties.get("mag"), -2, 10.5)
    if aoi is None:
        area, found = default_area(
            (longitude, latitude), magnitude, _shakemap_bounds(properties), name
        )
    else:
        area, found = aoi, "given"
    return Event(
        id=event_id,
        title=str(properties.get("title") or f"Event {event_id}")[:200],
        origins=check_origins([origin], name),
        area=area,
        magnitude=magnitude,
        depth_km=depth,
        epicentre=(longitude, latitude),
        area_origin=found,
        source=name,
    )


def _check_shape(detail: Any, name: str) -> None:
    if not isinstance(detail, dict):
        raise EventError(f"{name} is no event: it holds no JSON object", hint=_HINT)
    if detail.get("type") == "FeatureCollection":
        stac = any(
            isinstance(f, dict) and "stac_version" in f for f in (detail.get("features") or [])[:1]
        )
        what = "a collection of STAC items" if stac else "a feed of events"
        raise EventError(f"{name} is {what}, not one event", hint=_HINT)
    properties = detail.get("properties")
    if (
        detail.get("type") != "Feature"
        or not isinstance(properties, dict)
        or "stac_version" in detail
        or not {"time", "mag"} <= properties.keys()
    ):
        raise EventError(f"{name} is no event detail of the USGS", hint=_HINT)


def _origin(milliseconds: Any, name: str) -> datetime:
    if number(milliseconds, -1e14, 1e14) is None:
        raise EventError(f"{name}: its origin time is {milliseconds!r:.80}, not milliseconds")
    try:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
    except OverflowError as cause:
        raise EventError(f"{name}: its origin time {milliseconds} is no date") from cause


def _epicentre(geometry: Any, name: str) -> tuple[float, float, float | None]:
    coordinates = geometry.get("coordinates") if isinstance(geometry, dict) else None
    if not isinstance(coordinates, list) or len(coordinates) < 2:
        raise EventError(f"{name}: it has no epicentre", hint=_HINT)
    longitude = number(coordinates[0], -360, 360)
    latitude = number(coordinates[1], -90, 90)
    if longitude is None or latitude is None:
        raise EventError(f"{name}: its epicentre {coordinates[:2]!r:.80} is no place on Earth")
    depth = number(coordinates[2], -10, 1000) if len(coordinates) > 2 else None
    return (longitude + 180) % 360 - 180, latitude, depth


def _shakemap_bounds(properties: Mapping[str, Any]) -> Box | None:
    products = properties.get("products")
    maps = products.get("shakemap") if isinstance(products, dict) else None
    first = maps[0] if isinstance(maps, list) and maps else None
    stated = first.get("properties") if isinstance(first, dict) else None
    if not isinstance(stated, dict):
        return None
    west = number(stated.get("minimum-longitude"), -360, 360)
    east = number(stated.get("maximum-longitude"), -360, 360)
    south = number(stated.get("minimum-latitude"), -90, 90)
    north = number(stated.get("maximum-latitude"), -90, 90)
    if west is None or east is None or south is None or north is None or south >= north:
        return None
    wide = (east - west) % 360
    west = (west + 180) % 360 - 180
    return (west, south, west + wide, north) if 0 < wide < 180 else None


def number(value: Any, low: float, high: float) -> float | None:
    """A number, also one written as text, within bounds; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) and low <= number <= high else None
