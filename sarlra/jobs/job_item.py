"""What a job makes of its composite: scores, detections, outlines, and the item that names all."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import xarray as xr

from sarlra.catalog.coverage import shares_of
from sarlra.catalog.provenance import Provenance
from sarlra.catalog.publish import publish_job
from sarlra.catalog.sink import Sink
from sarlra.composites.quality import rejections
from sarlra.detection.detect import detect
from sarlra.detection.evidence import evidence_of
from sarlra.detection.lattice import score_lattice, scored_means
from sarlra.detection.outlines import outline_detections
from sarlra.jobs.beside import beside
from sarlra.jobs.job import Job
from sarlra.jobs.job_composite import used_track, wanted_pixels, without_halo
from sarlra.jobs.job_files import write_composite
from sarlra.jobs.tiles import tile_windows
from sarlra.models.calibration import calibration_of
from sarlra.models.domain import Inside, domain_of, inside
from sarlra.models.scoring import load_scorer
from sarlra.terrain.tile import TileTerrain

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Found:
    """What the model found; ``inside`` says whether it has seen the like."""

    lattice: xr.Dataset
    detections: gpd.GeoDataFrame
    outlines: gpd.GeoDataFrame
    statistics: dict[str, Any]
    inside: Inside | None


def make_item(
    job: Job, sink: Sink, composite: xr.Dataset, terrain: TileTerrain
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Find landslides and write everything: the store, then files, the item last.

    The composite is written while it is scored. Where one of both fails there is no item.

    Returns
    -------
    dict, tuple
        What the item says of the result in numbers, and in words.

    Raises
    ------
    ModelError
        The model cannot be used.
    CatalogError, StoreError
        As :func:`sarlra.catalog.publish.publish_job`.
    """
    steep, said = _slope_mask(job, terrain)
    notes = (*rejections(job.quality), *terrain.notes, *said)
    own = without_halo(composite, job)
    with tempfile.TemporaryDirectory(prefix="sarlra-ground-") as folder:
        with beside(
            job.threads, lambda: write_composite(job, sink, own, terrain, Path(folder))
        ) as known:
            found = _find(job, composite, own, terrain, steep)
            written = known()
        publish_job(
            sink,
            job.event,
            job.tile,
            used_track(job),
            own,
            found.lattice,
            found.detections,
            Provenance(
                recipe=job.recipe,
                threshold=job.threshold,
                model=job.model,
                source=job.source,
                job_id=job.id,
                version=job.version,
                inputs_href=job.inputs_href,
                composite_href=f"{job.store}/{job.group}",
                composite_sums=written.sums,
                radiometry="gamma0" if terrain.sigma0e_db is None else "sigma0e",
                geometry=terrain.geometry,
                dem=terrain.dem,
                notes=notes,
                inside=found.inside,
                quality=job.quality,
                evidence=evidence_of(
                    found.outlines, len(found.detections), found.statistics["scored"]
                ),
            ),
            found.statistics,
            outlines=found.outlines,
            ground=written.ground,
        )
    return found.statistics, notes


def _find(
    job: Job, composite: xr.Dataset, own: xr.Dataset, terrain: TileTerrain, steep: Mask | None
) -> Found:
    wanted = tile_windows(job.event.area, job.tile, job.recipe)
    active = (
        np.zeros((job.recipe.tile_px // job.recipe.stride_px,) * 2, dtype=bool)
        if wanted is None
        else wanted.active
    )
    scorer = load_scorer(job.model)
    lattice = score_lattice(composite, job.tile, job.box, active, scorer, job.recipe, steep)
    detections = detect(
        composite,
        lattice,
        job.tile,
        job.box,
        used_track(job),
        job.threshold,
        job.recipe,
        calibration_of(job.model.card),
    )
    outlines = outline_detections(
        composite, detections, job.tile, job.box, job.recipe, terrain, job.threads
    )
    area = wanted_pixels(job, own)
    statistics = describe(own, lattice, active, detections, area)
    if steep is not None:
        level = ~steep[: area.shape[0], : area.shape[1]][area]
        statistics["level_share"] = round(float(level.mean()), 6)
    seen = _inside(job, composite, lattice, terrain)
    return Found(lattice, detections, outlines, statistics, seen)


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


def _slope_mask(job: Job, terrain: TileTerrain) -> tuple[Mask | None, tuple[str, ...]]:
    """Where the recipe's slope mask lets windows through, and what is to be said of it."""
    if job.recipe.min_slope == 0:
        return None, ()
    steep = terrain.steep(job.recipe.min_slope)
    if steep is None:
        return None, ("the slope mask was not applied: there are no heights",)
    return steep, ()


def describe(
    composite: xr.Dataset,
    lattice: xr.Dataset,
    active: Mask,
    detections: gpd.GeoDataFrame,
    wanted: Mask,
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
