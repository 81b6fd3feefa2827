"""From earthquakes that a feed lists to events that are watched."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import shapely

from sarlra.catalog.footprint import bbox
from sarlra.errors import AreaError, EventError, SarlraError
from sarlra.events.area import box_area
from sarlra.events.event import Event
from sarlra.events.extent import default_area
from sarlra.events.feed import Quake
from sarlra.events.geometry import unite
from sarlra.events.land import may_have_land
from sarlra.events.rule import Rule, why_not
from sarlra.events.times import check_origins, iso
from sarlra.events.usgs import event_from_detail, fetch_detail, landslide_alert
from sarlra.terrain.choice import DemSource, TerrainChoice
from sarlra.watch.area import same_area, watch_area
from sarlra.watch.refused import Refused, asked_of
from sarlra.watch.watched import Shock, Watched

log = logging.getLogger(__name__)

#: Origin times that differ by no more are the same.
_SAME_TIME = timedelta(seconds=60)
#: Alerts come with magnitudes that would not be asked for by themselves.
ALERT_MAGNITUDE = 4.5


@dataclass(frozen=True, slots=True)
class TakenUp:
    """The events after a look at a feed.

    Parameters
    ----------
    watched
        All that is or was watched, by id.
    passed
        What was not taken up and why, as (id, reason).
    refused
        Of these, the ones that were looked up in detail now or before.
    """

    watched: tuple[Watched, ...]
    passed: tuple[tuple[str, str], ...]
    refused: tuple[Refused, ...]


def take_up(
    known: Sequence[Watched],
    quakes: Sequence[Quake],
    rule: Rule,
    terrain: TerrainChoice,
    now: datetime,
    refused: Sequence[Refused] = (),
) -> TakenUp:
    """Look at what a feed lists.

    Parameters
    ----------
    known
        All that is or was watched.
    quakes
        What the feed lists, each once, by time.
    refused
        What was looked up at earlier polls and is not watched: that is not done again.
    """
    dem, asked = terrain.dem, asked_of(rule, terrain)
    watched = {w.event.id: w for w in known}
    passed: list[tuple[str, str]] = []
    kept: list[Refused] = []
    for quake in quakes:
        own, *twins = _known_as(quake, watched) or (None,)
        if own is not None:
            watched[own.event.id] = _revised(own, quake, rule, dem, now)
            for twin in twins:
                watched[twin.event.id] = _merged(twin, own, now)
            continue
        if quake.deleted or any(s.id in quake.ids for w in watched.values() for s in w.shocks):
            continue
        before = next((r for r in refused if r.holds(quake, asked)), None)
        if before is not None and _sequence_of(quake, watched, rule) is None:
            kept.append(before)
            passed.append((quake.id, before.reason))
            continue
        try:
            told = _tell(quake, watched, rule, dem, now)
        except SarlraError as error:
            log.warning("%s is looked at again at the next poll: %s", quake.id, error)
            passed.append((quake.id, f"cannot be looked at now: {error.message}"))
            continue
        if isinstance(told, Watched):
            watched[told.event.id] = told
            continue
        passed.append((quake.id, told.reason))
        if told.looked_up:
            kept.append(Refused.of(quake, told.reason, asked))
    return TakenUp(tuple(watched[name] for name in sorted(watched)), tuple(passed), tuple(kept))


def _known_as(quake: Quake, watched: dict[str, Watched]) -> tuple[Watched, ...]:
    """The events that an earthquake is watched as; the first one is the one to keep.

    More than one where agencies listed an earthquake each for itself and it was merged since.
    """
    known = [w for w in watched.values() if set(w.ids) & set(quake.ids)]
    return tuple(sorted(known, key=lambda w: (not w.active, not w.tracks_made, w.since, w.id)))


def _merged(twin: Watched, own: Watched, now: datetime) -> Watched:
    """An event that turned out to be one that is watched already."""
    if not twin.active:
        return twin
    return replace(
        twin, state="given up", since=now, reason=f"it is the same earthquake as {own.event.id}"
    )


@dataclass(frozen=True, slots=True)
class _Not:
    """Why an earthquake is not watched, and whether its detail was fetched to know that."""

    reason: str
    looked_up: bool


def _tell(
    quake: Quake, watched: dict[str, Watched], rule: Rule, dem: DemSource | None, now: datetime
) -> Watched | _Not:
    """A new event, one that a shock changed, or why there is neither."""
    sequence = _sequence_of(quake, watched, rule)
    if sequence is not None:
        return _with_shock(sequence, quake, rule, now)
    detail = None
    reason = why_not(quake, rule)
    if reason is not None and quake.kind == "earthquake" and quake.ground_failure:
        detail = fetch_detail(quake.id)
        reason = why_not(quake, rule, landslide_alert(detail["properties"]))
    if reason is not None:
        return _Not(reason, detail is not None)
    around, _ = default_area(quake.epicentre, quake.magnitude, None, quake.id)
    if not any(may_have_land(part.bounds) for part in around.geoms):
        return _Not("it lies at sea", detail is not None)
    detail = detail or fetch_detail(quake.id)
    event = event_from_detail(detail, quake.id)
    area, origin, empty = watch_area(event, detail["properties"], rule, dem)
    if empty is not None:
        return _Not(empty, True)
    return Watched(
        event=replace(event, area=area, area_origin=origin),
        ids=tuple(sorted({*quake.ids, event.id})),
        updated=quake.updated,
        state="waiting",
        reason="no image after the event yet",
        since=now,
    )


def _revised(
    watched: Watched, quake: Quake, rule: Rule, dem: DemSource | None, now: datetime
) -> Watched:
    """What a newer word on an event changes."""
    ids = tuple(sorted({*watched.ids, *quake.ids}))
    watched = replace(watched, ids=ids)
    if quake.updated <= watched.updated:
        return watched
    if not watched.active:
        return _resumed(watched, quake, rule, dem, now)
    if quake.deleted:
        return replace(
            watched, updated=quake.updated, state="given up", since=now,
            reason="the USGS deleted the event",
        )  # fmt: skip
    joined = next((s for s in watched.shocks if s.joined and s.id in quake.ids), None)
    if joined is not None or watched.event.id not in quake.ids:
        return replace(watched, updated=quake.updated)
    refused = why_not(quake, rule)
    if refused is not None and not watched.tracks_made:
        detail = fetch_detail(quake.id)
        if why_not(quake, rule, landslide_alert(detail["properties"])) is not None:
            return replace(
                watched, updated=quake.updated, state="given up", since=now,
                reason=f"after a revision {refused}",
            )  # fmt: skip
    return replace(watched, event=_new_facts(watched, quake, rule, dem), updated=quake.updated)


def _resumed(
    watched: Watched, quake: Quake, rule: Rule, dem: DemSource | None, now: datetime
) -> Watched:
    """An event that was given up for what the USGS said, where the USGS takes that back in time."""
    closes = quake.origin + timedelta(days=rule.post_days + rule.settle_days)
    if watched.state != "given up" or now > closes or why_not(quake, rule) is not None:
        return watched
    return replace(
        watched, event=_new_facts(watched, quake, rule, dem), updated=quake.updated,
        state="waiting", since=now, reason="taken up again after a revision",
    )  # fmt: skip


def _new_facts(watched: Watched, quake: Quake, rule: Rule, dem: DemSource | None) -> Event:
    """The event with the revised facts; its area where that has changed much, or nothing is made.

    Raises nothing: what cannot be fetched now stays as it was.
    """
    old = watched.event
    first, *later = old.origins
    if abs(quake.origin - first) > _SAME_TIME:
        origins = check_origins([quake.origin, *later], quake.id)
    else:
        origins = old.origins
    event = replace(
        old, origins=origins, magnitude=quake.magnitude, depth_km=quake.depth_km, title=quake.title
    )
    try:
        detail: Any = fetch_detail(quake.id)
        told = event_from_detail(detail, quake.id)
        area, origin, empty = watch_area(told, detail["properties"], rule, dem)
    except (SarlraError, KeyError) as error:
        log.warning("the area of %s stays as it was: %s", old.id, error)
        return event
    if empty is not None or len(origins) > 1:
        return event
    if watched.tracks_made and same_area(old.area, area) >= rule.area_change:
        return event
    return replace(event, area=area, area_origin=origin)


def _sequence_of(quake: Quake, watched: dict[str, Watched], rule: Rule) -> Watched | None:
    """The active event whose area an earthquake lies in, soon enough after its last shock."""
    place = shapely.Point(quake.epicentre)
    for event in sorted(watched.values(), key=lambda w: w.event.last_origin, reverse=True):
        wait = quake.origin - event.event.last_origin
        inside = shapely.intersects(box_area(*bbox(event.event.area)), place)
        soon = timedelta() < wait <= timedelta(days=rule.aftershock_days)
        if event.active and inside and soon:
            return event
    return None


def _with_shock(watched: Watched, quake: Quake, rule: Rule, now: datetime) -> Watched:
    """The sequence with another shock: joined where it is large, else only noted."""
    event = watched.event
    strong = (
        quake.magnitude is not None
        and quake.magnitude >= rule.min_magnitude
        and quake.magnitude >= (event.magnitude or 0.0) - rule.aftershock_margin
    )
    shock = Shock(quake.id, quake.origin, quake.magnitude, strong)
    shocks = tuple(sorted({*watched.shocks, shock}, key=lambda s: (s.origin, s.id)))
    if not strong:
        return replace(watched, shocks=shocks)
    try:
        told = event_from_detail(fetch_detail(quake.id), quake.id)
        area = unite([event.area, told.area])
    except (AreaError, EventError) as error:
        log.warning("the area of %s is not widened: %s", event.id, error)
        area = event.area
    return replace(
        watched,
        event=replace(
            event,
            origins=check_origins([*event.origins, quake.origin], event.id),
            magnitude=max(event.magnitude or 0.0, quake.magnitude or 0.0),
            area=area,
        ),
        ids=tuple(sorted({*watched.ids, *quake.ids})),
        shocks=shocks,
        state="waiting",
        since=now,
        reason=f"restarted by the earthquake of {iso(quake.origin)} (M {quake.magnitude:g})",
    )
