"""The unit of work: one tile of one track, from acquisitions to an item in the catalogue."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sarlra import __version__
from sarlra.catalog.names import item_id
from sarlra.composites.quality import Quality
from sarlra.errors import SarlraError
from sarlra.events.event import Event
from sarlra.grid import PixelBox, Tile
from sarlra.models.info import ModelInfo
from sarlra.recipe import Recipe
from sarlra.scenes.model import Slice, Track
from sarlra.scenes.signing import SigningPolicy
from sarlra.terrain.choice import TerrainChoice

#: Names of jobs are made in this namespace; changing it renames every job ever run.
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://github.com/sarlra/sarlra/jobs")

Status = Literal["done", "empty", "skipped", "failed"]


@dataclass(frozen=True, slots=True)
class Job:
    """All that one task needs, picklable; nothing in it is secret.

    ``sink`` is the output's folder or URL, ``inputs_href`` the frozen search result relative to
    it. ``threads`` bounds the threads that read and compute inside the job. ``terrain`` says where
    heights and the track's geometry come from. ``quality`` has the verdicts on the track's
    acquisitions, which stand in it all; none where the recipe does not ask for them.
    """

    id: str
    version: str
    event: Event
    tile: Tile
    box: PixelBox
    track: Track
    recipe: Recipe
    model: ModelInfo
    threshold: float
    signing: SigningPolicy | None
    source: str
    sink: str
    inputs_href: str
    threads: int = 2
    terrain: TerrainChoice = field(default_factory=TerrainChoice)
    quality: tuple[Quality, ...] = ()

    @property
    def store(self) -> str:
        """The event's Zarr store, relative to the sink."""
        return f"composites/{self.event.id}.zarr"

    @property
    def group(self) -> str:
        """The group of the composite in the store."""
        return f"{self.version}/{self.tile.epsg}/{self.track.id}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a job.

    ``status``: ``done`` (with detections), ``empty`` (done, no detections), ``skipped`` (the item
    stood already) or ``failed``; ``code`` and ``reason`` say why it failed, for machines and for
    people. ``notes`` say what is missing of a result that stands.
    ``scored`` and ``not_scored`` count windows, ``detections`` those kept.
    """

    job_id: str
    item_id: str
    tile: str
    track: str
    status: Status
    scored: int = 0
    not_scored: int = 0
    detections: int = 0
    code: str | None = None
    reason: str | None = None
    hint: str | None = None
    seconds: float = 0.0
    notes: tuple[str, ...] = ()


def track_version(
    event: Event, track: Track, recipe: Recipe, model: ModelInfo, terrain: TerrainChoice
) -> str:
    """A short name of everything that decides a track's result, eight hexadecimal digits.

    Two runs agree on it when recipe, model, package version, origin times, area, the choice of DEM
    and geometry, and input files (ids, addresses and times of processing) agree. Verdicts on the
    acquisitions follow from these.
    """
    inputs = [
        [acquisition.id, *input_facts(part)]
        for acquisition in (*track.pre, *track.post)
        for part in acquisition.slices
    ]
    return version_of(event, recipe, model, terrain, {"inputs": inputs})


def version_of(
    event: Event, recipe: Recipe, model: ModelInfo, terrain: TerrainChoice, more: Mapping[str, Any]
) -> str:
    """Eight hexadecimal digits of recipe, model, package version, origin times, area, the choice
    of DEM and geometry, and what more decides a result.
    """
    facts = {
        "package": __version__,
        "recipe": recipe.hash(),
        "model": model.sha256,
        "origins": [origin.isoformat() for origin in event.origins],
        "area": hashlib.sha256(event.area.wkb).hexdigest(),
        "terrain": terrain.facts(),
        **more,
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:8]


def input_facts(part: Slice) -> list[str]:
    """What tells a scene from others: its id, when it was made, and the addresses of its files.

    A scene that was replaced in place, under the same name, is another.
    """
    made = () if part.processed is None else (part.processed.isoformat(),)
    return [part.item_id, *made, *sorted(href for _, href in part.assets)]


def job_id(event: Event, tile: Tile, track: Track, version: str) -> str:
    """The job's id: uuid5 of what it makes and of what decides it."""
    return str(uuid.uuid5(_NAMESPACE, "/".join((event.id, tile.id, track.id, version))))


def awaits_terrain(job: Job, properties: Mapping[str, Any]) -> bool:
    """Whether the item that a job made before waits for a geometry or a DEM.

    Such an item stands, but where both can be had in a later run it is made again: it was wanted
    with its layover and shadow, and says ``unknown``. Of scenes that name no GRD scene, no later
    run can tell more of the geometry than their footprints did.
    """
    if job.terrain.dem is None:
        return False
    if properties.get("sarlra:geometry") == "unknown":
        return any(part.grd_href for a in (*job.track.pre, *job.track.post) for part in a.slices)
    return properties.get("sarlra:dem") is None


def outcome_of(
    job: Job,
    item: str,
    status: Status,
    statistics: Mapping[str, Any],
    seconds: float,
    notes: Iterable[str] = (),
) -> Outcome:
    """The outcome of a job whose item stands, from the statistics and notes in it."""
    scored = int(statistics.get("scored", 0))
    return Outcome(
        job.id,
        item,
        job.tile.id,
        job.track.id,
        status,
        scored=scored,
        not_scored=int(statistics.get("windows", scored)) - scored,
        detections=int(statistics.get("detections", 0)),
        seconds=seconds,
        notes=tuple(notes),
    )


def failed_outcome(job: Job, error: SarlraError, seconds: float) -> Outcome:
    """The outcome of a job that an error ended."""
    return Outcome(
        job.id,
        item_id(job.event, job.tile, job.track, job.version),
        job.tile.id,
        job.track.id,
        "failed",
        code=error.code,
        reason=error.message,
        hint=error.hint,
        seconds=seconds,
    )
