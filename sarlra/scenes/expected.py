"""What a track should have had: acquisitions by the repeat cycle, and the whole area.

Each Sentinel-1 passes the same track every 12 days; two of them in one plane together every 6.
Where a satellite was seen on a track at all, its other passes within the windows are expected.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import shapely

from sarlra.events.event import Event
from sarlra.recipe import Recipe
from sarlra.scenes.model import Acquisition, Track
from sarlra.scenes.passes import satellites

_TOLERANCE = timedelta(hours=6)


def expected_missing(
    track: Track, event: Event, recipe: Recipe, *, now: datetime | None = None
) -> tuple[tuple[str, date], ...]:
    """(platform, day in UTC) of passes within the windows that were not found, ascending.

    Passes later than ``now`` (default: the clock) are not expected yet.
    """
    now = now or datetime.now(UTC)
    opens = event.first_origin - timedelta(days=recipe.pre_days)
    closes = min(event.last_origin + timedelta(days=recipe.post_days), now)
    facts = satellites()
    missing: list[tuple[date, str]] = []
    acquisitions = (*track.pre, *track.post)
    for platform in sorted({a.platform for a in acquisitions}):
        seen = [a.datetime for a in acquisitions if a.platform == platform]
        _, ended = facts.lives.get(platform, (opens, None))
        last = closes if ended is None else min(closes, ended)
        moment = seen[0] - ((seen[0] - opens) // facts.repeat) * facts.repeat
        while moment <= last:
            between = event.first_origin <= moment <= event.last_origin
            if not between and not any(abs(moment - s) <= _TOLERANCE for s in seen):
                missing.append((moment.date(), platform))
            moment += facts.repeat
    return tuple((platform, day) for day, platform in sorted(missing))


def coverage(track: Track, event: Event) -> float:
    """The share of the area, 0..1, that footprints of the track cover both before and after.

    Measured in Lambert's cylindrical equal-area projection of a sphere.
    """
    both = shapely.intersection_all([_union(track.pre), _union(track.post), event.area])
    whole = _size(event.area)
    return min(1.0, _size(both) / whole) if whole > 0 else 0.0


def track_notes(track: Track, event: Event, recipe: Recipe) -> list[str]:
    """What is worth saying about a track: missing passes, and coverage under 99.5 %."""
    notes: list[str] = []
    missing = expected_missing(track, event, recipe)
    if missing:
        days = ", ".join(f"{day} (S1{platform[-1].upper()})" for platform, day in missing[:20])
        more = f" and {len(missing) - 20} more" if len(missing) > 20 else ""
        notes.append(f"{track.id}: expected by the repeat cycle but not found: {days}{more}")
    covered = coverage(track, event)
    if covered < 0.995:
        notes.append(f"{track.id}: covers {covered:.1%} of the area both before and after")
    return notes


def _union(acquisitions: tuple[Acquisition, ...]) -> shapely.Geometry:
    return shapely.union_all([s.geometry for a in acquisitions for s in a.slices])


def _size(geometry: shapely.Geometry) -> float:
    return float(shapely.area(shapely.transform(geometry, _equal_area)))


def _equal_area(coordinates: np.ndarray) -> np.ndarray:
    x, y = np.radians(coordinates).T
    return np.column_stack([x, np.sin(y)])
