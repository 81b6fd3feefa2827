"""When Sentinel-1 passes over the world, and how each pass is cut into slices."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from sarlra.errors import InputError
from sarlra.simulation.geometry import OrbitState
from sarlra.simulation.layout import Layout
from sarlra.simulation.noise import stream
from sarlra.simulation.parameters import (
    REPEAT_DAYS,
    REPEAT_ORBITS,
    SLICE_SECONDS,
)
from sarlra.terrain.sphere import GROUND_SPEED_M_S

#: (state, local solar hour, whole days from the origin to the first pass after it)
_TRACKS: tuple[tuple[OrbitState, float, int], ...] = (
    ("ascending", 18.0, 3),
    ("descending", 6.0, 7),
)
#: Sentinel-1A, absolute orbit 53134 (relative 37) passed Germany at this time, datatake 421828.
_KNOWN_TIME = datetime(2024, 3, 25, 5, 50, 50, tzinfo=UTC)
_KNOWN_ORBIT = 53134
_KNOWN_DATATAKE = 421828
_OVERLAP_M = 200.0
"""By how much a slice reaches beyond the cut on each side."""


@dataclass(frozen=True, slots=True)
class SlicePlan:
    """One product of a pass.

    Parameters
    ----------
    number
        Slice number within the datatake.
    start, stop
        Sensing times, UTC.
    along
        (from, to) in metres along the heading from the world's centre.
    processed
        When the product was made, UTC.
    superseded
        Whether a later processing of the same slice exists.
    reprocessed
        Whether this is that later processing.
    """

    number: int
    start: datetime
    stop: datetime
    along: tuple[float, float]
    processed: datetime
    superseded: bool = False
    reprocessed: bool = False


@dataclass(frozen=True, slots=True)
class Pass:
    """One overflight: an acquisition.

    Parameters
    ----------
    number
        From 0 within its track, in order of time.
    orbit_state, relative_orbit, absolute_orbit, datatake
        As in the items.
    time
        When the beam crosses the world's centre, UTC.
    day
        Days from the origin time.
    slices
        In order of time, the superseded copy last.
    """

    number: int
    orbit_state: OrbitState
    relative_orbit: int
    absolute_orbit: int
    datatake: int
    time: datetime
    day: float
    slices: tuple[SlicePlan, ...]


def plan_passes(
    seed: int, layout: Layout, origin: datetime, pre_days: int, post_days: int
) -> tuple[Pass, ...]:
    """All passes of both tracks in the two windows, and one before and one after them.

    Raises
    ------
    InputError
        The origin has no time zone or lies before Sentinel-1A flew, or a window holds no pass.
    """
    if origin.tzinfo is None:
        raise InputError(f"origin {origin} has no time zone", hint="give it in UTC")
    origin = origin.astimezone(UTC)
    if origin.year < 2015:
        raise InputError(f"origin {origin} lies before Sentinel-1A took up its work")
    longitude = float(layout.to_lonlat(*layout.centre)[0])
    passes: list[Pass] = []
    for state, solar_hour, lead in _TRACKS:
        first = _first_pass(origin, longitude, solar_hour, lead)
        offset = (first - origin) / timedelta(days=1)
        early = -int(np.floor((pre_days + offset) / REPEAT_DAYS)) - 1
        late = int(np.floor((post_days - offset) / REPEAT_DAYS)) + 1
        if early >= -1 or late < 1:
            raise InputError(
                f"windows of {pre_days} days before and {post_days} after hold no {state} pass",
                hint=f"give at least {REPEAT_DAYS} days each",
            )
        relative = _absolute_orbit(first)
        for number, repeat in enumerate(range(early, late + 1)):
            time = first + timedelta(days=REPEAT_DAYS * repeat)
            orbit = relative + REPEAT_ORBITS * repeat
            # The third pass of the first track exists in two processings.
            twice = state == "ascending" and number == 2
            passes.append(_make_pass(seed, number, state, orbit, time, origin, twice))
    return tuple(passes)


def _first_pass(origin: datetime, longitude: float, solar_hour: float, lead: int) -> datetime:
    """The first time of that local solar hour at least ``lead`` days after the origin."""
    hour = (solar_hour - longitude / 15.0) % 24.0
    earliest = origin + timedelta(days=lead)
    midnight = earliest.replace(hour=0, minute=0, second=0, microsecond=0)
    time = midnight + timedelta(seconds=round(hour * 3600))
    return time if time >= earliest else time + timedelta(days=1)


def _absolute_orbit(time: datetime) -> int:
    days = (time - _KNOWN_TIME) / timedelta(days=1)
    return _KNOWN_ORBIT + round(days * REPEAT_ORBITS / REPEAT_DAYS)


def _make_pass(
    seed: int,
    number: int,
    state: OrbitState,
    orbit: int,
    time: datetime,
    origin: datetime,
    twice: bool,
) -> Pass:
    rng = stream(seed, f"pass-{state}", number)
    time = time + timedelta(microseconds=int(rng.integers(-1_500_000, 1_500_000)))
    cut = float(rng.uniform(-300.0, 300.0))
    edge = timedelta(microseconds=round(1e6 * (cut + _OVERLAP_M) / GROUND_SPEED_M_S))
    begin = timedelta(microseconds=round(1e6 * (cut - _OVERLAP_M) / GROUND_SPEED_M_S))
    length = timedelta(seconds=SLICE_SECONDS)
    made = time + timedelta(hours=3, seconds=int(rng.integers(0, 3600)))
    latest = made + timedelta(days=21) if twice else made
    slices = [
        SlicePlan(6, time + edge - length, time + edge, (-np.inf, cut + _OVERLAP_M), latest,
                  reprocessed=twice),
        SlicePlan(7, time + begin, time + begin + length, (cut - _OVERLAP_M, np.inf), made),
    ]  # fmt: skip
    if twice:
        # The first processing framed the slice a little later, so that its id names the next
        # second: an archive that drops the product's unique part from ids could not hold both
        # else. Its id is the larger one: only the time of processing tells which is newer.
        new = slices[0]
        start = new.start + timedelta(microseconds=1_000_000 - new.start.microsecond)
        slices.append(SlicePlan(6, start, new.stop, new.along, made, superseded=True))
    day = (time - origin) / timedelta(days=1)
    relative = (orbit - 73) % REPEAT_ORBITS + 1  # Sentinel-1A's numbering
    datatake = _KNOWN_DATATAKE + 8 * (orbit - _KNOWN_ORBIT)
    return Pass(number, state, relative, orbit, datatake, time, day, tuple(slices))
