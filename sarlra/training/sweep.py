"""Running a sweep: each run once, whatever stops it; one table at the end."""

from __future__ import annotations

import json
import logging
import multiprocessing
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from typing import Any

import pandas as pd

from sarlra.errors import SarlraError
from sarlra.models.card import Combination
from sarlra.models.choices import Choices
from sarlra.models.engine import train_on
from sarlra.models.files import write_atomically
from sarlra.models.training import Parts, measure, run_training
from sarlra.samples.draw import TEST_RATIO
from sarlra.samples.patches import Patches
from sarlra.samples.rendered import Buffers
from sarlra.training.sweep_folder import Sweep, fold, missing, write_row
from sarlra.training.sweep_runs import Run
from sarlra.training.train import Task, hidden, load
from sarlra.training.worlds import Show, Split, Store, make_worlds

logger = logging.getLogger(__name__)


def prepare(
    sweep: Sweep, splits: Sequence[Split], buffers: tuple[Buffers, ...], workers: int, show: Show
) -> None:
    """Make the worlds that runs need, those that are not there."""
    worlds = tuple(dict.fromkeys(w for split in splits for w in split.worlds))
    make_worlds(worlds, sweep.store(buffers), workers, show)


def run_sweep(
    sweep: Sweep,
    runs: Sequence[Run],
    buffers: tuple[Buffers, ...],
    *,
    workers: int,
    cluster: str = "none",
    again: bool = False,
    show: Show = lambda *_: None,
) -> pd.DataFrame:
    """Train what is missing and fold all results into the table.

    A run that fails is recorded with its reason, and the others go on. Killed at any time, the
    sweep goes on with the runs that have no result. Where a process dies, as for want of memory,
    the runs that were lost go on with half as many processes; one that dies alone has failed.

    Parameters
    ----------
    runs, buffers
        What; of which buffers the patches were made together (:func:`prepare`).
    workers, cluster
        Processes of this machine, or what :func:`sarlra.jobs.clients.open_client` takes, where
        ``folder`` and ``cache`` have to be seen by all workers.
    again
        Failed runs are tried once more.

    Returns
    -------
    pandas.DataFrame
        As :func:`fold`.
    """
    todo = missing(sweep, runs, again=again)
    todo.sort(key=_turn)
    done = len(runs) - len(todo)
    show("runs", done, len(runs))
    while todo:
        lost: set[str] = set()
        with executor(cluster, workers, len(todo)) as pool:
            futures = {pool.submit(train_run, run, sweep, buffers): run for run in todo}
            for future in as_completed(futures):
                run = futures[future]
                try:
                    row = future.result()
                except BrokenProcessPool:
                    lost.add(run.id)
                    continue
                except Exception as error:  # a worker of a cluster that died, whatever it says
                    row = _failed(run, sweep, error)
                done += 1
                logger.info("%s: %s", run.id, row.get("error") or row.get("validation_f1"))
                show("runs", done, len(runs))
        todo = [run for run in todo if run.id in lost]
        if todo and workers == 1:
            _failed(todo.pop(0), sweep, BrokenProcessPool("killed, perhaps for its memory"))
            done += 1
            show("runs", done, len(runs))
        workers = max(1, workers // 2)
    return fold(sweep)


def train_run(run: Run, sweep: Sweep, buffers: tuple[Buffers, ...]) -> dict[str, Any]:
    """Train one network, measure it and write its row; in whatever process.

    Returns
    -------
    dict
        The row: what was run, ``status`` (done or failed), measures of validation and test, of the
        test per event as ``EVENT_f1`` and so on, epochs, seconds; ``error`` where it failed.
    """
    train_on(sweep.backend)
    started = time.monotonic()
    row: dict[str, Any] = dict(run.facts)
    try:
        row |= _measured(run, sweep, buffers)
        row["status"] = "done"
    except SarlraError as error:
        row |= {"status": "failed", "error": str(error)}
    except Exception as error:  # whatever a backend raises must not stop the other runs
        row |= _failure(error)
    row["seconds"] = round(time.monotonic() - started, 1)
    write_row(sweep.result(run.id), row)
    return row


def best_settings(runs: Sequence[Run], table: pd.DataFrame) -> dict[tuple[str, str], Task]:
    """For each combination and direction the task with the highest F1 on validation patches.

    Ties go to the earlier run. Test patches decide nothing.
    """
    if "validation_f1" not in table:
        return {}
    scores = table.set_index("run")["validation_f1"].to_dict()
    best: dict[tuple[str, str], tuple[float, Task]] = {}
    for run in runs:
        score = scores.get(run.id, float("nan"))
        key = (run.task.combination, run.task.orbit_states[0])
        if score == score and score > best.get(key, (-1.0, run.task))[0]:
            best[key] = (score, run.task)
    return {key: task for key, (_, task) in best.items()}


@contextmanager
def executor(cluster: str, workers: int, jobs: int) -> Iterator[Executor]:
    """Processes of this machine, no more than there are jobs, or a cluster's workers."""
    if cluster == "none":
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(max(1, min(workers, jobs)), mp_context=context) as pool:
            yield pool
        return
    from sarlra.jobs.clients import open_client

    with open_client(cluster, jobs) as client:
        yield client.get_executor(pure=False)


def _failed(run: Run, sweep: Sweep, error: Exception) -> dict[str, Any]:
    """Record that a run ended without telling anything."""
    row = dict(run.facts) | _failure(error)
    write_row(sweep.result(run.id), row)
    return row


def _failure(error: Exception) -> dict[str, str]:
    return {"status": "failed", "error": f"{type(error).__name__}: {error}"[:500]}


def _measured(run: Run, sweep: Sweep, buffers: tuple[Buffers, ...]) -> dict[str, Any]:
    parts = _parts(run.task, run.split, sweep.store(buffers))
    parts = Parts(hidden(parts.training, run.task.choices.seed), parts.validation, parts.test)
    combination: Combination = run.task.combination
    trained = run_training(parts, run.task.choices, combination)
    metrics = measure(trained, parts)
    per_event = metrics.pop("test_per_event")
    path = sweep.result(run.id).with_suffix(".keras")
    write_atomically(path, trained.packed)
    named = {f"{part}_{k}": v for part, m in (metrics | per_event).items() for k, v in m.items()}
    return named | {
        "threshold": trained.threshold,
        "epochs": trained.fitted.epochs,
        "validation_loss": trained.fitted.loss,
        "parameters": int(trained.network.count_params()),
        "training_patches": len(parts.training),
    }


def _turn(run: Run) -> tuple[Any, ...]:
    """When a run's turn comes: one seed of everything first, so that a sweep that is cut off can be
    read; then those with the same patches together, as these stay in memory.
    """
    task = run.task
    same_patches = (task.combination, task.orbit_states, task.buffers, task.ratio)
    return task.choices.seed, *same_patches, json.dumps(run.facts)


def _parts(task: Task, split: Split, store: Store) -> Parts:
    """The patches of a task; the last ones stay in memory, as runs come sorted by patches."""
    same = Task(task.combination, task.orbit_states, Choices(), task.ratio, task.buffers)
    validation, test = _held_out(replace(same, ratio=TEST_RATIO), split, store)
    return Parts(_learned_from(same, split, store), validation, test)


@lru_cache(maxsize=1)
def _learned_from(task: Task, split: Split, store: Store) -> Patches:
    return load(split.training, store, task, task.ratio)


@lru_cache(maxsize=1)
def _held_out(task: Task, split: Split, store: Store) -> tuple[Patches, Patches]:
    return (
        load(split.validation, store, task, TEST_RATIO),
        load(split.test, store, task, TEST_RATIO),
    )
