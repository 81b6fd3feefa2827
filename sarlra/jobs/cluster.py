"""Running jobs in this process, on a local dask cluster, or on one that is running already."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from sarlra.jobs.clients import open_client
from sarlra.jobs.job import Job, Outcome
from sarlra.jobs.pool import Halves, run_bounded, run_here
from sarlra.settings import cluster_settings

Run = Callable[[Job], Outcome]


def run_jobs(
    jobs: Sequence[Job], run: Run, cluster: str, halves: Halves | None = None
) -> Iterator[Outcome]:
    """Run jobs and yield their outcomes as they come, in no fixed order.

    Parameters
    ----------
    cluster
        ``none`` (in this process, one after the other) or what
        :func:`sarlra.jobs.clients.open_client` takes.
    halves
        See :func:`sarlra.jobs.pool.run_bounded`.

    Raises
    ------
    InputError
        The address is none or nobody answers there.
    """
    if cluster == "none" or not jobs:
        yield from run_here(jobs, run, cluster_settings())
        return
    with open_client(cluster, len(jobs)) as client:
        yield from run_bounded(client, jobs, run, cluster_settings(), halves)
