"""A dask client by configuration: this machine, an address, Kubernetes or a Gateway.

The choice is a text, so that a scan is the same command everywhere. What a cluster's workers are
(image, memory, GPUs) is read by dask-kubernetes and dask-gateway from dask's own configuration.
"""

from __future__ import annotations

import importlib
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sarlra.errors import InputError
from sarlra.settings import ClusterSettings, cluster_settings

#: A job keeps nothing on its worker that could be spilled. A worker that dask pauses because its
#: memory is nearly full would stay so for good, idle; one over its limit is killed and replaced.
_MEMORY = {f"distributed.worker.memory.{name}": False for name in ("target", "spill", "pause")}
#: Samples of call stacks, kept for the dashboard, are what a worker would grow by.
_SAMPLES = {"distributed.worker.profile.enabled": False}
_HINT = "give local, none, kubernetes, gateway, gateway:NAME or an address such as tcp://host:8786"


@contextmanager
def open_client(cluster: str, jobs: int) -> Iterator[Any]:
    """A client of a dask cluster; what was started for it is stopped at the end.

    Its workers, also those that come later, keep no samples of call stacks
    (:class:`sarlra.jobs.unsampled.Unsampled`).

    Parameters
    ----------
    cluster
        ``local``: processes on this machine, one job each at a time; ``kubernetes``: a cluster of
        the dask operator; ``gateway``: a new cluster of a dask Gateway, ``gateway:NAME`` one that
        runs; else a scheduler's address.
    jobs
        How many jobs there are, so that no more local workers are started.

    Raises
    ------
    InputError
        Nobody answers there, or the package for it is not installed.
    """
    with _client(cluster, jobs) as client:
        from sarlra.jobs.unsampled import Unsampled

        client.register_plugin(Unsampled())
        yield client


@contextmanager
def _client(cluster: str, jobs: int) -> Iterator[Any]:
    settings = cluster_settings()
    kind, _, name = cluster.partition(":")
    if cluster == "local":
        with _local(settings, jobs) as client:
            yield client
    elif cluster == "kubernetes":
        module = _needed("dask_kubernetes.operator", "kubernetes")
        with module.KubeCluster() as kube:
            kube.adapt(minimum=settings.workers_min, maximum=settings.workers_max)
            with kube.get_client() as client:
                yield client
    elif kind == "gateway":
        module = _needed("dask_gateway", "gateway")
        # The gateway's own client ends when it is dropped; closed before, it complains then.
        with _gateway(module.Gateway(), name, settings) as client:
            yield client
    else:
        with _at(cluster) as client:
            yield client


@contextmanager
def _local(settings: ClusterSettings, jobs: int) -> Iterator[Any]:
    import dask
    from distributed import Client, LocalCluster

    most = min(os.cpu_count() or 1, jobs, settings.workers_max)
    with (
        dask.config.set(_MEMORY | _SAMPLES),
        LocalCluster(
            n_workers=max(1, most),
            threads_per_worker=1,
            processes=True,
            # Without a dashboard there still is a page of the scheduler's health: on loopback.
            dashboard_address=settings.dashboard or "127.0.0.1:0",
            scheduler_kwargs={"dashboard": bool(settings.dashboard)},
            silence_logs=logging.ERROR,
            resources=settings.local_resources or None,
        ) as local,
        Client(local) as client,
    ):
        yield client


@contextmanager
def _at(address: str) -> Iterator[Any]:
    from distributed import Client

    try:
        client = Client(address, timeout="20s")
    except (OSError, ValueError) as error:
        raise InputError(f"no dask scheduler answers at {address!r}", hint=_HINT) from error
    with client:
        yield client


@contextmanager
def _gateway(gateway: Any, name: str, settings: ClusterSettings) -> Iterator[Any]:
    if name:
        with gateway.connect(name) as running, running.get_client() as client:
            yield client
        return
    with gateway.new_cluster() as own:
        own.adapt(minimum=settings.workers_min, maximum=settings.workers_max)
        with own.get_client() as client:
            yield client


def _needed(module: str, extra: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise InputError(
            f"this cluster needs {module.partition('.')[0]}, which is not installed",
            hint=f"pip install 'sarlra[{extra}]'",
        ) from error
