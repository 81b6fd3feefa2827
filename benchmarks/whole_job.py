"""A whole job from cold start to catalogue: where time goes, and how it grows.

    python benchmarks/whole_job.py [--what start profile demo growth] [--out docs/results]

start    how long the program takes to say what it can do: ``--help``, ``models list``
profile  one tile of 4096 pixels with 12 acquisitions, both polarisations and a DEM, in a fresh
         process: wall time, core seconds and the share of all cores by stage; of the turns, the
         one in the middle. Images are read once before, or it would be the disk that is measured
demo     ``sarlra demo`` in a fresh process: from simulating the world to the scored catalogue
growth   time and peak memory against acquisitions, pixels and tiles, a fresh process each, and
         ``--figure``
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import rasterio
from affine import Affine
from pyproj import Transformer
from scipy import ndimage

from benchmarks.composite_files import EPSG, EVENT, Files, items_of, make_files
from benchmarks.side_by_side import ROOT, finish, machine

WHAT = ("start", "profile", "demo", "growth")
CORES = os.cpu_count() or 1
#: Functions that are stages of a job, by the module that calls them. Those of the last three run
#: inside others, or beside them.
STAGES = {
    "sarlra.jobs.execute": ("assess_jobs", "fold"),
    "sarlra.jobs.run_job": ("compose", "make_item"),
    "sarlra.jobs.job_composite": ("compute", "tile_terrain"),
    "sarlra.jobs.job_item": (
        "load_scorer", "score_lattice", "detect", "outline_detections", "describe",
        "scored_means", "write_composite", "publish_job",
    ),
    "sarlra.jobs.job_files": ("write_region", "region_fault", "draft_ground"),
}  # fmt: skip


def cpu() -> float:
    """Core seconds of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


class Profile:
    """Wall and core seconds of stages; those of threads that run beside are counted to both."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.began = time.perf_counter()

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Note a stage."""
        started, used = time.perf_counter(), cpu()
        yield
        seconds, core = time.perf_counter() - started, cpu() - used
        self.rows.append({
            "stage": name, "from_s": round(started - self.began, 3), "s": round(seconds, 3),
            "cpu_s": round(core, 3), "busy": round(core / max(seconds, 1e-9) / CORES, 3),
        })  # fmt: skip

    def watch(self) -> None:
        """Note every stage of a job from here on."""
        for module, names in STAGES.items():
            found = importlib.import_module(module)
            for name in names:
                if hasattr(found, name):
                    setattr(found, name, self._noted(name, getattr(found, name)))

    def _noted(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def noted(*args: Any, **kwargs: Any) -> Any:
            with self.stage(name):
                return function(*args, **kwargs)

        return noted


def hills(files: Files) -> Path:
    """Heights around the tile, 30 m."""
    path = files.folder / "dem.tif"
    if not path.exists():
        left, bottom, right, top = files.tile.bounds
        rim, step = 3000.0, 30.0
        rows, cols = (int((side + 2 * rim) / step) for side in (top - bottom, right - left))
        rough = np.random.default_rng(2).normal(0, 1, (rows, cols))
        heights = sum(ndimage.gaussian_filter(rough, s) * s * 180 for s in (4, 12, 36)) + 1500
        with rasterio.open(
            path, "w", driver="GTiff", height=rows, width=cols, count=1, dtype="float32",
            crs=f"EPSG:{EPSG}", transform=Affine(step, 0, left - rim, 0, -step, top + rim),
        ) as file:  # fmt: skip
            file.write(heights.astype(np.float32), 1)
    return path


def request_of(files: Files, out: Path, tile_px: int) -> Any:
    """A request for all windows that lie within the images."""
    from sarlra.jobs.ask import make_request

    left, bottom, right, top = files.tile.bounds
    # A window belongs to the tile of its upper left corner: none of a tile beside.
    x = np.array([left + 700, right - 50, right - 50, left + 700])
    y = np.array([bottom + 50, bottom + 50, top - 700, top - 700])
    lon, lat = Transformer.from_crs(EPSG, 4326, always_xy=True).transform(x, y)
    box = (max(lon[0], lon[3]), max(lat[:2]), min(lon[1:3]), min(lat[2:]))
    items = files.folder / "items.json"
    items.write_text(json.dumps(
        {"type": "FeatureCollection", "features": items_of(files, str(files.folder))}
    ))  # fmt: skip
    request = make_request(
        None, out=str(out), source=str(items), origin=[EVENT.isoformat()],
        aoi=",".join(f"{v:.6f}" for v in box), dem=str(hills(files)), incidence=38.0,
        heading=192.0, orbit="descending",
    )  # fmt: skip
    return replace(request, recipe=request.recipe.model_copy(update={"tile_px": tile_px}))


def one(size: int, acquisitions: int, tile_px: int) -> dict[str, Any]:
    """One run in this process, from its imports to the catalogue."""
    profile = Profile()
    files = make_files(size, acquisitions)
    with tempfile.TemporaryDirectory() as text, profile.stage("whole"):
        with profile.stage("import"):
            from sarlra.jobs.execute import execute, prepare
            from sarlra.jobs.plan import search
        profile.watch()
        with profile.stage("plan"):
            request = request_of(files, Path(text), tile_px)
            plan = prepare(request, search(request))
        run = execute(plan, "none")
    outcomes = [(o.status, o.scored) for o in run.outcomes]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "size": size, "acquisitions": acquisitions, "tile_px": tile_px, "tiles": len(outcomes),
        "windows": sum(scored for _, scored in outcomes), "peak_mib": round(peak, 1),
        "failed": sum(status == "failed" for status, _ in outcomes), "stages": profile.rows,
    }  # fmt: skip


def fresh(size: int, acquisitions: int, tile_px: int) -> dict[str, Any]:
    """The same in a process of its own."""
    make_files(size, acquisitions)
    more = ["--one", str(size), str(acquisitions), str(tile_px)]
    done = subprocess.run(
        [sys.executable, __file__, *more], capture_output=True, text=True, check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(done.stderr)
    row: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    whole = row["stages"][-1]
    sys.stderr.write(f"{size} px, {acquisitions} acquisitions, {row['tiles']} tiles: {whole}\n")
    return row


def profiled(size: int, acquisitions: int, rounds: int) -> dict[str, Any]:
    """The turn that took the middle time, and what all of them took."""
    for image in make_files(size, acquisitions).folder.glob("*.tif"):
        image.read_bytes()
    turns = [fresh(size, acquisitions, size) for _ in range(rounds)]
    wholes = [{name: turn["stages"][-1][name] for name in ("s", "cpu_s", "busy")} for turn in turns]
    turns.sort(key=lambda turn: turn["stages"][-1]["s"])
    return turns[len(turns) // 2] | {"turns": wholes}


def start(rounds: int) -> dict[str, float]:
    """Seconds from start to end of commands that only tell, medians."""
    found = {}
    for words in (["--help"], ["models", "list"]):
        times = []
        for _ in range(rounds):
            started = time.perf_counter()
            subprocess.run(
                [sys.executable, "-c", "from sarlra.cli import main; main()", *words],
                stdout=subprocess.DEVNULL, check=True, env=os.environ | {"PYTHONPATH": str(ROOT)},
            )  # fmt: skip
            times.append(time.perf_counter() - started)
        found[" ".join(words)] = round(statistics.median(times), 3)
    return found


def demo() -> dict[str, Any]:
    """The demonstration, everything included."""
    with tempfile.TemporaryDirectory() as folder:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        started = time.perf_counter()
        subprocess.run(
            [sys.executable, "-c", "from sarlra.cli import main; main()", "demo", "--json",
             "--out", f"{folder}/out", "--world", f"{folder}/world"],
            stdout=subprocess.DEVNULL, check=True, env=os.environ | {"PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        seconds = time.perf_counter() - started
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    core = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"s": round(seconds, 2), "cpu_s": round(core, 2),
            "busy": round(core / seconds / CORES, 3)}  # fmt: skip


def growth(quick: bool) -> dict[str, list[dict[str, Any]]]:
    """Runs that differ in one thing each."""
    small = 256 if quick else 1024
    counts = (6, 12) if quick else (6, 12, 24)
    sides = (256, 512) if quick else (512, 1024, 2048, 4096)
    tiles = (512, 256) if quick else (4096, 2048, 1024)
    return {
        "acquisitions": [fresh(small, count, small) for count in counts],
        "pixels": [fresh(side, 12, side) for side in sides],
        "tiles": [fresh(tiles[0], 12, tile_px) for tile_px in tiles],
    }


def draw(rows: dict[str, list[dict[str, Any]]], path: Path) -> None:
    """Time and memory against what grows."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 5.4), layout="constrained")
    axes = figure.subplots(2, 3, sharey="row")
    amounts: dict[str, tuple[str, Callable[[dict[str, Any]], float]]] = {
        "acquisitions": ("acquisitions, a tile of 1024 px", lambda row: row["acquisitions"]),
        "pixels": ("megapixels of one tile, 12 acquisitions", lambda row: row["size"] ** 2 / 1e6),
        "tiles": ("tiles that the same area is cut into", lambda row: row["tiles"]),
    }
    for column, (name, (label, amount)) in enumerate(amounts.items()):
        x = np.array([amount(row) for row in rows[name]])
        seconds = np.array([row["stages"][-1]["s"] for row in rows[name]])
        memory = np.array([row["peak_mib"] for row in rows[name]])
        upper, lower = axes[0, column], axes[1, column]
        slope, offset = np.polyfit(x, seconds, 1)
        ends = np.array([0.0, x.max()])
        upper.plot(ends, slope * ends + offset, color="0.7", zorder=1)
        upper.plot(x, seconds, "o", color="tab:blue")
        lower.plot(x, memory, "o-", color="tab:orange")
        upper.set_xlim(0), lower.set_xlim(0)
        lower.set_xlabel(label)
    # Rows share their axis: its start is set once everything is drawn.
    for row in axes[:, 0]:
        row.set_ylim(0)
    axes[0, 0].set_ylabel("seconds, cold start to catalogue")
    axes[1, 0].set_ylabel("peak memory, MiB")
    figure.savefig(path, dpi=110)


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--what", nargs="+", choices=WHAT, default=list(WHAT))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="small, one round")
    parser.add_argument("--out", type=Path, help="folder for the result")
    parser.add_argument("--figure", type=Path, help="draw the growth")
    parser.add_argument("--one", nargs=3, type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        sys.stdout.write(json.dumps(one(*given.one)) + "\n")
        return
    for what in given.what:
        about = machine()
        found: Any
        if what == "start":
            found = start(1 if given.quick else given.rounds)
        elif what == "profile":
            found = profiled(512, 6, 1) if given.quick else profiled(4096, 12, given.rounds)
        elif what == "demo":
            found = demo()
        else:
            found = growth(given.quick)
            if given.figure:
                draw(found, given.figure)
        finish(f"whole-job-{what}", {"machine": about, what: found}, given.out)


if __name__ == "__main__":
    main()
