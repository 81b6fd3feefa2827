"""From whatever the user calls an event to an :class:`~sarlra.events.event.Event`."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from shapely import MultiPolygon

from sarlra.errors import AreaError, EventError
from sarlra.events.area import check_area
from sarlra.events.cases import find_case, study_cases
from sarlra.events.event import Event
from sarlra.events.files import existing
from sarlra.events.times import check_origins
from sarlra.events.usgs import EVENT_ID, fetch_event, read_event


def resolve_event(
    text: str | None,
    *,
    origins: tuple[datetime, ...] = (),
    aoi: MultiPolygon | None = None,
) -> Event:
    """Find out which event is meant.

    Parameters
    ----------
    text
        An event detail GeoJSON file, the name of a study case, or a USGS event id (asked from the
        event service), tried in this order; None for a bare time and area.
    origins
        Origin times with a time zone. They replace the event's own (for a sequence of shocks give
        all of them); with ``text`` None at least one is needed.
    aoi
        Area of interest, EPSG:4326; it replaces the event's own, and is needed without ``text``.

    Raises
    ------
    EventError
        The text is none of these, or an origin time is missing, in the future, before Sentinel-1,
        or without a time zone.
    AreaError
        The area is missing, or cannot be used.
    SearchError
        The event service cannot be reached.
    """
    area = None if aoi is None else check_area(aoi, "given")
    if text is None:
        return _bare(origins, area)
    event = _named(text.strip(), area)
    if not origins:
        return event
    return replace(event, origins=check_origins(origins, f"event {event.id}"))


def _named(text: str, area: MultiPolygon | None) -> Event:
    path = existing(text)
    if path is not None:
        return read_event(path, area)
    case = find_case(text) if text else None
    if case is not None:
        return case.event(area)
    if text.lower().endswith((".json", ".geojson")) or "/" in text:
        raise EventError(f"there is no event file {text!r:.200}")
    if not EVENT_ID.fullmatch(text):
        names = ", ".join(case.id for case in study_cases())
        raise EventError(
            f"{text!r:.120} is no USGS event id, no file and no study case",
            hint=f"study cases are {names}; an id looks like us2000h8ty",
        )
    return fetch_event(text.lower(), area)


def _bare(origins: tuple[datetime, ...], area: MultiPolygon | None) -> Event:
    if not origins:
        raise EventError(
            "neither an event nor an origin time is given",
            hint="give an event, or an origin time such as 2023-12-10T00:00:00Z and an area",
        )
    moments = check_origins(origins, "the event")
    if area is None:
        raise AreaError(
            "an origin time without an area", hint="give the area as west,south,east,north or file"
        )
    stamp = moments[0].strftime("%Y%m%dT%H%M%SZ")
    return Event(
        id=f"origin-{stamp}",
        title=f"Origin time {moments[0]:%Y-%m-%d %H:%M:%S} UTC",
        origins=moments,
        area=area,
    )
