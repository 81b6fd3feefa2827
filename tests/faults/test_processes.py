"""Workers and whole runs killed with -9 in the middle, and two runs of one scan at once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from sarlra.serving.place import open_place
from sarlra.serving.results import read_results
from sarlra.serving.verify import verify
from tests.faults.conftest import (
    PATIENCE_S,
    Record,
    World,
    items_of,
    kill_group,
    results_of,
    start_scheduler,
    until,
    worker,
)

pytestmark = pytest.mark.faults
Start = Callable[..., subprocess.Popen[str]]


@pytest.mark.slow
def test_killed_worker_changes_nothing(
    world: World, start: Start, tmp_path: Path, record: Record
) -> None:
    address = start_scheduler(start)
    first = start(worker(address, "--no-nanny"))
    out = tmp_path / "out"
    run = start(world.command(out, "--cluster", address))
    # The first worker is alone until a job of its own stands, and dies with others under way.
    until(lambda: len(items_of(out)) >= 1)
    os.kill(first.pid, signal.SIGKILL)
    assert len(items_of(out)) < 4
    start(worker(address, "--no-nanny"))
    printed, errors = run.communicate(timeout=PATIENCE_S)
    assert run.returncode == 0, printed + errors
    counts = json.loads(printed)["counts"]
    assert counts["done"] + counts["empty"] + counts["skipped"] == 4
    record("kill -9 of a dask worker with jobs under way", "1", out)
    assert results_of(out) == results_of(world.out)


def test_killed_run_goes_on_where_it_was(
    world: World, start: Start, tmp_path: Path, record: Record
) -> None:
    out = tmp_path / "out"
    first = start(world.command(out, "--cluster", "none"))
    until(lambda: len(items_of(out)) >= 2)
    kill_group(first)
    stood = {path: path.stat().st_mtime_ns for path in items_of(out)}
    assert 2 <= len(stood) < 4
    assert not (out / "catalog.json").exists()
    second = start(world.command(out, "--cluster", "none"))
    printed, errors = second.communicate(timeout=PATIENCE_S)
    assert second.returncode == 0, printed + errors
    counts = json.loads(printed)["counts"]
    assert counts["skipped"] == len(stood)
    assert counts["done"] + counts["empty"] == 4 - len(stood)
    assert {path: path.stat().st_mtime_ns for path in stood} == stood
    record("kill -9 of the whole run, then the same command", "1", out)
    left = {name for name in results_of(out) if not name.endswith(".part")}
    assert left == set(results_of(world.out))
    assert {n: results_of(out)[n] for n in left} == results_of(world.out)


def test_two_runs_at_once_do_no_damage(
    world: World, start: Start, tmp_path: Path, record: Record
) -> None:
    out = tmp_path / "out"
    runs = [start(world.command(out, "--cluster", "none")) for _ in range(2)]
    for run in runs:
        printed, errors = run.communicate(timeout=PATIENCE_S)
        assert run.returncode == 0, printed + errors
    record("two runs of one scan at once", "1", out)
    assert results_of(out) == results_of(world.out)
    # The items' sums, also of the composites, are of what stands.
    verified = verify(read_results(open_place(str(out))))
    assert (verified.items, verified.unchecked, verified.faults) == (4, 0, ())


@pytest.mark.slow
def test_halves_of_jobs_on_workers_of_two_kinds_give_the_same_bytes(
    world: World, start: Start, tmp_path: Path
) -> None:
    """One worker only reads, the other only scores: neither could do a job alone."""
    address = start_scheduler(start)
    for resource in ("IO=1", "GPU=1"):
        start(worker(address, "--no-nanny", "--resources", resource))
    out = tmp_path / "out"
    run = start(world.command(out, "--cluster", address), SARLRA_CLUSTER_READ_RESOURCES="IO=1",
                SARLRA_CLUSTER_SCORE_RESOURCES="GPU=1")  # fmt: skip
    printed, errors = run.communicate(timeout=PATIENCE_S)
    assert run.returncode == 0, printed + errors
    assert results_of(out) == results_of(world.out)
