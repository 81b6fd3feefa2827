"""A small simulated world, its undisturbed scan, and scans as separate processes."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest

from tests.contents import files_of

SIZE_PX, TILE_PX = 256, 512
#: For what takes seconds on a machine of its own; many times that where others work too.
PATIENCE_S = 540


@dataclass(frozen=True)
class World:
    """A world and what an undisturbed scan of it made."""

    folder: Path
    out: Path

    def command(
        self, out: Path, *options: str, items: Path | None = None, event: bool = True
    ) -> list[str]:
        return [
            str(Path(sys.executable).with_name("sarlra")), "scan", "--json",
            *(["--event", str(self.folder / "event.geojson")] if event else []),
            "--source", str(items or self.folder / "items.json"), "--tile", str(TILE_PX),
            "--dem", "none", "--orbit", "ascending", "--out", str(out), *options,
        ]  # fmt: skip


@pytest.fixture(scope="session")
def environment() -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", "SARLRA_CLUSTER_RETRY_WAIT_S": "0.2",
            "SARLRA_CLUSTER_ALONE_S": str(PATIENCE_S)}  # fmt: skip


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> World:
    from sarlra.simulation.world import simulate

    folder = tmp_path_factory.mktemp("faults")
    simulate(11, folder / "world", size_px=SIZE_PX, epsg=32654, centre=(491520.0, 4710400.0))
    world = World(folder / "world", folder / "undisturbed")
    done = subprocess.run(
        world.command(world.out, "--cluster", "none"),
        env=environment, capture_output=True, text=True, timeout=PATIENCE_S, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(items_of(world.out)) == 4
    return world


class Record(Protocol):
    """Adds a row to the table of faults."""

    def __call__(
        self, fault: str, injected: str, out: Path, failed: int = 0, *, truth: Path | None = None,
        same: Callable[[Path], dict[str, bytes]] | None = None, of: str = "",
    ) -> None: ...  # fmt: skip


@pytest.fixture
def record(world: World, request: pytest.FixtureRequest) -> Record:
    """Compare a run's results with those of an undisturbed one, and note what differs.

    ``failed`` jobs were given up with their name and reason. Of the others, those without a result
    are lost; ``wrong`` are files that differ from the undisturbed run's. ``of`` is the direction
    that the undisturbed run has, where the disturbed one has both.
    """

    def add(
        fault: str, injected: str, out: Path, failed: int = 0, *, truth: Path | None = None,
        same: Callable[[Path], dict[str, bytes]] | None = None, of: str = "",
    ) -> None:  # fmt: skip
        right = (same or (scores if of else results_of))(truth or world.out)
        found = (same or (scores if of else results_of))(out)
        missing = {name.split("/")[0 if same or of else 1] for name in right.keys() - found.keys()
                   if "items/" in name or same or of}  # fmt: skip
        wrong = sum(found[name] != data for name, data in right.items() if name in found)
        row = {"fault": fault, "injected": injected, "failed by name": failed,
               "lost": max(0, len(missing) - failed), "wrong": wrong}  # fmt: skip
        request.config.stash.setdefault(ROWS, []).append(row)
        assert not row["lost"], row
        assert not row["wrong"], row

    return add


ROWS: pytest.StashKey[list[dict[str, object]]] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fault-table", default=None, help="write the table of faults to this file")


def pytest_sessionfinish(session: pytest.Session) -> None:
    rows, path = session.config.stash.get(ROWS, []), session.config.getoption("--fault-table", None)
    if not rows or not path:
        return
    names = list(rows[0])
    lines = [names, ["---"] * len(names), *([str(row[name]) for name in names] for row in rows)]
    table = "".join(f"| {' | '.join(line)} |\n" for line in lines)
    Path(path).write_text(f"{PAGE}\n{table}")


PAGE = """# Faults

What a scan survives. Every row is a test in `tests/faults` with real processes, servers and disks;
`make faults` runs them all and writes this page. The scan is of a simulated world in four tiles.

*Failed by name* are jobs that were given up with their name and reason, while the others went on
and the exit code said so. *Lost* are jobs without a result and without a reason. *Wrong* are files
(in the rows of the asset server, tokens and clocks: lattices, detections and change) whose bytes
differ from those of an undisturbed run.
"""


def scores(out: Path) -> dict[str, bytes]:
    """Lattices, change and detections of all items, by tile and track."""
    return {
        f"{'_'.join(path.parent.name.rsplit('_', 3)[1:3])}/{path.name}": path.read_bytes()
        for path in sorted(out.glob("items/*/*"))
        if path.name in ("scores.tif", "detections.parquet", "change.tif")
    }


def start_scheduler(start: Callable[..., subprocess.Popen[str]], **environment: str) -> str:
    """A dask scheduler as a program of its own; its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    start([sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port",
           port, "--no-dashboard"], **environment)  # fmt: skip
    return f"tcp://127.0.0.1:{port}"


def worker(address: str, *options: str) -> list[str]:
    """The command of a dask worker with one thread."""
    return [sys.executable, "-m", "distributed.cli.dask_worker", address, "--nthreads", "1",
            "--no-dashboard", *options]  # fmt: skip


def items_of(out: Path) -> list[Path]:
    return sorted(out.glob("items/*/*.json"))


def results_of(out: Path) -> dict[str, bytes]:
    """Every file of the catalogue but the plan and the outcomes, which are of their run."""
    return files_of(out, but=("plan.parquet", "outcomes.parquet"))


def until(condition: Callable[[], bool], seconds: float = PATIENCE_S) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.02)


def kill_group(process: subprocess.Popen[str]) -> None:
    """Kill a process that leads its own session, and all its children, with -9."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@pytest.fixture
def start(environment: dict[str, str]) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start a program in a session of its own; what still runs at the end is killed."""
    started: list[subprocess.Popen[str]] = []

    def run(command: list[str], **more: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            command, env={**environment, **more}, text=True, start_new_session=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        started.append(process)
        return process

    yield run
    for process in started:
        if process.poll() is None:
            kill_group(process)
