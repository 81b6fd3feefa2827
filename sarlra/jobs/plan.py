"""From a request to its jobs: search, choose bands and models, cut into tiles. Writes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

import shapely

from sarlra.catalog.names import item_id
from sarlra.catalog.sink import Sink
from sarlra.catalog.standing import find_done
from sarlra.errors import AreaError, ModelError, NoAcquisitionsError
from sarlra.events.event import Event
from sarlra.events.geometry import to_utm
from sarlra.events.times import iso
from sarlra.jobs.job import Job, Outcome, awaits_terrain, job_id, outcome_of, track_version
from sarlra.jobs.tiles import TileWindows, plan_tiles
from sarlra.models.info import ModelInfo
from sarlra.models.registry import default_model, find_model
from sarlra.recipe import Polarisations, Recipe
from sarlra.scenes.find import find_scenes
from sarlra.scenes.model import OrbitState, Scenes, Skipped, Track
from sarlra.scenes.polarisations import Chosen, choose_polarisations
from sarlra.scenes.sources import Source
from sarlra.terrain.choice import TerrainChoice

Combination = Literal["auto", "VV", "VV_VH"]
Radiometry = Literal["auto", "gamma0", "sigma0e"]
BOTH: frozenset[OrbitState] = frozenset({"ascending", "descending"})

#: Where neither the recipe nor the model's card names a threshold (paper's tool).
DEFAULT_THRESHOLD = 0.6


@dataclass(frozen=True, slots=True)
class Request:
    """What a user asked for.

    ``combination`` overrules ``recipe.polarisations``; ``model`` None takes the shipped one that
    fits each track; ``sink`` is a folder or URL. ``radiometry`` ``auto`` is what each model wants
    and overrules ``recipe.radiometry``, as the others do.
    """

    event: Event
    source: Source
    sink: str
    recipe: Recipe
    orbits: frozenset[OrbitState] = BOTH
    combination: Combination = "auto"
    model: str | None = None
    terrain: TerrainChoice = field(default_factory=TerrainChoice)
    radiometry: Radiometry = "auto"


@dataclass(frozen=True, slots=True)
class Plan:
    """The jobs of a request.

    ``standing`` are the outcomes (``skipped``) of jobs whose item stands already; those whose item
    waits for the geometry or a DEM are not among them: they look whether these can be had by now.
    """

    request: Request
    scenes: Scenes
    jobs: tuple[Job, ...]
    standing: tuple[Outcome, ...]

    @property
    def todo(self) -> tuple[Job, ...]:
        """The jobs that have to run."""
        stand = {outcome.job_id for outcome in self.standing}
        return tuple(job for job in self.jobs if job.id not in stand)


def search(request: Request) -> Chosen:
    """Find the tracks of a request and the polarisations that each is composited from.

    Raises
    ------
    NoAcquisitionsError
        No track has acquisitions on both sides of the event; the message says what was found.
    """
    recipe = request.recipe.model_copy(update={"polarisations": ("VV",)})
    event = request.event
    found = find_scenes(event, request.source, recipe, orbits=request.orbits)
    chosen = choose_polarisations(found, combination_of(request))
    if not chosen.scenes.tracks:
        raise NoAcquisitionsError(
            f"no track of {request.source.name} has acquisitions both in the {recipe.pre_days} "
            f"days before {iso(event.first_origin)} and in the {recipe.post_days} days after "
            f"{iso(event.last_origin)}: {_why(chosen.scenes.skipped)}",
            hint="wait for the next pass, or widen --buffers, --aoi, --pol or --orbit",
        )
    return chosen


def make_plan(request: Request, chosen: Chosen, sink: Sink, inputs_href: str) -> Plan:
    """Make the jobs: every tile of the area that a track's scenes meet.

    Parameters
    ----------
    inputs_href
        Where the frozen scenes will lie, relative to the sink.

    Raises
    ------
    AreaError
        No tile of the area meets any scene.
    ModelError
        The model does not fit the polarisations of the tracks.
    """
    jobs: list[Job] = []
    for track, polarisations in zip(chosen.scenes.tracks, chosen.polarisations, strict=True):
        recipe, model = settle(track, polarisations, request)
        version = track_version(request.event, track, recipe, model, request.terrain)
        jobs += [
            make_job(request, windows, track, (recipe, model), version, version, inputs_href)
            for windows in plan_tiles(request.event.area, recipe)
            if meets(windows, track)
        ]
    if not jobs:
        raise AreaError(
            f"no scene of {request.source.name} meets the area {request.event.area.bounds}",
            hint="give an --aoi that the source covers",
        )
    return Plan(request, chosen.scenes, tuple(jobs), tuple(standing_of(jobs, sink)))


def make_job(
    request: Request,
    windows: TileWindows,
    track: Track,
    settled: tuple[Recipe, ModelInfo],
    version: str,
    identity: str,
    inputs_href: str,
) -> Job:
    """One job of a request.

    Parameters
    ----------
    settled
        From :func:`settle`.
    version
        Names the result's place in the store.
    identity
        What tells the job from others of its tile, track and event.
    inputs_href
        Where the frozen scenes will lie, relative to the sink.
    """
    recipe, model = settled
    return Job(
        id=job_id(request.event, windows.tile, track, identity),
        version=version,
        event=request.event,
        tile=windows.tile,
        box=windows.box,
        track=track,
        recipe=recipe,
        model=model,
        threshold=_threshold(recipe, model),
        signing=request.source.signing,
        source=request.source.name,
        sink=request.sink,
        inputs_href=inputs_href,
        terrain=request.terrain,
    )


def standing_of(jobs: Sequence[Job], sink: Sink) -> Iterator[Outcome]:
    """The outcomes (``skipped``) of jobs whose item stands already."""
    for job in jobs:
        name = item_id(job.event, job.tile, job.track, job.version)
        item = find_done(sink, name, job.id)
        if item is not None and not awaits_terrain(job, item.properties):
            known = item.properties.get("sarlra:statistics", {})
            notes = item.properties.get("sarlra:notes", ())
            yield outcome_of(job, name, "skipped", known, 0.0, notes)


def combination_of(request: Request) -> Combination:
    """What is asked for, or what the given model takes."""
    if request.combination == "auto" and request.model is not None:
        return find_model(request.model).combination
    return request.combination


def settle(
    track: Track, polarisations: Polarisations, request: Request
) -> tuple[Recipe, ModelInfo]:
    """The recipe and the model of a track.

    Raises
    ------
    ModelError
        The model does not fit the polarisations.
    """
    recipe = request.recipe.model_copy(update={"polarisations": polarisations})
    model = _model_of(track, recipe, request)
    wanted = model.radiometry if request.radiometry == "auto" else request.radiometry
    return recipe.model_copy(update={"radiometry": wanted}), model


def _model_of(track: Track, recipe: Recipe, request: Request) -> ModelInfo:
    if request.model is None:
        return default_model(recipe.combination, track.orbit_state)
    model = find_model(request.model)
    if model.combination != recipe.combination:
        raise ModelError(
            f"model {model.name!r} takes {model.combination}, the composite would have "
            f"{recipe.combination}",
            hint=f"give --pol {model.combination} or another --model",
        )
    return model


def _threshold(recipe: Recipe, model: ModelInfo) -> float:
    """The recipe's threshold, else the model's, else the default."""
    for threshold in (recipe.threshold, model.threshold):
        if threshold is not None:
            return threshold
    return DEFAULT_THRESHOLD


def meets(windows: TileWindows, track: Track) -> bool:
    """Whether both a pre and a post slice may cover part of the tile's box."""
    box = shapely.box(*windows.box.bounds(windows.tile))
    return all(
        any(
            shapely.intersects(to_utm(part.geometry, windows.tile.epsg), box)
            for acquisition in side
            for part in acquisition.slices
        )
        for side in (track.pre, track.post)
    )


def _why(skipped: tuple[Skipped, ...]) -> str:
    if not skipped:
        return "the search found no item at all"
    sides = [f"{e.subject}: {e.reason}" for e in skipped if e.code in ("no-pre", "no-post")]
    counts = Counter(entry.code for entry in skipped)
    text = ", ".join(f"{count} {code}" for code, count in sorted(counts.items()))
    return "; ".join(sides) if sides else f"skipped {text}"
