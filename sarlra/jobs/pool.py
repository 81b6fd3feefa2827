"""A bounded number of futures on a dask client, with retries by kind of failure."""

from __future__ import annotations

import heapq
import logging
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

from sarlra.catalog.names import item_id
from sarlra.errors import JobsFailedError
from sarlra.jobs.job import Job, Outcome
from sarlra.settings import ClusterSettings, resources_of

log = logging.getLogger(__name__)

Run = Callable[[Job], Outcome]


@dataclass(frozen=True, slots=True)
class Halves:
    """A job in two tasks, for workers of two kinds: one that reads, one that computes.

    ``score(job, read(job))`` is what the whole job gives.
    """

    read: Callable[[Job], Any]
    score: Callable[[Job, Any], Outcome]


#: Failures that may pass when the job is run again: the network, or a server. The job of a worker
#: that died is moved to another by dask itself.
TRANSIENT = frozenset({"asset", "search", "signing"})
#: How often the cluster is looked at while nothing finishes.
_LOOK_S = 2.0


def run_bounded(
    client: Any,
    jobs: Iterable[Job],
    run: Run,
    settings: ClusterSettings,
    halves: Halves | None = None,
) -> Iterator[Outcome]:
    """Run jobs on a client and yield one outcome for each, in no fixed order.

    Jobs are taken from the iterable only as workers become free, so that a plan of any size stays
    out of memory. A job that fails in a way that may pass (:data:`TRANSIENT`) is run again, later
    and up to ``settings.retries`` times; any other failure is final. Where the settings name
    resources for reading or scoring, ``halves`` are run instead, each on workers that have them.
    """
    waiting = iter(jobs)
    exhausted = False
    again: list[tuple[float, int, Job, int]] = []
    running: dict[Any, tuple[Job, int]] = {}
    order = count()
    submit = _submitter(client, run, halves, settings)
    alone_since: float | None = None
    while True:
        width = max(1, workers(client)) * settings.in_flight
        while len(running) < width:
            attempt = 0
            if again and again[0][0] <= time.monotonic():
                _, _, job, attempt = heapq.heappop(again)
            elif exhausted or (taken := next(waiting, None)) is None:
                exhausted = True
                break
            else:
                job = taken
            key = f"sarlra-{job.id}-{attempt}-{next(order)}"
            running[submit(job, key)] = (job, attempt)
        if not running:
            if not again:
                return
            time.sleep(min(_LOOK_S, max(0.0, again[0][0] - time.monotonic())))
            continue
        done = first_done(running)
        if not done:
            alone_since = None if _busy(client) else (alone_since or time.monotonic())
            if alone_since is None or time.monotonic() - alone_since < settings.alone_s:
                continue
            gone = RuntimeError(
                f"no worker of the cluster has been alive and free for {settings.alone_s} s"
            )
            left = [*(job for job, _ in running.values()), *(entry[2] for entry in again)]
            yield from (_lost(job, gone) for job in (*left, *waiting))
            return
        for future in done:
            job, attempt = running.pop(future)
            outcome = _outcome(future, job)
            future.release()
            if outcome.code in TRANSIENT and attempt < settings.retries:
                log.info("job %s is run again: %s", outcome.item_id, outcome.reason)
                at = time.monotonic() + settings.retry_wait_s * 2.0**attempt
                heapq.heappush(again, (at, next(order), job, attempt + 1))
            else:
                yield outcome


def _submitter(
    client: Any, run: Run, halves: Halves | None, settings: ClusterSettings
) -> Callable[[Job, str], Any]:
    whole, read, score = (
        resources_of(text) or None
        for text in (settings.resources, settings.read_resources, settings.score_resources)
    )
    if halves is None or not (read or score):
        return lambda job, key: client.submit(run, job, key=key, pure=False, resources=whole)

    def submit(job: Job, key: str) -> Any:
        first = client.submit(halves.read, job, key=f"{key}-read", pure=False, resources=read)
        return client.submit(halves.score, job, first, key=key, pure=False, resources=score)

    return submit


def run_here(jobs: Iterable[Job], run: Run, settings: ClusterSettings) -> Iterator[Outcome]:
    """The same in this process, one job after the other."""
    for job in jobs:
        outcome = _guarded(run, job)
        for attempt in range(settings.retries):
            if outcome.code not in TRANSIENT:
                break
            time.sleep(settings.retry_wait_s * 2.0**attempt)
            outcome = _guarded(run, job)
        yield outcome


def _guarded(run: Run, job: Job) -> Outcome:
    """As a worker has it: what breaks one job (a full disk, say) does not stop the others."""
    try:
        return run(job)
    except Exception as error:
        return _lost(job, error)


def workers(client: Any) -> int:
    """How many workers the client's cluster has now that take jobs.

    One that dask has paused, because its memory is nearly full, takes none and may stay so.
    """
    found = client.scheduler_info(n_workers=-1)["workers"].values()
    return sum(worker.get("status", "running") == "running" for worker in found)


def _busy(client: Any) -> bool:
    """Whether anything can still finish: a worker takes jobs, or one that is paused has some."""
    return bool(workers(client)) or any(client.processing().values())


def first_done(running: Iterable[Any]) -> set[Any]:
    """Those of some futures that are done as soon as one is; none after a look's time."""
    from distributed import wait

    try:
        done: set[Any] = wait(list(running), timeout=_LOOK_S, return_when="FIRST_COMPLETED").done
    except TimeoutError:
        return set()
    return done


class Patience:
    """How long a cluster may be without any worker."""

    def __init__(self, client: Any, alone_s: float) -> None:
        self._client, self._alone_s, self._seen = client, alone_s, time.monotonic()

    def look(self, *, done: bool) -> None:
        """Look whether somebody is there; ``done`` says that something was just done.

        Raises
        ------
        JobsFailedError
            Nobody has been there for too long.
        """
        if done or workers(self._client):
            self._seen = time.monotonic()
        elif time.monotonic() - self._seen > self._alone_s:
            raise JobsFailedError(
                f"no worker of the cluster has been alive for {self._alone_s:g} s",
                hint="start workers, and run the same again",
            )


def _outcome(future: Any, job: Job) -> Outcome:
    error = future.exception()
    if error is None:
        outcome: Outcome = future.result()
        return outcome
    return _lost(job, error)


def _lost(job: Job, error: BaseException) -> Outcome:
    """A job whose worker died again and again, or that broke with a programming error."""
    from distributed import KilledWorker

    log.error("job %s broke", job.id, exc_info=error)
    died = isinstance(error, KilledWorker)
    return Outcome(
        job.id,
        item_id(job.event, job.tile, job.track, job.version),
        job.tile.id,
        job.track.id,
        "failed",
        code="worker-killed" if died else "worker",
        reason=f"{type(error).__name__}: {error}",
        hint="it may need more memory than a worker has" if died else "see the worker's log",
    )
