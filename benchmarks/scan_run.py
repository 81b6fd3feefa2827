"""Real jobs on real workers: speed with 1 and 2 workers, memory as jobs go by, bytes read.

    python benchmarks/scan_run.py [--what bytes speed memory] [--jobs 500] [--size 512] [--tile 256]

A simulated world is scanned again and again into new folders. Speed is that of 120 jobs with one
and with two workers, without the first jobs, which load the network. Memory is a single worker's
resident set after every 50 jobs, said on standard error as they are done; with ``--cluster`` that
of a worker that runs already, so that a long series can be run in pieces.
Bytes are those that a local HTTP server sent for the composites of some tiles of six scenes of 3072
pixels, against the compressed blocks of 512 that the jobs' pixels lie in, counted once for each job
that needs them, and once for all jobs together.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import rasterio
import shapely
from distributed import Worker
from rasterio.transform import from_origin
from rasterio.warp import transform_bounds
from rasterio.windows import from_bounds

from sarlra.jobs.clients import open_client
from sarlra.jobs.job import Job, Outcome
from sarlra.jobs.pool import run_bounded
from sarlra.jobs.run_job import read_job, run_job
from sarlra.scan.ask import scan_requests
from sarlra.scan.plan import plan_scan
from sarlra.scan.run import run_cells
from sarlra.scenes.polarisations import slices_of
from sarlra.scenes.search import open_search
from sarlra.settings import cluster_settings
from sarlra.simulation.world import simulate
from tests.servers.base import Reply, Request
from tests.servers.blobs import BlobServer
from tests.servers.items import make_item, write_items

ORIGIN = datetime(2023, 12, 10, tzinfo=UTC)
LEFT, TOP = 600_000.0, 5_100_000.0
WARM = 20
EVERY = 50
FEW = 120
WHAT = ("bytes", "speed", "memory")


def jobs(world: Path, items: Path, out: Path, tile: int, number: int) -> Iterator[Job]:
    """So many jobs of the world: all of it into one folder, then into the next."""
    given = 0
    while given < number:
        requests = scan_requests(out=str(out / f"{given}"), tile=tile, dem="none",
                                 source=str(items), event=str(world / "event.geojson"))  # fmt: skip
        with plan_scan(requests, open_search(requests[0].source)) as plan:
            for job in run_cells(plan, plan.cells):
                if given < number:
                    given += 1
                    yield job


def measure(
    world: Path, out: Path, tile: int, workers: int, number: int, cluster: str = "local"
) -> dict[str, Any]:
    """Jobs a minute, and (jobs that it has done, memory in MiB) of each worker."""
    os.environ["SARLRA_CLUSTER_WORKERS_MAX"] = str(workers)
    memory: list[list[tuple[int, int]]] = []
    done, begun = 0, 0.0
    with open_client(cluster, number) as client:
        work = jobs(world, world / "items.json", out, tile, number)
        for outcome in run_bounded(client, work, run_job, cluster_settings()):
            if outcome.status == "failed":
                raise SystemExit(f"{outcome.item_id}: {outcome.reason}")
            done += 1
            if done == WARM:
                begun = time.monotonic()
            if done % EVERY == 0:
                memory.append(sorted(client.run(resident).values()))
                sys.stderr.write(f"{done} jobs: {memory[-1]}\n")
        seconds = time.monotonic() - begun
    return {"workers": workers, "jobs": done, "memory_mib": memory,
            "jobs_per_minute": round(60 * (done - WARM) / seconds, 1)}  # fmt: skip


def resident(dask_worker: Worker) -> tuple[int, int]:
    """Jobs that a worker has begun, and its resident set in MiB."""
    return (dask_worker.state.executed_count, psutil.Process().memory_info().rss // 2**20)


class CountingBlobs(BlobServer):
    """Serves every file without a token, and counts the bytes."""

    sent = 0

    def reply(self, request: Request) -> Reply:
        """What is asked for, counted."""
        self._alive[""] = ("account/container", time.time() + 60)
        answer = super().reply(request)
        if request.method != "HEAD":
            with self.lock:
                self.sent += len(answer.body)
        return answer


def write_scenes(folder: Path, size: int) -> None:
    """Five acquisitions before and one after, VV and VH: speckle in COGs with blocks of 512."""
    rng = np.random.default_rng(1)
    folder.mkdir(parents=True)
    for index in range(6):
        for pol in ("vv", "vh"):
            power = rng.gamma(4.4, 0.05 / 4.4, (size, size)).astype(np.float32)
            with rasterio.open(
                folder / f"{index}-{pol}.tif", "w", driver="COG", dtype="float32", count=1,
                width=size, height=size, crs="EPSG:32632", compress="deflate", blocksize=512,
                transform=from_origin(LEFT, TOP, 10, 10), nodata=-32768,
            ) as target:  # fmt: skip
                target.write(power, 1)


def items_of(server: CountingBlobs, size: int) -> list[dict[str, Any]]:
    """Items of :func:`write_scenes`."""
    box = transform_bounds(32632, 4326, LEFT, TOP - 10 * size, LEFT + 10 * size, TOP)
    found = []
    for index in range(6):
        at = ORIGIN + timedelta(days=12 * (index - 5) + 6)
        item = make_item(at, orbit=50000 + index, datatake=str(index), item_id=f"scene-{index}",
                         footprint=shapely.box(*box), **{
                             "proj:transform": [10, 0, LEFT, 0, -10, TOP, 0, 0, 1],
                             "proj:shape": [size, size]})  # fmt: skip
        for pol, asset in item["assets"].items():
            asset["href"] = server.href(f"{index}-{pol}.tif")
        found.append(item)
    return found


def bytes_read(folder: Path, size: int, tile: int) -> dict[str, Any]:
    """Bytes sent for the middle of the scenes, against the blocks that its pixels lie in."""
    scenes = folder / "scenes"
    if not scenes.is_dir():
        write_scenes(scenes, size)
    middle = (LEFT + 5 * size, TOP - 5 * size)
    near = transform_bounds(32632, 4326, middle[0] - 5000, middle[1] - 5000,
                            middle[0] + 5000, middle[1] + 5000)  # fmt: skip
    with CountingBlobs(scenes) as server:
        items = write_items(folder / f"{tile}.json", items_of(server, size))
        requests = scan_requests(out=str(folder / f"bytes{tile}"), source=str(items), tile=tile,
                                 dem="none", origin=(ORIGIN.isoformat(),),
                                 aoi=",".join(map(str, near)))  # fmt: skip
        with plan_scan(requests, open_search(requests[0].source)) as plan:
            work = list(run_cells(plan, plan.cells))
        before = server.sent
        for job in work:
            read = read_job(job)
            if isinstance(read, Outcome):
                raise SystemExit(f"{read.item_id}: {read.reason}")
        sent = server.sent - before
        root = server.href("")
    each, pixels = 0, 0
    once: dict[tuple[str, tuple[int, int]], int] = {}
    for job in work:
        rows, cols = job.box.shape
        pixels += rows * cols
        for part in slices_of(job.track):
            for _, href in part.assets:
                blocks = blocks_of(scenes / href.removeprefix(root), job)
                each += sum(blocks.values())
                once |= {(href, key): size for key, size in blocks.items()}
    return {
        "tile_px": tile,
        "jobs": len(work),
        "output_pixels": pixels,
        "bytes_sent": sent,
        "bytes_per_output_pixel": round(sent / pixels, 2),
        "against_blocks_of_each_job": round(sent / each, 3),
        "against_blocks_once": round(sent / sum(once.values()), 3),
    }


def blocks_of(path: Path, job: Job) -> dict[tuple[int, int], int]:
    """The blocks of a file's full resolution that a job's pixels lie in, with their sizes."""
    with rasterio.open(path) as dataset:
        bounds = transform_bounds(f"EPSG:{job.tile.epsg}", dataset.crs, *job.box.bounds(job.tile))
        window = from_bounds(*bounds, dataset.transform)
        height, width = dataset.block_shapes[0]
        rows = range(max(0, int(window.row_off) // height),
                     min(-(-dataset.height // height),
                         -(-int(window.row_off + window.height) // height)))  # fmt: skip
        cols = range(max(0, int(window.col_off) // width),
                     min(-(-dataset.width // width),
                         -(-int(window.col_off + window.width) // width)))  # fmt: skip
        sizes = {
            (r, c): dataset.get_tag_item(f"BLOCK_SIZE_{c}_{r}", "TIFF", bidx=1)
            for r in rows
            for c in cols
        }
    return {key: int(size) for key, size in sizes.items() if size}


def main() -> None:
    """Run, and print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=500)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--tile", type=int, default=256)
    parser.add_argument("--what", nargs="+", choices=WHAT, default=WHAT)
    parser.add_argument("--cluster", default="local", help="for the memory; as for sarlra scan")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        world = folder / "world"
        figures: dict[str, Any] = {"load_average": os.getloadavg()[0]}
        if "bytes" in given.what:
            figures["bytes"] = [bytes_read(folder, 3072, tile) for tile in (512, 2048)]
        if set(given.what) - {"bytes"}:
            simulate(11, world, size_px=given.size)
        if "speed" in given.what:
            figures["speed"] = [
                measure(world, folder / f"speed{workers}", given.tile, workers, FEW)
                for workers in (1, 2)
            ]
        if "memory" in given.what:
            figures["memory"] = measure(world, folder / "memory", given.tile, 1, given.jobs,
                                        given.cluster)  # fmt: skip
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
