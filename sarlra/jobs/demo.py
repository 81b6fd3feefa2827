"""The demonstration: a simulated world, the main job on it, and its score against the truth."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sarlra.catalog.names import item_path
from sarlra.catalog.overview import draw_event
from sarlra.catalog.read import read_merged
from sarlra.catalog.sink import open_sink
from sarlra.errors import OutputError
from sarlra.evaluation.run import Evaluation, evaluate_run
from sarlra.events.resolve import resolve_event
from sarlra.inventories.read import read_inventory
from sarlra.jobs.execute import Run, execute, prepare
from sarlra.jobs.job import Outcome
from sarlra.jobs.plan import BOTH, Plan, Request, search
from sarlra.jobs.relief import choose_terrain
from sarlra.recipe import make_recipe
from sarlra.scenes.sources import open_source
from sarlra.simulation.world import simulate
from sarlra.terrain.choice import DemSource

Show = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Demo:
    """What the demonstration found; ``picture`` is relative to the output."""

    title: str
    evaluation: Evaluation
    picture: str
    skipped_jobs: int

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        facts = {"title": self.title, "picture": self.picture, "skipped_jobs": self.skipped_jobs}
        return facts | self.evaluation.as_json()


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
    inventory = read_inventory(world / "inventory.gpkg")
    sink = open_sink(out)
    names = [outcome.item_id for outcome in run.outcomes if outcome.status != "failed"]
    items = [json.loads(sink.read_bytes(item_path(name))) for name in names]
    dem = DemSource(file=world / "dem.tif")
    found = evaluate_run(sink, event.id, items, read_merged(sink, event.id), inventory, dem=dem)
    picture = f"collections/{event.id}/overview.png"
    sink.put_bytes(picture, draw_event(sink, event.id, inventory.landslides.geometry))
    return Demo(event.title, found, picture, run.counts["skipped"])


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
