"""What will be seen when: the passes of an event's tracks, from the repeat cycle and the past."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Literal

from sarlra.catalogs import catalogs_folder
from sarlra.scenes.model import Acquisition, Track

PassState = Literal["seen", "missing", "expected"]

_TOLERANCE = timedelta(hours=6)
#: A satellite that passed a track this many cycles ago is taken to pass it still.
_CYCLES = 3
#: Scenes are published some hours after a pass; until then nothing is missing.
PUBLISHED_AFTER = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class ExpectedPass:
    """A pass over the area: ``seen`` where its scenes are there, ``missing`` where they are not."""

    track: str
    platform: str
    time: datetime
    state: PassState
    acquisition: str | None = None


@dataclass(frozen=True, slots=True)
class Satellites:
    """(launch, end of work or None) by platform, and the repeat cycle."""

    lives: Mapping[str, tuple[datetime, datetime | None]]
    repeat: timedelta

    def alive(self, platform: str, moment: datetime) -> bool:
        """Whether a satellite works at a moment; one that is not known does."""
        launched, ended = self.lives.get(platform, (datetime.min.replace(tzinfo=UTC), None))
        return launched <= moment and (ended is None or moment < ended)


@cache
def satellites() -> Satellites:
    """From ``catalogs/watch/satellites.json``."""
    path = catalogs_folder() / "watch" / "satellites.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    lives = {
        name: (_day(life["launched"]), _day(life["ended"]) if "ended" in life else None)
        for name, life in content["satellites"].items()
    }
    return Satellites(lives, timedelta(days=content["repeat_days"]))


def _day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def expected_passes(
    track: Track, after: datetime, until: datetime, now: datetime
) -> tuple[ExpectedPass, ...]:
    """The passes of a track between two moments, by time.

    A satellite that was seen on the track in the last :data:`_CYCLES` cycles before ``after``, or
    since, passes again every 12 days as long as it works; two in one plane pass every 6.

    Parameters
    ----------
    track
        With its acquisitions, pre and post, as far as they are known.
    """
    facts = satellites()
    known = sorted((*track.pre, *track.post), key=lambda a: a.datetime)
    recent = [a for a in known if a.datetime > after - _CYCLES * facts.repeat]
    found: dict[str, list[ExpectedPass]] = {}
    for platform in sorted({a.platform for a in recent}):
        ours = [a for a in recent if a.platform == platform]
        first = ours[0].datetime
        steps = max(0, (after - first) // facts.repeat)
        moment = first + steps * facts.repeat
        while moment <= until:
            if moment > after and facts.alive(platform, moment):
                found.setdefault(platform, []).append(_one(track, platform, moment, ours, now))
            moment += facts.repeat
    listed = [p for passes in found.values() for p in passes]
    return tuple(sorted(listed, key=lambda p: (p.time, p.platform)))


def _one(
    track: Track, platform: str, moment: datetime, ours: list[Acquisition], now: datetime
) -> ExpectedPass:
    seen = next((a for a in ours if abs(a.datetime - moment) <= _TOLERANCE), None)
    if seen is not None:
        return ExpectedPass(track.id, platform, seen.datetime, "seen", seen.id)
    state: PassState = "missing" if moment + PUBLISHED_AFTER < now else "expected"
    return ExpectedPass(track.id, platform, moment, state)
