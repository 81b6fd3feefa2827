"""Running a planned scan: inputs and stores of its cells prepared, their jobs run, the fold."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Any

from sarlra.catalog.sink import Sink, open_sink
from sarlra.composites.store import create_group
from sarlra.jobs.clients import open_client
from sarlra.jobs.job import Job, Outcome
from sarlra.jobs.pool import run_bounded, run_here
from sarlra.jobs.run_job import HALVES, run_job
from sarlra.scan.cells import spanning_tiles
from sarlra.scan.finish import ScanRun, finish, outcome_log
from sarlra.scan.plan import ScanPlan
from sarlra.scan.quality import Judge
from sarlra.settings import cluster_settings


def run_scan(
    plan: ScanPlan,
    cluster: str,
    on_outcome: Callable[[Outcome], None] = lambda _: None,
    on_client: Callable[[Any], None] = lambda _: None,
) -> ScanRun:
    """Run the jobs of a plan that do not stand yet, and fold the results.

    Parameters
    ----------
    cluster
        ``none`` or what :func:`sarlra.jobs.clients.open_client` takes.
    on_outcome
        Called once for each job, as results come; first for those that stand.
    on_client
        Called with the dask client, once there is one.

    Raises
    ------
    JobsFailedError
        Every job failed.
    InputError
        The cluster cannot be had.
    """
    for outcome in plan.standing:
        on_outcome(outcome)
    log = outcome_log(plan)
    if plan.todo:
        if plan.todo > plan.counts["waiting"]:
            publish_plan(plan)
        if cluster == "none":
            judge, settings = Judge(), cluster_settings()
            done = run_here(run_cells(plan, plan.cells, judge), run_job, settings)
            for outcome in chain(done, judge.lost):
                log.add(outcome)
                on_outcome(outcome)
        else:
            with open_client(cluster, plan.todo) as client:
                on_client(client)
                for outcome in run_on(client, plan, plan.cells):
                    log.add(outcome)
                    on_outcome(outcome)
    return finish(plan, log.outcomes)


def run_on(client: Any, plan: ScanPlan, cells: Sequence[str]) -> Iterator[Outcome]:
    """Run the jobs of some cells on a dask client, those that could not be judged last."""
    judge = Judge(client)
    jobs = run_cells(plan, cells, judge)
    yield from run_bounded(client, jobs, run_job, cluster_settings(), HALVES)
    yield from judge.lost


def run_cells(plan: ScanPlan, names: Sequence[str], judge: Judge | None = None) -> Iterator[Job]:
    """The jobs of cells, each cell's frozen inputs and Zarr groups written before its first job.

    Parameters
    ----------
    judge
        Of acquisitions, where the recipe asks for it; None judges in this process. Those of its
        ``lost`` are failed jobs that are not among the jobs.
    """
    made: set[tuple[str, str]] = set()
    sink = open_sink(plan.requests[0].sink)
    judge = judge or Judge()
    for cell in judge.ahead(plan.read_cell(name) for name in names):
        if sink.size(cell.inputs_href) != len(cell.inputs):
            sink.put_bytes(cell.inputs_href, cell.inputs)
        for job in judge.jobs(cell):
            if (job.store, job.group) not in made:
                _create_group(sink, job)
                made.add((job.store, job.group))
            yield job


def publish_plan(plan: ScanPlan) -> None:
    """Put the plan's table beside the collections, before any job runs."""
    sink = open_sink(plan.requests[0].sink)
    for request in plan.requests:
        sink.put_file(plan.table, f"collections/{request.event.id}/plan.parquet")


def _create_group(sink: Sink, job: Job) -> None:
    tiles = spanning_tiles(job.event.area, job.tile.epsg, job.recipe)
    facts = {
        "sarlra:event": job.event.id,
        "sarlra:track": job.track.id,
        "sarlra:recipe_hash": job.recipe.hash(),
    }
    create_group(sink.url_of(job.store), job.group, tiles, job.recipe, facts)
