"""From a cell of a scan to its jobs: search, group, choose, restrict to what each tile reads."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import shapely

from sarlra.catalog.names import item_id
from sarlra.catalog.sink import Sink
from sarlra.catalog.standing import find_done
from sarlra.events.event import Event
from sarlra.jobs.job import Job, Outcome, awaits_terrain, input_facts, outcome_of, version_of
from sarlra.jobs.plan import Request, combination_of, make_job, settle
from sarlra.jobs.quality import Judging
from sarlra.models.info import ModelInfo
from sarlra.recipe import Polarisations, Recipe
from sarlra.scan.cells import Cell
from sarlra.scan.ground import LeftOut
from sarlra.scan.planned import Planned, PlannedCell, State
from sarlra.scan.quality import judging_in, outlines_in, restricted
from sarlra.scenes.find import assemble
from sarlra.scenes.frozen import freeze_bytes
from sarlra.scenes.model import OrbitState, Slice, Track
from sarlra.scenes.polarisations import choose_polarisations, slices_of
from sarlra.scenes.search import Search
from sarlra.terrain.choice import TerrainChoice

_MARGIN = timedelta(hours=1)
#: Bytes of a float32 sample, and how much smaller a compressed file of them is.
_SAMPLE_BYTES, _COMPRESSION = 4, 0.8


@dataclass(frozen=True, slots=True)
class Standing:
    """What the sink held when planning began: ids of items, by event, tile and track."""

    items: frozenset[str]
    lineages: frozenset[str]


def what_stands(sink: Sink) -> Standing:
    """List the sink once, so that no job that is new has to ask."""
    items = frozenset(sink.list_items())
    return Standing(items, frozenset(name.rpartition("_")[0] for name in items))


def plan_cell(
    request: Request,
    cell: Cell,
    search: Search,
    sink: Sink,
    standing: Standing,
    left_out: tuple[LeftOut, ...] = (),
) -> PlannedCell:
    """Search a cell and make its jobs; writes nothing. Without any tile nothing is searched.

    Raises
    ------
    SearchError
        The search failed or is not complete.
    ModelError
        The model does not fit the polarisations of a track.
    """
    if not cell.tiles:
        return PlannedCell(cell.name, request.event, "", b"", (), left_out)
    event, recipe = request.event, request.recipe.model_copy(update={"polarisations": ("VV",)})
    start = event.first_origin - timedelta(days=recipe.pre_days) - _MARGIN
    end = event.last_origin + timedelta(days=recipe.post_days) + _MARGIN
    found = search.find(cell.search_area(), start, end)
    scenes = assemble(found, event, request.source, recipe, orbits=request.orbits)
    chosen = choose_polarisations(scenes, combination_of(request))
    inputs = freeze_bytes(chosen.scenes, indent=None)
    digest = hashlib.sha256(inputs).hexdigest()[:8]
    href = f"collections/{event.id}/inputs/{cell.name}-{digest}.json"
    entries: list[Planned] = []
    judgings: dict[tuple[str, str], Judging] = {}
    for track, polarisations in zip(chosen.scenes.tracks, chosen.polarisations, strict=True):
        own, judging = _plan_track(request, cell, track, polarisations, href, sink, standing)
        entries += own
        judgings |= judging
    return PlannedCell(cell.name, event, href, inputs, tuple(entries), left_out, judgings)


def scan_version(event: Event, recipe: Recipe, model: ModelInfo, terrain: TerrainChoice) -> str:
    """A short name of what decides a scan's results beside its inputs, eight hexadecimal digits.

    Inputs are left out, so that a scan keeps its stores when acquisitions are added; they are in
    the id of each job (see :func:`inputs_digest`), by which a stale item is known.
    """
    return version_of(event, recipe, model, terrain, {"scan": 1})


def inputs_digest(track: Track) -> str:
    """A hash of the scenes that a job reads (see :func:`sarlra.jobs.job.input_facts`)."""
    facts = [input_facts(part) for part in slices_of(track)]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def _plan_track(
    request: Request,
    cell: Cell,
    track: Track,
    polarisations: Polarisations,
    inputs_href: str,
    sink: Sink,
    standing: Standing,
) -> tuple[list[Planned], dict[tuple[str, str], Judging]]:
    """The tiles of one track, and how its acquisitions are judged."""
    event = request.event
    recipe, model = settle_once(track.orbit_state, polarisations, request)
    version = scan_version(event, recipe, model, request.terrain)
    judging = judging_in(cell, track, event.area, recipe, request.source.signing)
    # Verdicts depend on all that the cell has of the track, not only on what a tile reads.
    judged_by = "" if judging is None else f"/{inputs_digest(judging.track)}"
    entries: list[Planned] = []
    slices = slices_of(track)
    outlines = outlines_in(slices, cell.epsg)
    for windows in cell.tiles:
        box = shapely.box(*windows.box.bounds(windows.tile))
        meets = shapely.intersects(outlines, box)
        if not meets.any():
            continue
        own = restricted(track, {id(s) for s, hit in zip(slices, meets, strict=True) if hit})
        if not (own.pre and own.post):
            side = "before" if not own.pre else "after"
            reason = f"no acquisition of {track.id} {side} the event meets the tile"
            entries.append(Planned("skipped", windows, own, reason=reason))
            continue
        identity = f"{version}/{inputs_digest(own)}{judged_by}"
        job = make_job(request, windows, own, (recipe, model), version, identity, inputs_href)
        state, outcome = _state(job, sink, standing)
        n_bytes, pixels = _effort(job, outlines[meets], box)
        entries.append(Planned(state, windows, own, job, outcome, "", n_bytes, pixels))
    return entries, {} if judging is None else {(track.id, version): judging}


@lru_cache(maxsize=64)
def settle_once(
    orbit_state: OrbitState, polarisations: Polarisations, request: Request
) -> tuple[Recipe, ModelInfo]:
    """As :func:`sarlra.jobs.plan.settle`, which reads the model's file, once for a request."""
    return settle(Track(0, orbit_state, (), ()), polarisations, request)


def _state(job: Job, sink: Sink, standing: Standing) -> tuple[State, Outcome | None]:
    name = item_id(job.event, job.tile, job.track, job.version)
    if name in standing.items:
        item = find_done(sink, name, job.id)
        if item is None:
            return "stale", None
        if awaits_terrain(job, item.properties):
            return "waiting", None
        known = item.properties.get("sarlra:statistics", {})
        return "done", outcome_of(job, name, "skipped", known, 0.0)
    return ("stale" if name.rpartition("_")[0] in standing.lineages else "new"), None


def _effort(job: Job, outlines: npt.NDArray[np.object_], box: shapely.Polygon) -> tuple[int, int]:
    """(bytes, pixels of the target grid) that a job reads, estimated from footprints."""
    covered = shapely.area(shapely.clip_by_rect(outlines, *box.bounds))
    bands = len(job.recipe.polarisations)
    n_bytes = sum(
        float(area) / _pixel_area(part, job.recipe.resolution) * _SAMPLE_BYTES * _COMPRESSION
        for area, part in zip(covered, slices_of(job.track), strict=True)
    )
    pixels = float(covered.sum()) / job.recipe.resolution**2
    return round(n_bytes * bands), round(pixels * bands)


def _pixel_area(part: Slice, otherwise: float) -> float:
    """Square metres of a slice's own pixel; the target grid's where the item states no grid."""
    if part.transform is None:
        return otherwise**2
    a, b, _, d, e, _ = part.transform
    area = abs(a * e - b * d)
    return area if 1.0 <= area <= 1e6 else otherwise**2
