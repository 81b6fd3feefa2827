"""Running a planned scan from its first job to the fold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sarlra.jobs.clients import open_client
from sarlra.jobs.job import Outcome
from sarlra.jobs.pool import run_bounded, run_here
from sarlra.jobs.run_job import HALVES, run_job
from sarlra.jobs.scan import (
    ScanPlan,
    ScanRun,
    finish,
    outcome_log,
    publish_plan,
    run_cells,
)
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
        settings, jobs = cluster_settings(), run_cells(plan, plan.cells)
        if cluster == "none":
            for outcome in run_here(jobs, run_job, settings):
                log.add(outcome)
                on_outcome(outcome)
        else:
            with open_client(cluster, plan.todo) as client:
                on_client(client)
                for outcome in run_bounded(client, jobs, run_job, settings, HALVES):
                    log.add(outcome)
                    on_outcome(outcome)
    return finish(plan, log.outcomes)
