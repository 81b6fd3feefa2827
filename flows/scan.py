"""A scan as a Prefect flow: one plan, coarse tasks of some hundreds of jobs, one fold.

    python flows/scan.py --aoi 85,27,87,28.5 --origin 2015-04-25T06:11:26Z --out nepal

The plan is spooled where the flow runs; jobs run on the dask cluster that ``--cluster`` names.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, cast
from uuid import UUID

os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
os.environ.setdefault("DO_NOT_TRACK", "1")
os.environ.setdefault("DASK_LOGGING__DISTRIBUTED", "error")
os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "180")

import typer
from prefect import flow, get_run_logger, task
from prefect.artifacts import (
    create_link_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from prefect.cache_policies import NO_CACHE

from sarlra.cli import options
from sarlra.errors import InputError, JobsFailedError
from sarlra.jobs.clients import open_client
from sarlra.jobs.job import Outcome
from sarlra.jobs.plan import Request
from sarlra.scan.ask import scan_requests
from sarlra.scan.finish import ScanRun, finish, outcome_log
from sarlra.scan.ground import Selection, make_selection
from sarlra.scan.plan import ScanPlan, plan_scan
from sarlra.scan.run import publish_plan, run_on
from sarlra.scenes.search import open_search

#: Jobs of one task, about; a cell is never parted.
BATCH_JOBS = 300


@task(name="plan", cache_policy=NO_CACHE, retries=2, retry_delay_seconds=[10, 60],
      retry_condition_fn=lambda _task, _run, state: not _is_final(state))  # fmt: skip
def plan_jobs(requests: tuple[Request, ...], selection: Selection) -> ScanPlan:
    """Search and plan all cells, and see which jobs stand already."""
    return plan_scan(requests, open_search(requests[0].source), selection=selection)


@task(name="run-batch", cache_policy=NO_CACHE)
def run_batch(
    plan: ScanPlan, cells: Sequence[str], client: Any, take: Callable[[Outcome], None]
) -> None:
    """Run the jobs of some cells on the dask cluster, and hand their outcomes over as they come."""
    log = get_run_logger()
    for outcome in run_on(client, plan, cells):
        take(outcome)
        log.info("%s %s %s", outcome.status, outcome.item_id, outcome.reason or "")


@task(name="fold", cache_policy=NO_CACHE)
def fold_scan(plan: ScanPlan, outcomes: list[Outcome]) -> ScanRun:
    """Make the collections and their merged detections."""
    return finish(plan, outcomes)


@flow(name="scan", validate_parameters=False)
def scan(
    out: options.Out = "sarlra-scan",
    aoi: options.Aoi = None,
    source: options.Source = "planetary-computer",
    origin: options.Origin = None,
    event: options.ScanEvent = None,
    period: options.Period = None,
    step: options.Step = None,
    tile: options.Tile = 4096,
    orbit: options.Orbit = "both",
    buffers: options.Buffers = "60-12",
    pol: options.Pol = "auto",
    model: options.Model = None,
    threshold: options.Threshold = None,
    resolution: options.Resolution = 10.0,
    dem: options.Dem = "auto",
    incidence: options.Incidence = None,
    heading: options.Heading = None,
    skip_sea: options.SkipSea = False,
    min_relief: options.MinRelief = 0.0,
    radiometry: options.Radiometry = "auto",
    visibility_buffer: options.VisibilityBuffer = 0.0,
    min_slope: options.MinSlope = 0.0,
    quality: options.Quality = False,
    cluster: options.Cluster = "local",
    fold: options.Fold = False,
) -> dict[str, int]:
    """Scan an area for landslides; returns the number of jobs by outcome.

    Parameters are those of ``sarlra scan``. Fails where a job failed, after all have run.
    """
    requests = scan_requests(
        aoi=aoi, out=out, source=source, origin=origin or (), event=event, period=period,
        step=step, tile=tile, orbit=orbit, buffers=buffers, pol=pol, model=model,
        threshold=threshold, resolution=resolution, dem=dem, incidence=incidence, heading=heading,
        radiometry=radiometry, visibility_buffer=visibility_buffer, min_slope=min_slope,
        quality=quality,
    )  # fmt: skip
    selection = make_selection(
        skip_sea=skip_sea, min_relief=min_relief, terrain=requests[0].terrain
    )
    with plan_jobs(requests, selection) as plan:
        _show_plan(plan, out)
        outcomes: list[Outcome] = []
        if plan.todo and not fold:
            if plan.todo > plan.counts["waiting"]:
                publish_plan(plan)
            with open_client(cluster, plan.todo) as client:
                outcomes = _run(plan, client)
        run = fold_scan(plan, outcomes)
    _report(run, out)
    if run.counts["failed"]:
        raise JobsFailedError(
            f"{run.counts['failed']} of {len(run.outcomes)} jobs failed: {run.failures}",
            hint=f"the others' results stand in {out}; running again runs only what is missing",
        )
    return run.counts


def batches(plan: ScanPlan) -> Iterator[list[str]]:
    """Cells in batches of about :data:`BATCH_JOBS` jobs."""
    batch: list[str] = []
    jobs = 0
    for name in plan.cells:
        batch.append(name)
        jobs += len(plan.read_cell(name).todo)
        if jobs >= BATCH_JOBS:
            yield batch
            batch, jobs = [], 0
    if batch:
        yield batch


def _run(plan: ScanPlan, client: Any) -> list[Outcome]:
    """All batches, one after the other, with the run's progress on its page."""
    create_link_artifact(
        client.dashboard_link,
        "dask dashboard",
        key="dask-dashboard",
        description="Workers and tasks",
    )
    progress = create_progress_artifact(0.0, key="scan-progress", description=f"{plan.todo} jobs")
    kept = outcome_log(plan)
    for cells in batches(plan):
        # A method, as Prefect would look through a list of outcomes for each batch.
        run_batch(plan, cells, client, kept.add)
        done = 100.0 * len(kept.outcomes) / plan.todo
        update_progress_artifact(cast(UUID, progress), done)
    return kept.outcomes


def _show_plan(plan: ScanPlan, out: str) -> None:
    rows = [{"status": name, "tiles x tracks": number} for name, number in plan.counts.items()]
    create_table_artifact(
        key="scan-plan",
        table=rows,
        description=f"To run: {plan.todo} jobs, about {plan.bytes_in / 1e9:.3g} GB to read, "
        f"{plan.core_seconds / 3600:.3g} core hours",
    )
    address = out if "://" in out else Path(out).resolve().as_uri()
    create_link_artifact(f"{address}/catalog.json", "catalogue", key="scan-catalogue")


def _report(run: ScanRun, out: str) -> None:
    create_table_artifact(
        key="scan-outcomes",
        table=[{"outcome": name, "jobs": number} for name, number in run.counts.items()],
        description=f"{out}/catalog.json",
    )
    failed = [o for o in run.outcomes if o.status == "failed"][:500]
    if failed:
        create_table_artifact(
            key="scan-failures",
            table=[{"item": o.item_id, "code": o.code, "reason": o.reason} for o in failed],
            description="Failed jobs, at most 500",
        )


def _is_final(state: object) -> bool:
    """Whether trying again cannot help: what the user gave is wrong."""
    return isinstance(getattr(state, "data", None), InputError)


if __name__ == "__main__":
    typer.run(scan)
