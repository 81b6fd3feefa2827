"""Jobs on a dask client: retries by kind, back-pressure, halves on workers of two kinds."""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import cloudpickle
import dask
import pytest
from distributed import Client, Scheduler, SpecCluster, Worker, get_worker

from sarlra.events.area import box_area
from sarlra.events.event import Event
from sarlra.grid import PixelBox, Tile
from sarlra.jobs.job import Job, Outcome
from sarlra.jobs.pool import Halves, run_bounded, run_here, workers
from sarlra.models.registry import default_model
from sarlra.recipe import make_recipe
from sarlra.scenes.model import Track
from sarlra.settings import ClusterSettings

cloudpickle.register_pickle_by_value(sys.modules[__name__])
TRIES: Counter[str] = Counter()
LOCK = threading.Lock()


def jobs(number: int) -> list[Job]:
    at = datetime(2023, 12, 1, tzinfo=UTC)
    first = Job("0", "v", Event("e", "E", (at,), box_area(10, 45, 12, 46)), Tile(32633, 1, 100),
                PixelBox(0, 64, 0, 64), Track(37, "ascending", (), ()), make_recipe(),
                default_model("VV_VH", "ascending"), 0.5, None, "s", "out", "in")  # fmt: skip
    return [replace(first, id=str(i)) for i in range(number)]


def outcome(job: Job, code: str | None = None, reason: str = "") -> Outcome:
    return Outcome(job.id, job.id, "t", "T037A", "failed" if code else "done", code=code,
                   reason=reason)  # fmt: skip


def settings(**choices: Any) -> ClusterSettings:
    return ClusterSettings(**{"retry_wait_s": 0.01, **choices})


@contextmanager
def client(*resources: dict[str, float], **options: Any) -> Iterator[Client]:
    """Workers in this process, one for each set of resources."""
    made_of = {
        i: {"cls": Worker, "options": {"nthreads": 1, "resources": r, "name": str(i), **options}}
        for i, r in enumerate(resources)
    }
    scheduler = {"cls": Scheduler, "options": {"dashboard_address": ":0", "port": 0}}
    with SpecCluster(workers=made_of, scheduler=scheduler) as cluster, Client(cluster) as made:
        made.wait_for_workers(len(resources))
        yield made


def sometimes(job: Job) -> Outcome:
    """Job 0 fails twice in a way that may pass, 1 for good, 2 always in a way that may pass."""
    with LOCK:
        TRIES[job.id] += 1
    if job.id == "0" and TRIES["0"] <= 2:
        return outcome(job, "asset", "the server is busy")
    if job.id == "1":
        return outcome(job, "store", "no such bucket")
    if job.id == "2":
        return outcome(job, "signing", "no token")
    if job.id == "3":
        raise RuntimeError("a mistake")
    return outcome(job)


@pytest.mark.parametrize("here", [True, False])
def test_only_what_may_pass_is_run_again(here: bool) -> None:
    TRIES.clear()
    if here:
        found = list(run_here(jobs(6), sometimes, settings(retries=2)))
    else:
        # In threads of this process, so that the tries are counted here.
        cloudpickle.unregister_pickle_by_value(sys.modules[__name__])
        with client({}, {}) as pool:
            found = list(run_bounded(pool, jobs(6), sometimes, settings(retries=2)))
        cloudpickle.register_pickle_by_value(sys.modules[__name__])
    assert dict(TRIES) == {"0": 3, "1": 1, "2": 3, "3": 1, "4": 1, "5": 1}
    codes = {o.job_id: o.code for o in found}
    assert codes == {"0": None, "1": "store", "2": "signing", "3": "worker", "4": None, "5": None}
    assert "a mistake" in next(o.reason or "" for o in found if o.job_id == "3")


def test_jobs_are_taken_as_workers_become_free() -> None:
    taken = 0

    def source() -> Iterator[Job]:
        nonlocal taken
        for job in jobs(60):
            taken += 1
            yield job

    with client({}, {}) as pool:
        for done, _ in enumerate(run_bounded(pool, source(), outcome, settings(in_flight=3))):
            # Two workers, three each; those that ended together are given out one by one.
            assert taken <= done + 1 + 2 * 6


def test_halves_run_on_workers_of_their_kind() -> None:
    def read(job: Job) -> str:
        return str(get_worker().name)

    def score(job: Job, reader: str) -> Outcome:
        return outcome(job, None, f"{reader} {get_worker().name}")

    chosen = settings(read_resources="IO=1", score_resources="GPU=1")
    with client({"IO": 1}, {"GPU": 1}) as pool:
        found = list(run_bounded(pool, jobs(8), sometimes, chosen, Halves(read, score)))
    assert {o.reason for o in found} == {"0 1"}
    assert sorted(o.job_id for o in found) == [str(i) for i in range(8)]


def test_a_whole_job_goes_to_workers_that_have_its_resources() -> None:
    def where(job: Job) -> Outcome:
        return outcome(job, None, str(get_worker().name))

    with client({}, {"GPU": 1}) as pool:
        found = list(run_bounded(pool, jobs(6), where, settings(resources="GPU=1")))
    assert {o.reason for o in found} == {"1"}


def test_a_run_does_not_wait_for_workers_that_are_paused() -> None:
    full = {f"distributed.worker.memory.{name}": value for name, value in
            (("target", False), ("spill", False), ("pause", 0.8))}  # fmt: skip
    with dask.config.set(full), client({}, memory_limit=2**20) as pool:
        end = time.monotonic() + 60
        while workers(pool) and time.monotonic() < end:
            time.sleep(0.1)
        found = list(run_bounded(pool, jobs(2), outcome, settings(alone_s=1.0)))
    assert {o.code for o in found} == {"worker"}
    assert "alive and free" in (found[0].reason or "")
