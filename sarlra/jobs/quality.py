"""Where a track is looked at to judge its acquisitions, and the judging itself."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import shapely
from shapely import Geometry, MultiPolygon

from sarlra.composites.footprints import touches
from sarlra.composites.measures import assess
from sarlra.composites.pixels import PixelGrid
from sarlra.composites.quality import Quality
from sarlra.errors import SarlraError
from sarlra.events.geometry import to_utm
from sarlra.jobs.job import Job, Outcome, failed_outcome
from sarlra.jobs.pool import TRANSIENT
from sarlra.jobs.tiles import zones
from sarlra.recipe import Recipe
from sarlra.scenes.model import Slice, Track
from sarlra.scenes.signing import SigningPolicy
from sarlra.settings import cluster_settings

#: Chips have this edge in pixels, and there are at most so many.
CHIP_PX, MAX_CHIPS = 512, 12
_STEP_PX = 32
EDGE_PX, MAX_EDGES = 256, 12
_EDGES_EACH = 2
#: Scenes that are read at once: chips are small, and the time goes into waiting.
_THREADS = 8


@dataclass(frozen=True, slots=True)
class Judging:
    """What the judging of a track takes: picklable, so that any worker can do it.

    ``ground`` is what is looked at, in metres of ``epsg``.
    """

    track: Track
    ground: Geometry
    epsg: int
    recipe: Recipe
    signing: SigningPolicy | None
    threads: int = 2


def judging_of(
    track: Track,
    area: MultiPolygon,
    recipe: Recipe,
    signing: SigningPolicy | None,
    threads: int = 2,
) -> Judging:
    """The judging of a track over an area (EPSG:4326): over the largest part in one UTM zone."""
    epsg, part = max(zones(area), key=lambda zone: shapely.area(zone[1]))
    return Judging(track, to_utm(part, epsg), epsg, recipe, signing, threads)


def assess_track(
    track: Track,
    area: MultiPolygon,
    recipe: Recipe,
    signing: SigningPolicy | None,
    threads: int = 2,
) -> tuple[Quality, ...]:
    """Judge the acquisitions of a track over an area (EPSG:4326).

    Raises
    ------
    AssetError, SigningError
        A scene cannot be read.
    """
    return judge_track(judging_of(track, area, recipe, signing, threads))


def judge_track(work: Judging) -> tuple[Quality, ...]:
    """Judge the acquisitions of a track; raises as :func:`assess_track`."""
    chips = _chips(work.ground, work.epsg, work.track, work.recipe)
    edges = _edges(work.ground, work.epsg, work.track, work.recipe)
    return assess(work.track, chips, edges, work.recipe, work.signing, work.threads)


def assess_jobs(jobs: Iterable[Job]) -> tuple[list[Job], list[Outcome]]:
    """Jobs with the verdicts on their acquisitions, each track judged once.

    Returns
    -------
    The jobs, those of recipes that do not ask for it, and those that bring verdicts, as they are;
    and the outcomes (``failed``) of jobs whose track has a scene that cannot be read.
    """
    known: dict[tuple[str, str], tuple[Quality, ...] | SarlraError] = {}
    ready: list[Job] = []
    failed: list[Outcome] = []
    for job in jobs:
        if not job.recipe.quality or job.quality:
            ready.append(job)
            continue
        key = (job.track.id, job.version)
        if key not in known:
            known[key] = judge_patiently(
                judging_of(job.track, job.event.area, job.recipe, job.signing, _THREADS)
            )
        found = known[key]
        if isinstance(found, SarlraError):
            failed.append(failed_outcome(job, found, 0.0))
        else:
            ready.append(replace(job, quality=found))
    return ready, failed


def judge_patiently(work: Judging) -> tuple[Quality, ...] | SarlraError:
    """The verdicts, or why there are none after all retries."""
    settings = cluster_settings()
    for attempt in range(settings.retries + 1):
        try:
            return judge_track(work)
        except SarlraError as error:
            if error.code not in TRANSIENT or attempt == settings.retries:
                return error
            time.sleep(settings.retry_wait_s * 2.0**attempt)
    raise AssertionError("unreachable")


def _chips(shape: Geometry, epsg: int, track: Track, recipe: Recipe) -> list[PixelGrid]:
    """Chips in rows and columns over the area's bounds; those that hold much of what is seen."""
    r = recipe.resolution
    left, bottom, right, top = shapely.bounds(shape)
    edge = int(min(CHIP_PX, max(right - left, top - bottom) // r // _STEP_PX * _STEP_PX + _STEP_PX))
    found: list[tuple[float, PixelGrid]] = []
    for x in _starts(left / r, right / r, edge):
        for y in _starts(-top / r, -bottom / r, edge):
            grid = PixelGrid(epsg, x, -y, edge, edge, r)
            part = shapely.intersection(shapely.box(*grid.bounds), shape)
            share = shapely.area(part) / (edge * r) ** 2
            if share > 0 and _seen(track, grid):
                found.append((share, grid))
    whole = [grid for share, grid in found if share > 0.5]
    if len(whole) < MAX_CHIPS:
        best = sorted(found, key=lambda entry: (-entry[0], entry[1].left, entry[1].top))
        return [grid for _, grid in best[:MAX_CHIPS]]
    return [whole[i] for i in np.linspace(0, len(whole) - 1, MAX_CHIPS).astype(int)]


def _starts(first: float, last: float, edge: int) -> list[int]:
    """Where chips start so that they cover [first, last], evenly laid around its middle."""
    count = max(1, round((last - first) / edge))
    start = round((first + last) / 2 - count * edge / 2)
    return [start + edge * number for number in range(count)]


def _seen(track: Track, grid: PixelGrid) -> bool:
    return all(
        any(touches(s, grid) for a in side for s in a.slices) for side in (track.pre, track.post)
    )


def _edges(shape: Geometry, epsg: int, track: Track, recipe: Recipe) -> list[PixelGrid]:
    """Chips on the outlines of slices within the area, or near it."""
    near = shapely.buffer(shape, CHIP_PX * recipe.resolution)
    points: dict[tuple[int, int], None] = {}
    by_outline: dict[bytes, list[Slice]] = defaultdict(list)
    for acquisition in (*track.pre, *track.post):
        for scene in acquisition.slices:
            by_outline[shapely.to_wkb(scene.geometry)].append(scene)
    for _, scenes in sorted(by_outline.items()):
        outline = shapely.boundary(to_utm(scenes[0].geometry, epsg))
        inside = shapely.intersection(outline, near)
        length = shapely.length(inside)
        if not length > 0:
            continue
        line = shapely.line_merge(inside)
        parts = sorted(shapely.get_parts(line), key=shapely.length, reverse=True)
        for part in parts[:2]:
            for step in range(_EDGES_EACH):
                at = shapely.line_interpolate_point(
                    part, (step + 0.5) / _EDGES_EACH, normalized=True
                )
                place = (round(at.x / recipe.resolution), round(at.y / recipe.resolution))
                points[place[0] // EDGE_PX * EDGE_PX, place[1] // EDGE_PX * EDGE_PX] = None
    chosen = list(points)
    picked = np.unique(np.linspace(0, len(chosen) - 1, min(MAX_EDGES, len(chosen))).astype(int))
    return [
        PixelGrid(
            epsg,
            chosen[i][0] - EDGE_PX // 4,
            chosen[i][1] + EDGE_PX + EDGE_PX // 4,
            EDGE_PX + EDGE_PX // 2,
            EDGE_PX + EDGE_PX // 2,
            recipe.resolution,
        )
        for i in (picked if chosen else ())
    ]
