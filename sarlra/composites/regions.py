"""Which pixels of a tile a composite covers, and which files of a store a tile covers."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
import zarr
from numpy.typing import NDArray

from sarlra.errors import StoreError
from sarlra.grid import Tile


def overlap(tile: Tile, composite: xr.Dataset) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Where in the tile, and in the composite, their common pixels lie: (rows, columns) each."""
    transform, r = tile.transform, tile.resolution
    starts = (
        (transform.f - r / 2 - float(composite["y"][0])) / r,
        (float(composite["x"][0]) - transform.c - r / 2) / r,
    )
    target, source = [], []
    for start, dim, sign in zip(starts, ("y", "x"), (-1, 1), strict=True):
        steps: NDArray[np.float64] = np.diff(composite[dim].values)
        even = bool(np.allclose(steps, sign * r, rtol=0, atol=1e-6 * r))
        if not even or abs(start - round(start)) > 1e-6:
            raise StoreError(
                f"composite is not on the grid of tile {tile.id} along {dim}",
                hint="build it with build_composite for this tile",
            )
        first, count = round(start), composite.sizes[dim]
        low, high = max(first, 0), min(first + count, tile.size_px)
        if low >= high:
            raise StoreError(
                f"composite has no pixel of tile {tile.id}", hint="it is of another tile"
            )
        target.append(slice(low, high))
        source.append(slice(low - first, high - first))
    return (target[0], target[1]), (source[0], source[1])


def check_whole_shards(array: zarr.Array[Any], region: tuple[slice, slice], tile: Tile) -> None:
    """A writer that shares a shard (a file) with another would lose the other's pixels."""
    edges = array.shards or array.chunks
    for part, edge, size in zip(region, edges, array.shape, strict=True):
        if part.start % edge or part.stop % edge or part.stop > size:
            raise StoreError(
                f"tile {tile.id} is pixels {part.start} to {part.stop} of {array.path} "
                f"({size} long), no whole number of its shards of {edge}",
                hint="the store was made for another tile size: write a new version",
            )
