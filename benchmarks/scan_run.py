"""Real jobs on real workers: speed with 1 and 2 workers, memory as jobs go by, bytes read.

    python benchmarks/scan_run.py [--jobs 500] [--size 512] [--tile 256]

A simulated world is scanned again and again into new folders. Memory is each worker's resident set
after every 50 jobs; speed is taken in the same run, without the first jobs, which load the network.
Bytes are those that a local HTTP server sent, against the compressed blocks that the jobs' pixels
lie in, each counted once for each job that needs it, and once for the whole scan.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import rasterio
from rasterio.warp import transform_bounds
from rasterio.windows import from_bounds

from sarlra.jobs.clients import open_client
from sarlra.jobs.job import Job
from sarlra.jobs.pool import run_bounded, run_here
from sarlra.jobs.run_job import run_job
from sarlra.jobs.scan import plan_scan, run_cells
from sarlra.jobs.scan_ask import scan_requests
from sarlra.scenes.polarisations import slices_of
from sarlra.scenes.search import open_search
from sarlra.settings import cluster_settings
from sarlra.simulation.world import simulate
from tests.servers.base import Reply, Request
from tests.servers.blobs import BlobServer

WARM = 20
EVERY = 50


def jobs(world: Path, items: Path, out: Path, tile: int, number: int | None) -> Iterator[Job]:
    """So many jobs of the world: all of it into one folder, then into the next; None: it once."""
    given = 0
    while given < (number or 1):
        requests = scan_requests(out=str(out / f"{given}"), tile=tile, dem="none",
                                 source=str(items), event=str(world / "event.geojson"))  # fmt: skip
        with plan_scan(requests, open_search(requests[0].source)) as plan:
            for job in run_cells(plan, plan.cells):
                if number is None or given < number:
                    given += 1
                    yield job


def measure(world: Path, out: Path, tile: int, workers: int, number: int) -> dict[str, Any]:
    """Jobs a minute, and the workers' memory in MiB by number of jobs done."""
    os.environ["SARLRA_CLUSTER_WORKERS_MAX"] = str(workers)
    memory: dict[int, list[int]] = {}
    done, begun = 0, 0.0
    with open_client("local", number) as client:
        work = jobs(world, world / "items.json", out, tile, number)
        for outcome in run_bounded(client, work, run_job, cluster_settings()):
            if outcome.status == "failed":
                raise SystemExit(f"{outcome.item_id}: {outcome.reason}")
            done += 1
            if done == WARM:
                begun = time.monotonic()
            if done % EVERY == 0:
                memory[done] = sorted(client.run(resident).values())
        seconds = time.monotonic() - begun
    return {"workers": workers, "jobs": done, "memory_mib": memory,
            "jobs_per_minute": round(60 * (done - WARM) / seconds, 1)}  # fmt: skip


def resident() -> int:
    """Resident set of the process that asks, in MiB."""
    return int(psutil.Process().memory_info().rss // 2**20)


class CountingBlobs(BlobServer):
    """Serves every file, and counts the bytes."""

    sent = 0

    def reply(self, request: Request) -> Reply:
        """Without tokens: what is asked for, all of it counted."""
        answer = self._blob_at(request)
        if request.method != "HEAD":
            with self.lock:
                self.sent += len(answer.body)
        return answer

    def _blob_at(self, request: Request) -> Reply:
        self._alive[""] = ("account/container", time.time() + 60)
        return super().reply(request)


def bytes_read(world: Path, out: Path, tile: int) -> dict[str, Any]:
    """Bytes sent for a scan of the world, against the blocks that its pixels lie in."""
    with CountingBlobs(world) as server:
        content = json.loads((world / "items.json").read_text())
        for item in content["features"]:
            for asset in item["assets"].values():
                asset["href"] = server.href(asset["href"].removeprefix("./"))
        items = out.with_suffix(".json")
        items.write_text(json.dumps(content))
        work = list(jobs(world, items, out, tile, None))
        before = server.sent
        for outcome in run_here(work, run_job, cluster_settings()):
            if outcome.status == "failed":
                raise SystemExit(f"{outcome.item_id}: {outcome.reason}")
        sent = server.sent - before
        root = server.href("")
    each, once, pixels = 0, {}, 0
    for job in work:
        rows, cols = job.box.shape
        pixels += rows * cols
        for part in slices_of(job.track):
            for name, href in part.assets:
                if name in job.recipe.polarisations:
                    blocks = blocks_of(world / href.removeprefix(root), job)
                    each += sum(blocks.values())
                    once |= {(href, key): size for key, size in blocks.items()}
    return {
        "tile_px": tile,
        "jobs": len(work),
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
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        world = folder / "world"
        simulate(11, world, size_px=given.size)
        figures: dict[str, Any] = {"load_average": os.getloadavg()[0]}
        figures["bytes"] = [bytes_read(world, folder / f"b{t}", t) for t in (given.tile, 4096)]
        few = min(given.jobs, 120)
        figures["two_workers"] = measure(world, folder / "two", given.tile, 2, few)
        figures["one_worker"] = measure(world, folder / "one", given.tile, 1, given.jobs)
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
