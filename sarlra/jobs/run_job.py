"""One job, from first byte read to item written; the same in a test, the CLI, on a dask worker."""

from __future__ import annotations

import gc
import logging
import time
from dataclasses import dataclass

import pystac
import xarray as xr

from sarlra.catalog.names import item_id
from sarlra.catalog.sink import open_sink
from sarlra.catalog.standing import find_done
from sarlra.errors import SarlraError
from sarlra.jobs.job import Job, Outcome, Status, awaits_terrain, failed_outcome, outcome_of
from sarlra.jobs.job_composite import compose, look
from sarlra.jobs.job_item import make_item
from sarlra.jobs.pool import Halves
from sarlra.terrain.tile import TileTerrain

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Read:
    """What the first half of a job gives to the second, on the same worker or on another.

    ``again``: the item stands, and is made again as its geometry can be had now.
    """

    composite: xr.Dataset
    terrain: TileTerrain
    again: bool
    seconds: float


def run_job(job: Job) -> Outcome:
    """Make the composite, lattice, detections and item of a job, unless its item stands.

    Never raises for what is wrong with the input: the outcome says it, so that other jobs go on.
    Writes its region of the store, then its assets, and its item last: a job that was killed
    leaves no item and can be run again.
    """
    return score_job(job, read_job(job))


def read_job(job: Job) -> Read | Outcome:
    """The first half of a job, which waits for its reads: composite and geometry, or the outcome.

    An outcome is given at once where the item stands, or where an input cannot be used.
    """
    started = time.monotonic()
    terrain: TileTerrain | None = None
    name = item_id(job.event, job.tile, job.track, job.version)
    try:
        standing = find_done(open_sink(job.sink), name, job.id)
        if standing is not None:
            terrain = better_terrain(job, standing)
            if terrain is None:
                return _stands(job, name, standing, started)
        composite, known = compose(job, terrain)
    except SarlraError as error:
        return _failed(job, error, started, again=terrain is not None)
    return Read(composite, known, terrain is not None, time.monotonic() - started)


def score_job(job: Job, read: Read | Outcome) -> Outcome:
    """The second half of a job, which computes: scores, detections, and all that is written."""
    if isinstance(read, Outcome):
        return read
    started = time.monotonic() - read.seconds
    name = item_id(job.event, job.tile, job.track, job.version)
    try:
        statistics, notes = make_item(job, open_sink(job.sink), read.composite, read.terrain)
    except SarlraError as error:
        return _failed(job, error, started, again=read.again)
    finally:
        # Arrays of a job lie in cycles of references, and among the half a million objects of
        # TensorFlow the collector comes by seldom: without this a worker grows from job to job.
        gc.collect()
    status: Status = "done" if statistics["detections"] else "empty"
    return outcome_of(job, name, status, statistics, time.monotonic() - started, notes)


HALVES = Halves(read_job, score_job)
"""The same as :func:`run_job`, for clusters whose workers read or compute."""


def _failed(job: Job, error: SarlraError, started: float, *, again: bool) -> Outcome:
    """What could not be made ``again`` stays; else the job failed."""
    name = item_id(job.event, job.tile, job.track, job.version)
    standing = find_done(open_sink(job.sink), name, job.id) if again else None
    if standing is not None:
        log.warning("item %s stays as it is: %s", name, error)
        return _stands(job, name, standing, started)
    log.warning("job %s failed: %s", name, error)
    return failed_outcome(job, error, time.monotonic() - started)


def better_terrain(job: Job, standing: pystac.Item) -> TileTerrain | None:
    """What the relief does to the tile, where the item that stands was made without knowing it.

    None where the item knew, no DEM is wanted, or it still cannot be had.
    """
    if not awaits_terrain(job, standing.properties):
        return None
    terrain = look(job)
    return terrain if terrain.known else None


def _stands(job: Job, name: str, standing: pystac.Item, started: float) -> Outcome:
    known = standing.properties.get("sarlra:statistics", {})
    notes = standing.properties.get("sarlra:notes", ())
    return outcome_of(job, name, "skipped", known, time.monotonic() - started, notes)
