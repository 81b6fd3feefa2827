"""What the machinery costs for each job: jobs that do nothing, on a local cluster.

python benchmarks/job_overhead.py --jobs 1000 --workers 2
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import shapely

from sarlra.events.area import box_area
from sarlra.events.event import Event
from sarlra.grid import PixelBox, Tile
from sarlra.jobs.clients import open_client
from sarlra.jobs.job import Job, Outcome
from sarlra.jobs.pool import run_bounded
from sarlra.models.registry import default_model
from sarlra.recipe import make_recipe
from sarlra.scenes.model import Acquisition, Slice, Track
from sarlra.settings import cluster_settings


def nothing(job: Job) -> Outcome:
    """A job that is done at once."""
    return Outcome(job.id, job.id, job.tile.id, job.track.id, "empty")


def a_job() -> Job:
    """A job as heavy to send as a real one: six acquisitions of two slices."""
    at = datetime(2023, 12, 1, tzinfo=UTC)
    part = Slice("S1A_" + "x" * 60, "sentinel-1-rtc", at, "sentinel-1a", 37, "ascending", 5, None,
                 (("VV", "https://host.example/" + "x" * 100), ("VH", "y" * 100)), 32633, None,
                 None, shapely.box(10, 45, 12, 46))  # fmt: skip
    acquisitions = tuple(Acquisition(f"a{i}", at, "sentinel-1a", (part, part)) for i in range(6))
    event = Event("bench", "Bench", (at,), box_area(10, 45, 12, 46))
    tile = Tile(32633, 1, 100)
    return Job("0", "v", event, tile, PixelBox(0, 4128, 0, 4128),
               Track(37, "ascending", acquisitions[:5], acquisitions[5:]), make_recipe(),
               default_model("VV_VH", "ascending"), 0.5, None, "bench", "out", "in")  # fmt: skip


def main() -> None:
    """Run, and print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    os.environ["SARLRA_CLUSTER_WORKERS_MAX"] = str(given.workers)
    template = a_job()

    def jobs(first: int, number: int) -> Iterator[Job]:
        return (replace(template, id=str(first + i)) for i in range(number))

    with open_client("local", given.jobs) as client:
        list(run_bounded(client, jobs(0, 20), nothing, cluster_settings()))
        started, used = time.monotonic(), time.process_time()
        done = sum(
            1 for _ in run_bounded(client, jobs(20, given.jobs), nothing, cluster_settings())
        )
        seconds, used = time.monotonic() - started, time.process_time() - used
    figures = {"jobs": done, "workers": given.workers, "seconds": round(seconds, 2),
               "ms_per_job": round(1000 * seconds / done, 2),
               # The driver and the scheduler, which bound the speed, without waiting for others.
               "driver_core_ms_per_job": round(1000 * used / done, 2),
               "load_average": os.getloadavg()[0]}  # fmt: skip
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
