"""Making a published result again, from its item alone."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from shapely import MultiPolygon
from shapely.geometry import shape

from sarlra.catalog.names import asset_path
from sarlra.catalog.sink import open_sink
from sarlra.catalog.verdicts import verdicts_in
from sarlra.errors import CatalogError, ModelError
from sarlra.events.event import Event
from sarlra.jobs.ask import parse_time
from sarlra.jobs.execute import execute, prepare
from sarlra.jobs.job import Job
from sarlra.jobs.plan import Plan, Request, search
from sarlra.jobs.relief import choose_terrain
from sarlra.models.info import ModelInfo
from sarlra.models.registry import find_model
from sarlra.recipe import Recipe
from sarlra.scenes.sources import open_source
from sarlra.serving.compare import Difference, compare_detections, compare_rasters
from sarlra.serving.fetch import check_inputs, fetch_item, read_asset
from sarlra.serving.results import Document

_RASTERS = ("scores", "score-reasons")


@dataclass(frozen=True, slots=True)
class Reproduction:
    """What became of making an item again.

    ``identical``: lattice and detections are the same, value for value. ``notes`` say what else
    is not as it was (the version of the software, the DEM), which need not change the result.
    """

    item_id: str
    identical: bool
    differences: tuple[Difference, ...]
    notes: tuple[str, ...]


def reproduce(
    item: str, *, dem: str = "auto", local_files: bool = False, out: str | None = None
) -> Reproduction:
    """Fetch an item, its frozen inputs, recipe and model; run; compare lattice and detections.

    Parameters
    ----------
    item
        URL or path of the item's JSON.
    dem
        As for ``sarlra detect``; not used where the item was made without one.
    local_files
        Whether inputs of an item from another machine may name files of this one.
    out
        Where to write the result made again; None drops it.

    Raises
    ------
    SarlraError
        Something that is needed cannot be had, was changed, or the run fails.
    """
    document, origin = fetch_item(item)
    published = {key: read_asset(document, key, origin) for key in (*_RASTERS, "detections")}
    frozen = read_asset(document, "inputs", origin)
    inputs = _frozen(frozen)
    check_inputs(inputs, remote=origin.remote, local_files=local_files)
    with tempfile.TemporaryDirectory(prefix="sarlra-again-") as folder:
        file = Path(folder) / "inputs.json"
        file.write_bytes(frozen)
        sink = out or str(Path(folder) / "out")
        request = make_request(document, inputs, file, sink, dem)
        plan = _only(document, prepare(request, search(request)))
        # Verdicts were taken over an area that need not be in the inputs: they are those stated.
        job = replace(plan.jobs[0], quality=verdicts_in(document))
        plan = replace(plan, jobs=(job,))
        run = execute(plan, "none")
        place = open_sink(sink)
        made = run.outcomes[0].item_id
        again = {key: place.read_bytes(asset_path(made, key)) for key in published}
        differences = [
            d for key in _RASTERS for d in compare_rasters(key, published[key], again[key])
        ]
    differences += compare_detections(published["detections"], again["detections"])
    notes = tuple(_notes(document, job))
    return Reproduction(str(document["id"]), not differences, tuple(differences), notes)


def make_request(document: Document, inputs: Document, file: Path, sink: str, dem: str) -> Request:
    """The request that an item answers.

    Raises
    ------
    CatalogError
        The item's recipe is none of this version's.
    ModelError
        The model is not on this machine, or is another one of that name.
    """
    properties = document["properties"]
    try:
        recipe = Recipe.model_validate(properties["sarlra:recipe"])
    except ValidationError as error:
        raise CatalogError(
            f"the recipe of {document['id']} is none of this version: {error}",
            hint="install the version of sarlra that the item names in processing:software",
        ) from error
    source = open_source(str(file))
    orbits = frozenset({properties["sat:orbit_state"]})
    chosen = dem if properties.get("sarlra:dem") is not None else "none"
    return Request(
        event=_event(properties, inputs),
        source=source,
        sink=sink,
        recipe=recipe,
        orbits=orbits,
        combination=recipe.combination,
        model=model_of_item(document).name,
        terrain=choose_terrain(chosen, None, None, source, orbits),
        radiometry=recipe.radiometry,
    )


def model_of_item(document: Document) -> ModelInfo:
    """The model that an item names, on this machine.

    Raises
    ------
    ModelError
        It is not here, or another one of that name.
    """
    properties = document["properties"]
    name, wanted = properties["sarlra:model"], properties["sarlra:model_sha256"]
    # A name from a stranger's item: never a path.
    if not isinstance(name, str) or "/" in name or "\\" in name or name.endswith(".keras"):
        raise ModelError(f"{name!r:.80} is no name of a model")
    model = find_model(name)
    if model.sha256 != wanted:
        raise ModelError(
            f"the model {name} on this machine is not the one of the item "
            f"({model.sha256[:12]}, not {wanted[:12]})",
            hint="get the model with that checksum: `sarlra models import` or `pull`",
        )
    return model


def _event(properties: dict[str, Any], inputs: Document) -> Event:
    searched = inputs["sarlra:search"]
    try:
        area = shape(searched["area"])
        if not isinstance(area, MultiPolygon):
            raise TypeError(f"the area is a {area.geom_type}")
        return Event(
            id=properties["sarlra:event"],
            title=properties["sarlra:event"],
            origins=tuple(parse_time(text) for text in properties["sarlra:origins"]),
            area=area,
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CatalogError(f"the frozen inputs name no area: {error!r}") from error


def _frozen(data: bytes) -> Document:
    try:
        inputs = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise CatalogError(f"the frozen inputs are no JSON: {error}") from error
    if not isinstance(inputs, dict) or not isinstance(inputs.get("sarlra:search"), dict):
        raise CatalogError("the inputs are no frozen search")
    return inputs


def _only(document: Document, plan: Plan) -> Plan:
    properties = document["properties"]
    place = (properties["sarlra:tile"], properties["sarlra:track"])
    jobs = tuple(job for job in plan.jobs if (job.tile.id, job.track.id) == place)
    if len(jobs) != 1:
        raise CatalogError(f"the inputs of {document['id']} give no job of {'/'.join(place)}")
    names = {job.id for job in jobs}
    standing = tuple(outcome for outcome in plan.standing if outcome.job_id in names)
    return replace(plan, jobs=jobs, standing=standing)


def _notes(document: Document, job: Job) -> list[str]:
    properties = document["properties"]
    notes = []
    if job.recipe.hash() != properties["sarlra:recipe_hash"]:
        notes.append("the recipe has another hash than the item says")
    if job.version != properties["version"]:
        notes.append(
            f"version {job.version}, published {properties['version']}: another version of sarlra, "
            "DEM, area, or addresses of the inputs"
        )
    for side, acquisitions in (("pre", job.track.pre), ("post", job.track.post)):
        listed = [entry["id"] for entry in properties[f"sarlra:acquisitions_{side}"]]
        lost = [q["id"] for q in properties.get("sarlra:quality", ()) if not q["used"]]
        acquisitions = tuple(a for a in acquisitions if a.id not in lost)
        if [acquisition.id for acquisition in acquisitions] != listed:
            notes.append(f"other acquisitions {side} than the item lists")
    return notes
