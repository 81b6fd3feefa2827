"""Workers and whole runs killed with -9 in the middle, and two runs of one scan at once."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.conftest import World, items_of, kill_group, results_of, until

pytestmark = pytest.mark.faults
Start = Callable[..., subprocess.Popen[str]]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.slow
def test_killed_worker_changes_nothing(world: World, start: Start, tmp_path: Path) -> None:
    address = f"tcp://127.0.0.1:{free_port()}"
    dask = [sys.executable, "-m", "distributed.cli.dask_scheduler"]
    port = address.rpartition(":")[2]
    start([*dask, "--host", "127.0.0.1", "--port", port, "--no-dashboard"])
    work = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--no-nanny",
            "--nthreads", "1", "--no-dashboard"]  # fmt: skip
    first = start(work)
    out = tmp_path / "out"
    run = start(world.command(out, "--cluster", address))
    # The first worker is alone until a job of its own stands, and dies with others under way.
    until(lambda: len(items_of(out)) >= 1)
    os.kill(first.pid, signal.SIGKILL)
    assert len(items_of(out)) < 4
    start(work)
    printed, errors = run.communicate(timeout=120)
    assert run.returncode == 0, printed + errors
    counts = json.loads(printed)["counts"]
    assert counts["done"] + counts["empty"] + counts["skipped"] == 4
    assert results_of(out) == results_of(world.out)


def test_killed_run_goes_on_where_it_was(world: World, start: Start, tmp_path: Path) -> None:
    out = tmp_path / "out"
    first = start(world.command(out, "--cluster", "none"))
    until(lambda: len(items_of(out)) >= 2)
    kill_group(first)
    stood = {path: path.stat().st_mtime_ns for path in items_of(out)}
    assert 2 <= len(stood) < 4
    assert not (out / "catalog.json").exists()
    second = start(world.command(out, "--cluster", "none"))
    printed, errors = second.communicate(timeout=120)
    assert second.returncode == 0, printed + errors
    counts = json.loads(printed)["counts"]
    assert counts["skipped"] == len(stood)
    assert counts["done"] + counts["empty"] == 4 - len(stood)
    assert {path: path.stat().st_mtime_ns for path in stood} == stood
    left = {name for name in results_of(out) if not name.endswith(".part")}
    assert left == set(results_of(world.out))
    assert {n: results_of(out)[n] for n in left} == results_of(world.out)


def test_two_runs_at_once_do_no_damage(world: World, start: Start, tmp_path: Path) -> None:
    out = tmp_path / "out"
    runs = [start(world.command(out, "--cluster", "none")) for _ in range(2)]
    for run in runs:
        printed, errors = run.communicate(timeout=180)
        assert run.returncode == 0, printed + errors
    assert results_of(out) == results_of(world.out)
