"""Instants: UTC, to the second."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from sarlra.errors import EventError

FIRST_SENTINEL1 = datetime(2014, 4, 3, tzinfo=UTC)
"""Launch of Sentinel-1A: no acquisition is older."""


def to_utc_second(moment: datetime) -> datetime:
    """The moment in UTC, rounded *down* to the second.

    Down, so that an acquisition that starts later within the same second counts as post.

    Raises
    ------
    EventError
        The moment has no time zone, or lies outside the calendar.
    """
    if moment.tzinfo is None:
        raise EventError(
            f"the time {moment.isoformat()} has no time zone",
            hint="add it, such as 2023-12-10T00:00:00Z",
        )
    try:
        return moment.astimezone(UTC).replace(microsecond=0)
    except OverflowError as cause:
        raise EventError(f"the time {moment.isoformat()} is outside the calendar") from cause


def check_origins(origins: Iterable[datetime], name: str) -> tuple[datetime, ...]:
    """Origin times in UTC to the second, ascending, each once.

    Raises
    ------
    EventError
        None was given, one has no time zone, lies in the future, or before Sentinel-1's launch.
    """
    moments = tuple(sorted({to_utc_second(origin) for origin in origins}))
    if not moments:
        raise EventError(f"{name} has no origin time")
    if moments[-1] > datetime.now(UTC) + timedelta(minutes=5):
        raise EventError(
            f"{name}: the origin time {iso(moments[-1])} lies in the future",
            hint="origin times are UTC",
        )
    if moments[0] < FIRST_SENTINEL1:
        raise EventError(
            f"{name}: the origin time {iso(moments[0])} is before Sentinel-1 flew (April 2014)",
            hint="there is no acquisition to compare",
        )
    return moments


def iso(moment: datetime) -> str:
    """Such as ``2023-12-10T00:00:00Z``; fractions only where there are any."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"
