"""The main job as a Prefect flow: search, plan, run, with coarse tasks; offline by itself.

    python flows/detect.py us2000h8ty --out hokkaido

takes what ``sarlra detect`` takes, starts Prefect's embedded server when no ``PREFECT_API_URL`` is
set, and sends nothing home. The flow orders the work; the science is in the package.
"""

from __future__ import annotations

import os

os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
os.environ.setdefault("DO_NOT_TRACK", "1")
os.environ.setdefault("DASK_LOGGING__DISTRIBUTED", "error")
os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "180")

import typer
from prefect import flow, get_run_logger, task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE

from sarlra.cli import options
from sarlra.errors import InputError, JobsFailedError
from sarlra.jobs.ask import make_request
from sarlra.jobs.execute import Run, execute, prepare
from sarlra.jobs.job import Outcome
from sarlra.jobs.plan import Plan, Request, search
from sarlra.scenes.polarisations import Chosen


@task(name="search", cache_policy=NO_CACHE, retries=2, retry_delay_seconds=[10, 60],
      retry_condition_fn=lambda _task, _run, state: not _is_final(state))  # fmt: skip
def search_scenes(request: Request) -> Chosen:
    """Find the tracks and their acquisitions."""
    return search(request)


@task(name="plan", cache_policy=NO_CACHE)
def plan_jobs(request: Request, chosen: Chosen) -> Plan:
    """Cut the area into jobs and see which of them stand already."""
    return prepare(request, chosen)


@task(name="run", cache_policy=NO_CACHE)
def run_plan(plan: Plan, cluster: str) -> Run:
    """Run the jobs on the dask cluster and fold the results into the catalogue."""
    log = get_run_logger()

    def say(outcome: Outcome) -> None:
        log.info("%s %s %s", outcome.status, outcome.item_id, outcome.reason or "")

    return execute(plan, cluster, say)


@flow(name="detect", validate_parameters=False)
def detect(
    event: options.Event = None,
    out: options.Out = "sarlra-output",
    source: options.Source = "planetary-computer",
    origin: options.Origin = None,
    aoi: options.Aoi = None,
    orbit: options.Orbit = "both",
    buffers: options.Buffers = "60-12",
    pol: options.Pol = "auto",
    model: options.Model = None,
    threshold: options.Threshold = None,
    resolution: options.Resolution = 10.0,
    loader: options.Loader = "stackstac",
    dem: options.Dem = "auto",
    incidence: options.Incidence = None,
    heading: options.Heading = None,
    radiometry: options.Radiometry = "auto",
    visibility_buffer: options.VisibilityBuffer = 0.0,
    min_slope: options.MinSlope = 0.0,
    quality: options.Quality = True,
    cluster: options.Cluster = "local",
) -> dict[str, int]:
    """Find landslides around an earthquake; returns the number of jobs by outcome.

    Parameters are those of ``sarlra detect``. Fails where a job failed, after all have run.
    """
    request = make_request(
        event,
        out=out,
        source=source,
        origin=tuple(origin or ()),
        aoi=aoi,
        orbit=orbit,
        buffers=buffers,
        pol=pol,
        model=model,
        threshold=threshold,
        resolution=resolution,
        loader=loader,
        dem=dem,
        incidence=incidence,
        heading=heading,
        radiometry=radiometry,
        visibility_buffer=visibility_buffer,
        min_slope=min_slope,
        quality=quality,
    )
    run = run_plan(plan_jobs(request, search_scenes(request)), cluster)
    create_table_artifact(
        key="detect-outcomes",
        table=[
            {"item": o.item_id, "status": o.status, "detections": o.detections,
             "reason": o.reason or ""}
            for o in run.outcomes
        ],
        description=f"{request.event.title}: {out}/catalog.json",
    )  # fmt: skip
    if run.counts["failed"]:
        raise JobsFailedError(
            f"{run.counts['failed']} of {len(run.outcomes)} jobs failed",
            hint=f"the others' results stand in {out}; running again runs only what is missing",
        )
    return run.counts


def _is_final(state: object) -> bool:
    """Whether trying again cannot help: what the user gave is wrong."""
    result = getattr(state, "data", None)
    return isinstance(result, InputError)


if __name__ == "__main__":
    typer.run(detect)
