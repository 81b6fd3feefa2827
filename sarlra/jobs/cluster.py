"""Running jobs in this process, on a local dask cluster, or on one that is running already."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any

from sarlra.catalog.publish import item_id
from sarlra.errors import InputError
from sarlra.jobs.job import Job, Outcome

log = logging.getLogger(__name__)

Run = Callable[[Job], Outcome]

#: Futures under way for each worker: enough to keep it busy, few enough to stop quickly.
_IN_FLIGHT = 2
#: How often the cluster is looked at while nothing finishes, and how long it may have no worker.
_LOOK_S, _ALONE_S = 5, 60


def run_jobs(jobs: Sequence[Job], run: Run, cluster: str) -> Iterator[Outcome]:
    """Run jobs and yield their outcomes as they come, in no fixed order.

    Parameters
    ----------
    cluster
        ``none`` (in this process, one after the other), ``local`` (a dask cluster of processes on
        this machine, one job each at a time) or the address of a dask scheduler.

    Raises
    ------
    InputError
        The address is none or nobody answers there.
    """
    if cluster == "none" or not jobs:
        yield from map(run, jobs)
        return
    with _client(cluster, len(jobs)) as client:
        yield from _bounded(client, jobs, run)


def _bounded(client: Any, jobs: Sequence[Job], run: Run) -> Iterator[Outcome]:
    """Keep a few futures per worker under way; give up where no worker is left."""
    from distributed import wait

    waiting = iter(jobs)
    width = max(1, _workers(client)) * _IN_FLIGHT
    running: dict[Any, Job] = {}
    alone = 0
    while True:
        for job in islice(waiting, width - len(running)):
            running[client.submit(run, job, key=f"sarlra-{job.id}", pure=False)] = job
        if not running:
            return
        try:
            done = wait(list(running), timeout=_LOOK_S, return_when="FIRST_COMPLETED").done
        except TimeoutError:
            alone = 0 if _workers(client) else alone + 1
            if alone * _LOOK_S < _ALONE_S:
                continue
            gone = RuntimeError(f"no worker of the cluster has been alive for {_ALONE_S} s")
            yield from (_lost(job, gone) for job in (*running.values(), *waiting))
            return
        for future in done:
            job, error = running.pop(future), future.exception()
            yield future.result() if error is None else _lost(job, error)
            future.release()


def _workers(client: Any) -> int:
    return len(client.scheduler_info(n_workers=-1)["workers"])


def _lost(job: Job, error: BaseException) -> Outcome:
    """A job whose worker died or that broke with a programming error."""
    log.error("job %s broke", job.id, exc_info=error)
    return Outcome(
        job.id,
        item_id(job.event, job.tile, job.track, job.version),
        job.tile.id,
        job.track.id,
        "failed",
        code="worker",
        reason=f"{type(error).__name__}: {error}",
        hint="see the worker's log; running again runs only what is missing",
    )


@contextmanager
def _client(cluster: str, jobs: int) -> Iterator[Any]:
    from distributed import Client, LocalCluster

    if cluster != "local":
        try:
            client = Client(cluster, timeout="20s")
        except (OSError, ValueError) as error:
            raise InputError(
                f"no dask scheduler answers at {cluster!r}",
                hint="give --cluster local, none, or an address such as tcp://host:8786",
            ) from error
        with client:
            yield client
        return
    workers = max(1, min(os.cpu_count() or 1, jobs))
    with (
        LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            dashboard_address=None,
            silence_logs=logging.ERROR,
        ) as local,
        Client(local) as client,
    ):
        yield client
