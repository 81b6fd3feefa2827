"""A small simulated world, its undisturbed scan, and scans as separate processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

SIZE_PX, TILE_PX = 256, 512


@dataclass(frozen=True)
class World:
    """A world and what an undisturbed scan of it made."""

    folder: Path
    out: Path

    def command(self, out: Path, *options: str, items: Path | None = None) -> list[str]:
        return [
            str(Path(sys.executable).with_name("sarlra")), "scan", "--json",
            "--event", str(self.folder / "event.geojson"),
            "--source", str(items or self.folder / "items.json"), "--tile", str(TILE_PX),
            "--dem", "none", "--orbit", "ascending", "--out", str(out), *options,
        ]  # fmt: skip


@pytest.fixture(scope="session")
def environment() -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", "SARLRA_CLUSTER_RETRY_WAIT_S": "0.2"}


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> World:
    from sarlra.simulation.world import simulate

    folder = tmp_path_factory.mktemp("faults")
    simulate(11, folder / "world", size_px=SIZE_PX, epsg=32654, centre=(491520.0, 4710400.0))
    world = World(folder / "world", folder / "undisturbed")
    done = subprocess.run(
        world.command(world.out, "--cluster", "none"),
        env=environment, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(items_of(world.out)) == 4
    return world


def items_of(out: Path) -> list[Path]:
    return sorted(out.glob("items/*/*.json"))


def results_of(out: Path) -> dict[str, bytes]:
    """Every file of the catalogue but the plan (whose statuses are of its run)."""
    return {
        str(path.relative_to(out)): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.is_file() and path.name != "plan.parquet"
    }


def until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
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
