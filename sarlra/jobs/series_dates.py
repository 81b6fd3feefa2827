"""The dates of a series at which an earthquake could have been, and the tracks around each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import shapely
from shapely import MultiPolygon

from sarlra.errors import InputError
from sarlra.evaluation.false_alarms import LEAST_PRE
from sarlra.events.event import Event
from sarlra.events.geometry import unite
from sarlra.recipe import Recipe
from sarlra.scenes.find import find_scenes
from sarlra.scenes.items import load_items
from sarlra.scenes.model import Slice, Track
from sarlra.scenes.normalise import slice_from_item
from sarlra.scenes.sources import open_source

#: The supposed earthquake strikes this long before the first acquisition after it.
_BEFORE = timedelta(hours=6)
LEAST_DATES = 10


@dataclass(frozen=True, slots=True)
class Dated:
    """A track around a supposed earthquake; ``date`` is the day of its first post acquisition."""

    date: str
    track: Track

    @property
    def n_pre(self) -> int:
        """Acquisitions before."""
        return len(self.track.pre)


def series_dates(items: Path, recipe: Recipe, dates: int | None = None) -> tuple[Dated, ...]:
    """Composite dates of a series, in order of time.

    Parameters
    ----------
    items
        ItemCollection of scenes in which nothing is known to have happened.
    recipe
        Polarisations and buffers.
    dates
        How many: those with at least 3 acquisitions before first, then those with more of them.
        None takes all with at least 3, and others up to 10.

    Raises
    ------
    InputError
        There is no date with acquisitions before and after, or fewer than wanted.
    SourceError, SearchError
        The file cannot be read as scenes.
    """
    source = open_source(str(items))
    slices = _slices(items)
    area = unite(part.geometry for part in slices)
    found: list[Dated] = []
    for moment in sorted({part.datetime.replace(minute=0, second=0, microsecond=0)
                          for part in slices}):  # fmt: skip
        event = Event(f"quiet-{moment:%Y%m%d}", "a quiet day", (moment - _BEFORE,), area)
        for track in find_scenes(event, source, recipe).tracks:
            if track.post[0].datetime - event.last_origin < 2 * _BEFORE:
                found.append(Dated(f"{track.post[0].datetime:%Y-%m-%d}", track))
    unique = list({(one.date, one.track.id): one for one in found}.values())
    order = sorted(unique, key=lambda one: (-min(one.n_pre, LEAST_PRE), -one.n_pre, one.date))
    good = sum(one.n_pre >= LEAST_PRE for one in order)
    wanted = max(good, LEAST_DATES) if dates is None else dates
    if not order or (dates is not None and len(order) < dates):
        raise InputError(
            f"{items} has {len(order)} dates with acquisitions before and after, "
            f"{'not one' if dates is None else f'not {dates}'}",
            hint="give a longer series, or other --buffers",
        )
    return tuple(sorted(order[:wanted], key=lambda one: (one.date, one.track.id)))


def places(track: Track) -> tuple[MultiPolygon, ...]:
    """The footprints of a track's bursts or scenes, each once: what can be composited by itself."""
    found: dict[object, list[Slice]] = {}
    for acquisition in (*track.pre, *track.post):
        for part in acquisition.slices:
            found.setdefault(part.burst or shapely.to_wkb(part.geometry), []).append(part)
    return tuple(unite(part.geometry for part in members) for members in found.values())


def _slices(items: Path) -> list[Slice]:
    parts = [slice_from_item(item, None) for item in load_items(items)]
    return [part for part in parts if isinstance(part, Slice)]
