"""What a job writes of its composite, before and whatever its scores are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import xarray as xr

from sarlra.catalog.draft import Ground, draft_ground
from sarlra.catalog.sink import Sink
from sarlra.composites.region_fault import region_fault
from sarlra.composites.store import write_region
from sarlra.errors import StoreError
from sarlra.jobs.job import Job
from sarlra.terrain.shade import hillshade
from sarlra.terrain.tile import TileTerrain


@dataclass(frozen=True, slots=True)
class Written:
    """``sums`` of the bands that are in the store, and the rasters that are drafted."""

    sums: Mapping[str, str]
    ground: Ground


def write_composite(
    job: Job, sink: Sink, own: xr.Dataset, terrain: TileTerrain, folder: Path
) -> Written:
    """Write the tile's region of the store, and its rasters into a local folder.

    Parameters
    ----------
    own
        The composite on the tile's own pixels.

    Raises
    ------
    StoreError
        The region cannot be written, or holds something else than was written.
    CatalogError
        The composite does not fit the tile.
    """
    sums = _region(job, sink.url_of(job.store), own)
    return Written(sums, draft_ground(folder, own, job.tile, job.recipe, _shade(terrain, own)))


def _region(job: Job, store: str, own: xr.Dataset) -> dict[str, str]:
    """Write the region and read it back: an item vouches for what is in the store."""
    sums = write_region(store, job.group, job.tile, own)
    if fault := region_fault(store, job.group, job.tile, sums):
        raise StoreError(
            f"composite of tile {job.tile.id} in {store}/{job.group}: {fault}",
            hint="check the store, and that no other run writes there; then run again",
        )
    return sums


def _shade(terrain: TileTerrain, own: xr.Dataset) -> npt.NDArray[np.uint8] | None:
    if terrain.relief is None:
        return None
    shade = hillshade(terrain.relief.heights, terrain.relief.grid.resolution)
    return shade[1 : own.sizes["y"] + 1, 1 : own.sizes["x"] + 1]
