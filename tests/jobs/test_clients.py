"""Clients of dask clusters: what is set up on workers that somebody else started."""

from __future__ import annotations

import time
from typing import Any

import pytest
from distributed import Client, Scheduler, SpecCluster, Worker

from sarlra.errors import InputError
from sarlra.jobs.clients import open_client


def samples(dask_worker: Worker) -> dict[str, Any]:
    """What a worker has kept of the call stacks of its tasks."""
    return {
        "recent": dask_worker.profile_recent["count"],
        "by task": sum(state["count"] for state in dask_worker.profile_keys.values()),
        "history": len(dask_worker.profile_history) + len(dask_worker.profile_keys_history),
        "sampled": "profile" in dask_worker.periodic_callbacks,
    }


def work_on_each(client: Client) -> None:
    """Half a second of work on each worker, so that there is something to sample."""
    names = list(client.scheduler_info(n_workers=-1)["workers"])
    client.gather([client.submit(time.sleep, 0.5, workers=[n], pure=False) for n in names])


NONE = {"recent": 0, "by task": 0, "history": 0, "sampled": False}


def test_no_worker_keeps_samples_of_call_stacks() -> None:
    """Workers there already forget theirs, and one that joins during a run takes none."""
    one: dict[str, Any] = {"cls": Worker, "options": {"nthreads": 1}}
    scheduler = {"cls": Scheduler, "options": {"dashboard_address": ":0", "port": 0}}
    with SpecCluster(workers={0: one}, scheduler=scheduler, worker=one) as cluster:
        with Client(cluster) as before:
            before.wait_for_workers(1)
            work_on_each(before)
            (kept,) = before.run(samples).values()
            assert kept["sampled"]
            assert kept["recent"] + kept["history"] > 0
        with open_client(cluster.scheduler_address, 1) as client:
            cluster.scale(2)
            client.wait_for_workers(2)
            work_on_each(client)
            assert list(client.run(samples).values()) == [NONE, NONE]


def test_local_workers_keep_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SARLRA_CLUSTER_WORKERS_MAX", "1")
    with open_client("local", 1) as client:
        work_on_each(client)
        assert list(client.run(samples).values()) == [NONE]


def test_an_address_where_nobody_answers_is_refused() -> None:
    with pytest.raises(InputError, match="no dask scheduler answers"), open_client("nonsense", 1):
        pass
