"""One job, from first byte read to item written; the same in a test, the CLI, on a dask worker."""

from __future__ import annotations

import logging
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import dask
import geopandas as gpd
import numpy as np
import numpy.typing as npt
import xarray as xr

from sarlra.catalog.publish import Provenance, find_done, item_id, publish_job
from sarlra.catalog.sink import Sink, open_sink
from sarlra.composites.build import build_composite
from sarlra.composites.store import write_region
from sarlra.detection.detect import detect
from sarlra.detection.lattice import score_lattice
from sarlra.errors import SarlraError
from sarlra.jobs.job import Job, Outcome, Status, outcome_of
from sarlra.jobs.tiles import tile_windows
from sarlra.models.scoring import load_scorer

log = logging.getLogger(__name__)


def run_job(job: Job) -> Outcome:
    """Make the composite, lattice, detections and item of a job, unless its item stands.

    Never raises for what is wrong with the input: the outcome says it, so that other jobs go on.
    Writes its region of the store, then its assets, and its item last: a job that was killed
    leaves no item and can be run again.
    """
    started = time.monotonic()
    name = item_id(job.event, job.tile, job.track, job.version)
    try:
        sink = open_sink(job.sink)
        standing = find_done(sink, name, job.id)
        if standing is not None:
            known = standing.properties.get("sarlra:statistics", {})
            return outcome_of(job, name, "skipped", known, time.monotonic() - started)
        statistics = _make(job, sink)
    except SarlraError as error:
        log.warning("job %s failed: %s", name, error)
        return Outcome(
            job.id,
            name,
            job.tile.id,
            job.track.id,
            "failed",
            code=error.code,
            reason=error.message,
            hint=error.hint,
            seconds=time.monotonic() - started,
        )
    status: Status = "done" if statistics["detections"] else "empty"
    return outcome_of(job, name, status, statistics, time.monotonic() - started)


def _make(job: Job, sink: Sink) -> dict[str, Any]:
    wanted = tile_windows(job.event.area, job.tile, job.recipe)
    active = (
        np.zeros((job.recipe.tile_px // job.recipe.stride_px,) * 2, dtype=bool)
        if wanted is None
        else wanted.active
    )
    composite = _compute(job)
    scorer = load_scorer(job.model)
    lattice = score_lattice(composite, job.tile, job.box, active, scorer, job.recipe)
    detections = detect(composite, lattice, job.tile, job.box, job.track, job.threshold, job.recipe)
    inside = _without_halo(composite, job)
    write_region(sink.url_of(job.store), job.group, job.tile, inside)
    statistics = describe(inside, lattice, active, detections)
    publish_job(
        sink,
        job.event,
        job.tile,
        job.track,
        inside,
        lattice,
        detections,
        Provenance(
            recipe=job.recipe,
            threshold=job.threshold,
            model=job.model,
            source=job.source,
            job_id=job.id,
            version=job.version,
            inputs_href=job.inputs_href,
            composite_href=f"{job.store}/{job.group}",
        ),
        statistics,
    )
    return statistics


def _compute(job: Job) -> xr.Dataset:
    lazy = build_composite(job.track, job.tile, job.box, job.recipe, job.signing)
    # A pool of its own: inside a dask worker the default would ask the cluster, and wait for it.
    with ThreadPoolExecutor(job.threads) as pool, dask.config.set(scheduler="threads", pool=pool):
        return lazy.compute()


def _without_halo(composite: xr.Dataset, job: Job) -> xr.Dataset:
    box, size = job.box, job.tile.size_px
    rows, cols = min(box.row1, size) - box.row0, min(box.col1, size) - box.col0
    return composite.isel(y=slice(0, rows), x=slice(0, cols))


def describe(
    composite: xr.Dataset,
    lattice: xr.Dataset,
    active: npt.NDArray[np.bool_],
    detections: gpd.GeoDataFrame,
) -> dict[str, Any]:
    """The numbers of a job's result, as they stand in its item.

    ``windows`` are those wanted, ``scored`` those with a score; ``observed_share`` is the share of
    the composite's pixels (the box read, without the halo) with data before and after.
    """
    score = lattice["score"].values
    reason = lattice["reason"].values
    seen = (composite["n_pre"].values > 0) & (composite["n_post"].values > 0)
    return {
        "windows": int(active.sum()),
        "scored": int(np.isfinite(score).sum()),
        "not_scored_no_data": int(((reason == 1) & active).sum()),
        "not_scored_distorted": int(((reason == 2) & active).sum()),
        "detections": len(detections),
        "max_score": round(float(np.nanmax(score)), 6) if np.isfinite(score).any() else None,
        "observed_share": round(float(seen.mean()), 6),
    }
