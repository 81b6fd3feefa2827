"""What a job reads: the composite of its track on its tile, and what the relief does to it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import xarray as xr
from affine import Affine

from sarlra.catalog.coverage import pixels_of
from sarlra.composites.build import build_composite, compute
from sarlra.composites.quality import corrections_of, kept_track
from sarlra.composites.terrain_bands import with_terrain
from sarlra.jobs.beside import beside
from sarlra.jobs.job import Job
from sarlra.scenes.model import Track
from sarlra.terrain.ground import GroundGrid
from sarlra.terrain.tile import TileTerrain, tile_terrain


def used_track(job: Job) -> Track:
    """The job's track without the acquisitions that are left out."""
    return kept_track(job.track, job.quality)


def compose(job: Job, terrain: TileTerrain | None = None) -> tuple[xr.Dataset, TileTerrain]:
    """The composite with its visibility, in the recipe's radiometry where that can be had.

    Parameters
    ----------
    terrain
        Where it is known already; else it is looked at while the composite is computed.

    Raises
    ------
    AssetError
        An acquisition cannot be read.
    """
    track = used_track(job)
    with beside(job.threads, lambda: look(job) if terrain is None else terrain) as known:
        lazy = build_composite(
            track, job.tile, job.box, job.recipe, job.signing, corrections_of(job.quality)
        )
        composite = compute(lazy, track, job.threads)
        found = known()
    return with_terrain(composite, found.visibility, found.sigma0e_db), found


def look(job: Job) -> TileTerrain:
    """What the relief does to the job's track over its tile."""
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


def without_halo(composite: xr.Dataset, job: Job) -> xr.Dataset:
    """The tile's own pixels of a composite."""
    box, size = job.box, job.tile.size_px
    rows, cols = min(box.row1, size) - box.row0, min(box.col1, size) - box.col0
    return composite.isel(y=slice(0, rows), x=slice(0, cols))


def wanted_pixels(job: Job, composite: xr.Dataset) -> npt.NDArray[np.bool_]:
    """The composite's pixels that lie in the area of interest; all where none does."""
    y, x = composite["y"].values, composite["x"].values
    r = job.tile.resolution
    transform = Affine(r, 0.0, float(x[0]) - r / 2, 0.0, -r, float(y[0]) + r / 2)
    return pixels_of(job.event.area, job.tile.epsg, transform, (y.size, x.size))
