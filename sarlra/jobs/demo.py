"""The demonstration: a simulated world, the main job on it, and its score against the truth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import numpy.typing as npt

from sarlra.catalog.overview import draw_event
from sarlra.catalog.read import read_detections, read_scores
from sarlra.catalog.sink import Sink, open_sink
from sarlra.errors import OutputError
from sarlra.evaluation.scores import ObjectScore, object_score, patch_counts, total
from sarlra.events.resolve import resolve_event
from sarlra.jobs.execute import Run, execute, prepare
from sarlra.jobs.job import Job, Outcome
from sarlra.jobs.plan import BOTH, Plan, Request, search
from sarlra.jobs.relief import choose_terrain
from sarlra.models.metrics import Counts
from sarlra.recipe import make_recipe
from sarlra.samples.labels import landslide_share
from sarlra.scenes.model import Track
from sarlra.scenes.sources import open_source
from sarlra.simulation.world import simulate

Show = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class TrackRow:
    """What the demonstration says of one track."""

    track: str
    pre: int
    post: int
    windows: int
    patch: Counts
    objects: ObjectScore


@dataclass(frozen=True, slots=True)
class Demo:
    """What the demonstration found; ``picture`` is relative to the output."""

    title: str
    rows: tuple[TrackRow, ...]
    picture: str
    skipped_jobs: int


def run_demo(seed: int, world: Path, out: str, cluster: str, show: Show) -> Demo:
    """Simulate a world (unless it lies there already), detect, score, draw.

    Raises
    ------
    OutputError
        The world's folder holds something else.
    """
    _world(seed, world, show)
    event = resolve_event(str(world / "event.geojson"))
    source = open_source(str(world / "items.json"))
    terrain = choose_terrain("auto", None, None, source, BOTH)
    request = Request(event, source, out, make_recipe(), terrain=terrain)
    plan = prepare(request, search(request))
    run = _run(plan, cluster, show)
    inventory = gpd.read_file(world / "inventory.gpkg")
    sink = open_sink(out)
    rows = tuple(_row(track, plan, run, inventory, sink) for track in plan.scenes.tracks)
    picture = f"collections/{event.id}/overview.png"
    sink.put_bytes(picture, draw_event(sink, event.id, inventory.geometry))
    return Demo(event.title, rows, picture, run.counts["skipped"])


def _world(seed: int, world: Path, show: Show) -> None:
    marker = world / "seed.txt"
    if marker.is_file() and marker.read_text().strip() == str(seed):
        return
    if world.exists() and any(world.iterdir()):
        raise OutputError(
            f"{world} holds something else than the simulated world {seed}",
            hint="give another --world, or --fresh to remove it",
        )
    simulate(seed, world, progress=show)
    marker.write_text(f"{seed}\n")


def _run(plan: Plan, cluster: str, show: Show) -> Run:
    done = 0
    total_jobs = len(plan.jobs)
    show("tiles x tracks", 0, total_jobs)

    def count(_: Outcome) -> None:
        nonlocal done
        done += 1
        show("tiles x tracks", done, total_jobs)

    return execute(plan, cluster, count)


def _row(track: Track, plan: Plan, run: Run, inventory: gpd.GeoDataFrame, sink: Sink) -> TrackRow:
    items = {outcome.job_id: outcome for outcome in run.outcomes if outcome.status != "failed"}
    jobs = [job for job in plan.jobs if job.track.id == track.id and job.id in items]
    lattices = {job.id: read_scores(sink, items[job.id].item_id) for job in jobs}
    parts = [_counts(job, lattices[job.id], inventory) for job in jobs]
    detections = read_detections(sink, [items[job.id].item_id for job in jobs])
    return TrackRow(
        track.id,
        len(track.pre),
        len(track.post),
        sum(int(np.isfinite(score).sum()) for score in lattices.values()),
        total(parts),
        object_score(detections, inventory),
    )


def _counts(job: Job, score: npt.NDArray[np.float32], inventory: gpd.GeoDataFrame) -> Counts:
    return patch_counts(score, landslide_share(inventory, job.tile, job.recipe), job.threshold)
