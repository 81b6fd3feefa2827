"""From slices to acquisitions: copies of a slice count once, slices of one pass belong together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import shapely

from sarlra.scenes.model import Acquisition, Skipped, Slice

SAME_START = timedelta(seconds=1)
"""Slices of one platform and track whose starts differ by no more, and that overlap, are copies."""
PASS_GAP = timedelta(minutes=30)
"""Slices of one platform and track that are further apart in time are of different passes."""
_OLDEST = datetime.min.replace(tzinfo=UTC)
_Key = TypeVar("_Key", bound=Hashable)


def drop_copies(slices: Iterable[Slice]) -> tuple[list[Slice], list[Skipped]]:
    """Keep the latest processed copy of every slice; among equals the larger id, then href.

    Copies are of the same platform, track and burst (where there are bursts), start within
    :data:`SAME_START` and overlap by more than half of the smaller footprint. The order of the
    input does not matter.
    """
    kept: list[Slice] = []
    skipped: list[Skipped] = []
    seen: dict[Hashable, list[Slice]] = defaultdict(list)
    for slice_ in sorted(slices, key=_preference, reverse=True):
        second = int(slice_.datetime.timestamp())
        near = [s for step in (-1, 0, 1) for s in seen[_pass_key(slice_), second + step]]
        winner = next((s for s in near if _is_copy(slice_, s)), None)
        if winner is None:
            kept.append(slice_)
            seen[_pass_key(slice_), second].append(slice_)
        else:
            reason = f"a copy of {winner.item_id}, which was processed later or has the larger id"
            skipped.append(Skipped(slice_.item_id, "duplicate", reason))
    return sorted(kept, key=time_order), skipped


def group_acquisitions(slices: Sequence[Slice]) -> list[Acquisition]:
    """Acquisitions of *one track* from its slices, ascending in time.

    Slices of one platform belong to one pass where no more than :data:`PASS_GAP` lies between one
    and the next; within that, slices of different absolute orbits (or datatakes, where the orbit
    is not given) are parted, and a slice that has neither joins the nearest in time.
    """
    acquisitions = [
        _acquisition(part)
        for _, ours in sorted(group_by(slices, lambda s: s.platform).items())
        for run in _runs(sorted(ours, key=time_order))
        for part in _by_label(run)
    ]
    return sorted(acquisitions, key=lambda a: (a.datetime, a.id))


def group_by(slices: Iterable[Slice], key: Callable[[Slice], _Key]) -> dict[_Key, list[Slice]]:
    """Slices by key, in the given order within each."""
    groups: dict[_Key, list[Slice]] = defaultdict(list)
    for slice_ in slices:
        groups[key(slice_)].append(slice_)
    return dict(groups)


def time_order(slice_: Slice) -> tuple[datetime, str, tuple[tuple[str, str], ...]]:
    """A total order by start, id and hrefs."""
    return (slice_.datetime, slice_.item_id, slice_.assets)


def end_of(acquisition: Acquisition) -> datetime:
    """The last moment of sensing that the slices state."""
    return max(s.end or s.datetime for s in acquisition.slices)


def _preference(slice_: Slice) -> tuple[datetime, str, tuple[tuple[str, str], ...], str]:
    return (
        slice_.processed or _OLDEST,
        slice_.item_id,
        slice_.assets,
        f"{slice_.collection} {slice_.href}",
    )


def _pass_key(slice_: Slice) -> Hashable:
    return (slice_.platform, slice_.relative_orbit, slice_.orbit_state, slice_.burst)


def _is_copy(one: Slice, other: Slice) -> bool:
    if abs(one.datetime - other.datetime) > SAME_START:
        return False
    if one.burst is not None:
        return True
    common = shapely.area(shapely.intersection(one.geometry, other.geometry))
    smaller = min(shapely.area(one.geometry), shapely.area(other.geometry))
    return bool(common > 0.5 * smaller)


def _runs(slices: Sequence[Slice]) -> list[list[Slice]]:
    runs: list[list[Slice]] = []
    for slice_ in slices:
        if runs and slice_.datetime - runs[-1][-1].datetime < PASS_GAP:
            runs[-1].append(slice_)
        else:
            runs.append([slice_])
    return runs


def _by_label(run: list[Slice]) -> list[list[Slice]]:
    """Part a run by absolute orbit, or datatake where the orbit is not given."""
    orbits = {s.datatake: s.absolute_orbit for s in reversed(run) if s.absolute_orbit is not None}

    def label(slice_: Slice) -> str | None:
        orbit = slice_.absolute_orbit
        if orbit is None and slice_.datatake is not None:
            orbit = orbits.get(slice_.datatake)
        if orbit is not None:
            return f"orbit {orbit}"
        return None if slice_.datatake is None else f"datatake {slice_.datatake}"

    labelled = [(slice_, name) for slice_ in run if (name := label(slice_)) is not None]
    if len({name for _, name in labelled}) <= 1:
        return [run]

    def nearest(slice_: Slice) -> str:
        own = label(slice_)
        if own is not None:
            return own
        return min(labelled, key=lambda pair: abs(pair[0].datetime - slice_.datetime))[1]

    return list(group_by(run, nearest).values())


def _acquisition(slices: list[Slice]) -> Acquisition:
    first = slices[0]
    letter = first.platform[-1].upper()
    return Acquisition(
        id=f"S1{letter}-{first.datetime:%Y%m%d-%H%M%S}",
        datetime=first.datetime,
        platform=first.platform,
        slices=tuple(slices),
    )
