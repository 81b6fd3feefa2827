"""Pieces of one piece of work, here or on dask workers: all of them, in order, or the error.

Jobs have their own pool (:mod:`sarlra.jobs.pool`), in which one that fails does not stop the
others. Here every piece is needed, so that the first failure ends the whole.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from sarlra.errors import JobsFailedError, SarlraError
from sarlra.jobs.clients import open_client
from sarlra.jobs.pool import Patience, first_done, workers
from sarlra.settings import ClusterSettings, cluster_settings, resources_of

T = TypeVar("T")
R = TypeVar("R")


def spread(
    do: Callable[[T], R],
    work: Sequence[T],
    cluster: str,
    on_done: Callable[[int], None] = lambda _: None,
    keep: Callable[[int, R], None] = lambda *_: None,
) -> list[R]:
    """Do every piece of some work; the results are in the order of the pieces.

    Parameters
    ----------
    do
        A function of a module; it and the pieces are pickled.
    cluster
        ``none`` (in this process) or what :func:`sarlra.jobs.clients.open_client` takes.
    on_done
        Called with the number of pieces done, after each.
    keep
        Called here with the place of a piece and its result, as soon as it is there: what was
        written then is not lost where the work is cut off.

    Raises
    ------
    SarlraError
        That of the first piece seen to fail; what was not begun is not begun any more.
    InputError
        The cluster cannot be had.
    """
    if cluster == "none" or not work:
        results = []
        for piece in work:
            results.append(do(piece))
            keep(len(results) - 1, results[-1])
            on_done(len(results))
        return results
    with open_client(cluster, len(work)) as client:
        return _spread_on(client, do, work, on_done, keep, cluster_settings())


def _spread_on(
    client: Any,
    do: Callable[[T], R],
    work: Sequence[T],
    on_done: Callable[[int], None],
    keep: Callable[[int, R], None],
    settings: ClusterSettings,
) -> list[R]:
    """A bounded number of pieces is with the cluster at a time, so that memory is bounded too."""
    found: dict[int, R] = {}
    running: dict[Any, int] = {}
    resources = resources_of(settings.resources) or None
    begun, patience = 0, Patience(client, settings.alone_s)
    try:
        while len(found) < len(work):
            width = max(1, workers(client)) * settings.in_flight
            while begun < len(work) and len(running) < width:
                future = client.submit(do, work[begun], pure=False, resources=resources)
                running[future] = begun
                begun += 1
            done = first_done(running)
            patience.look(done=bool(done))
            for future in done:
                place = running.pop(future)
                found[place] = _result(future)
                future.release()
                keep(place, found[place])
                on_done(len(found))
    finally:
        if running:
            client.cancel(list(running))
    return [found[number] for number in range(len(work))]


def _result(future: Any) -> Any:
    from distributed import KilledWorker

    error = future.exception()
    if error is None:
        return future.result()
    if isinstance(error, KilledWorker):
        raise JobsFailedError(
            f"a worker died again and again: {error}",
            hint="it may need more memory than a worker has",
        ) from error
    if isinstance(error, SarlraError):
        # A new one: the worker's traceback says nothing here.
        raise error.with_traceback(None)
    raise error
