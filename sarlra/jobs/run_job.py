"""One job, from first byte read to item written; the same in a test, the CLI, on a dask worker."""

from __future__ import annotations

import gc
import logging
import time
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pystac
import xarray as xr
from affine import Affine

from sarlra.catalog.coverage import pixels_of, shares_of
from sarlra.catalog.names import item_id
from sarlra.catalog.provenance import Provenance
from sarlra.catalog.publish import publish_job
from sarlra.catalog.sink import Sink, open_sink
from sarlra.catalog.standing import find_done
from sarlra.composites.build import build_composite, compute
from sarlra.composites.quality import corrections_of, kept_track, rejections
from sarlra.composites.region_fault import region_fault
from sarlra.composites.store import write_region
from sarlra.composites.terrain_bands import with_terrain
from sarlra.detection.detect import detect
from sarlra.detection.evidence import evidence_of
from sarlra.detection.lattice import score_lattice, scored_means
from sarlra.detection.outlines import outline_detections
from sarlra.errors import SarlraError, StoreError
from sarlra.jobs.job import Job, Outcome, Status, awaits_terrain, failed_outcome, outcome_of
from sarlra.jobs.pool import Halves
from sarlra.jobs.tiles import tile_windows
from sarlra.models.calibration import calibration_of
from sarlra.models.domain import Inside, domain_of, inside
from sarlra.models.scoring import load_scorer
from sarlra.scenes.model import Track
from sarlra.terrain.ground import GroundGrid
from sarlra.terrain.shade import hillshade
from sarlra.terrain.tile import TileTerrain, tile_terrain

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
        composite, known = _compute(job, terrain)
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
        statistics, notes = _make(job, open_sink(job.sink), read.composite, read.terrain)
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
    terrain = _look(job)
    return terrain if terrain.known else None


def _stands(job: Job, name: str, standing: pystac.Item, started: float) -> Outcome:
    known = standing.properties.get("sarlra:statistics", {})
    notes = standing.properties.get("sarlra:notes", ())
    return outcome_of(job, name, "skipped", known, time.monotonic() - started, notes)


def _make(
    job: Job, sink: Sink, composite: xr.Dataset, terrain: TileTerrain
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Write everything; what the item says of the result in numbers, and in words."""
    wanted = tile_windows(job.event.area, job.tile, job.recipe)
    active = (
        np.zeros((job.recipe.tile_px // job.recipe.stride_px,) * 2, dtype=bool)
        if wanted is None
        else wanted.active
    )
    steep, said = _slope_mask(job, terrain)
    notes = (*rejections(job.quality), *terrain.notes, *said)
    track = used_track(job)
    scorer = load_scorer(job.model)
    lattice = score_lattice(composite, job.tile, job.box, active, scorer, job.recipe, steep)
    detections = detect(
        composite,
        lattice,
        job.tile,
        job.box,
        track,
        job.threshold,
        job.recipe,
        calibration_of(job.model.card),
    )
    own = _without_halo(composite, job)
    sums = _written(job, sink.url_of(job.store), own)
    area = wanted_pixels(job, own)
    statistics = describe(own, lattice, active, detections, area)
    if steep is not None:
        level = ~steep[: area.shape[0], : area.shape[1]][area]
        statistics["level_share"] = round(float(level.mean()), 6)
    outlines = outline_detections(
        composite, detections, job.tile, job.box, job.recipe, terrain, job.threads
    )
    publish_job(
        sink,
        job.event,
        job.tile,
        track,
        own,
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
            composite_sums=sums,
            radiometry="gamma0" if terrain.sigma0e_db is None else "sigma0e",
            geometry=terrain.geometry,
            dem=terrain.dem,
            notes=notes,
            inside=_inside(job, composite, lattice, terrain),
            quality=job.quality,
            evidence=evidence_of(outlines, len(detections), statistics["scored"]),
        ),
        statistics,
        _shade(terrain, own),
        outlines,
    )
    return statistics, notes


def _written(job: Job, store: str, own: xr.Dataset) -> dict[str, str]:
    """Write the tile's region and read it back: an item vouches for what is in the store.

    Raises
    ------
    StoreError
        It cannot be written, or holds something else than was written.
    """
    sums = write_region(store, job.group, job.tile, own)
    if fault := region_fault(store, job.group, job.tile, sums):
        raise StoreError(
            f"composite of tile {job.tile.id} in {store}/{job.group}: {fault}",
            hint="check the store, and that no other run writes there; then run again",
        )
    return sums


def used_track(job: Job) -> Track:
    """The job's track without the acquisitions that are left out."""
    return kept_track(job.track, job.quality)


def _inside(
    job: Job, composite: xr.Dataset, lattice: xr.Dataset, terrain: TileTerrain
) -> Inside | None:
    """How much of what was scored lies inside what the model has seen; None where not known."""
    if (domain := domain_of(job.model.card)) is None:
        return None
    scored = np.isfinite(lattice["score"].values)
    n_pre, n_post = (lattice[name].values[scored] for name in ("n_pre", "n_post"))
    means = scored_means(composite, lattice, job.box, job.recipe)
    return inside(domain, means, n_pre, n_post, terrain.incidence)


def _slope_mask(
    job: Job, terrain: TileTerrain
) -> tuple[npt.NDArray[np.bool_] | None, tuple[str, ...]]:
    """Where the recipe's slope mask lets windows through, and what is to be said of it."""
    if job.recipe.min_slope == 0:
        return None, ()
    steep = terrain.steep(job.recipe.min_slope)
    if steep is None:
        return None, ("the slope mask was not applied: there are no heights",)
    return steep, ()


def _compute(job: Job, terrain: TileTerrain | None) -> tuple[xr.Dataset, TileTerrain]:
    """The composite with its visibility, in the recipe's radiometry where that can be had."""
    track = used_track(job)
    lazy = build_composite(
        track, job.tile, job.box, job.recipe, job.signing, corrections_of(job.quality)
    )
    composite = compute(lazy, track, job.threads)
    terrain = _look(job) if terrain is None else terrain
    return with_terrain(composite, terrain.visibility, terrain.sigma0e_db), terrain


def _look(job: Job) -> TileTerrain:
    return tile_terrain(
        job.track,
        GroundGrid.of(job.tile, job.box),
        job.terrain,
        job.signing,
        buffer_m=job.recipe.visibility_buffer,
        sigma0e=job.recipe.radiometry == "sigma0e",
        slopes=job.recipe.min_slope > 0,
        threads=job.threads,
    )


def wanted_pixels(job: Job, composite: xr.Dataset) -> npt.NDArray[np.bool_]:
    """The composite's pixels that lie in the area of interest; all where none does."""
    y, x = composite["y"].values, composite["x"].values
    r = job.tile.resolution
    transform = Affine(r, 0.0, float(x[0]) - r / 2, 0.0, -r, float(y[0]) + r / 2)
    return pixels_of(job.event.area, job.tile.epsg, transform, (y.size, x.size))


def _without_halo(composite: xr.Dataset, job: Job) -> xr.Dataset:
    box, size = job.box, job.tile.size_px
    rows, cols = min(box.row1, size) - box.row0, min(box.col1, size) - box.col0
    return composite.isel(y=slice(0, rows), x=slice(0, cols))


def _shade(terrain: TileTerrain, own: xr.Dataset) -> npt.NDArray[np.uint8] | None:
    if terrain.relief is None:
        return None
    shade = hillshade(terrain.relief.heights, terrain.relief.grid.resolution)
    return shade[1 : own.sizes["y"] + 1, 1 : own.sizes["x"] + 1]


def describe(
    composite: xr.Dataset,
    lattice: xr.Dataset,
    active: npt.NDArray[np.bool_],
    detections: gpd.GeoDataFrame,
    wanted: npt.NDArray[np.bool_],
) -> dict[str, Any]:
    """The numbers of a job's result, as they stand in its item.

    ``windows`` are those wanted, ``scored`` those with a score. The shares are of the ``wanted``
    pixels, those of the area of interest, and of :func:`sarlra.catalog.coverage.shares_of`.
    """
    score = lattice["score"].values
    reason = lattice["reason"].values
    data = (composite["n_pre"].values > 0) & (composite["n_post"].values > 0)
    return {
        "windows": int(active.sum()),
        "scored": int(np.isfinite(score).sum()),
        "not_scored_no_data": int(((reason == 1) & active).sum()),
        "not_scored_distorted": int(((reason == 2) & active).sum()),
        "not_scored_level": int(((reason == 4) & active).sum()),
        "detections": len(detections),
        "max_score": round(float(np.nanmax(score)), 6) if np.isfinite(score).any() else None,
        **shares_of(composite["visibility"].values[wanted], data[wanted]),
    }
