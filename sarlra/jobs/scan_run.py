"""Running a planned scan from its first job to the fold."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Any

from sarlra.jobs.clients import open_client
from sarlra.jobs.job import Outcome
from sarlra.jobs.pool import run_bounded, run_here
from sarlra.jobs.run_job import HALVES, run_job
from sarlra.jobs.scan import ScanPlan, ScanRun, finish, outcome_log, publish_plan, run_cells
from sarlra.jobs.scan_quality import Judge
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
