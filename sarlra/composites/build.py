"""The composite of a track on a tile, as a lazy dataset, and computed.

The box is cut into blocks (:mod:`sarlra.composites.blocks`): strips of 512 rows, narrower the more
slices there are.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from types import MappingProxyType

import dask
import dask.array as da
import numpy as np
import rioxarray  # noqa: F401 - registers the .rio accessor
import xarray as xr

from sarlra.composites.blocks import plan_blocks
from sarlra.composites.buffers import reused
from sarlra.composites.corrections import Correction
from sarlra.composites.handles import kept_open
from sarlra.composites.pixels import PixelGrid
from sarlra.composites.reading import side_by_side
from sarlra.errors import NoAcquisitionsError, RecipeError
from sarlra.grid import PixelBox, Tile
from sarlra.recipe import Recipe
from sarlra.scenes.model import Track
from sarlra.scenes.signing import SigningPolicy

#: Threads that read, for each that computes, where files lie behind a network: they mostly wait.
READERS = 4


def build_composite(
    track: Track,
    tile: Tile,
    box: PixelBox,
    recipe: Recipe,
    signing: SigningPolicy | None,
    corrections: Mapping[str, Correction] = MappingProxyType({}),
) -> xr.Dataset:
    """Plan the composite of a track on some pixels of a tile; nothing is read yet.

    Per pixel and acquisition: the first slice in time that has data; in dB; then the median over
    the post acquisitions, and that minus the median over the pre acquisitions.
    Source: Nava et al. 2026, section 2, as resolved in ``docs/method.md``.

    Parameters
    ----------
    track
        With pre and post acquisitions; its slices have the recipe's polarisations.
    tile, box
        The target grid; the box may reach beyond the tile, into the halo.
    recipe
        ``polarisations``, ``loader``, ``erode_before`` and ``erode_px`` matter here.
    signing
        How assets are signed when they are opened; None where they need no signing.
    corrections
        What to put right of acquisitions, by their ids; see :mod:`sarlra.composites.quality`.

    Returns
    -------
    Dataset on dims (y, x) with coordinates y, x (pixel centres in metres) and spatial_ref; lazy
    ``recipe.bands`` (float32, dB, NaN = no data), ``n_pre``, ``n_post`` (uint16, acquisitions
    that are valid in every polarisation) and ``visibility`` (uint8, 255: not known; see
    :func:`sarlra.composites.terrain_bands.with_terrain`). Computing it raises AssetError or
    SigningError where an asset cannot be read.

    Raises
    ------
    NoAcquisitionsError
        The track has no pre or no post acquisition.
    RecipeError
        A slice has not all polarisations of the recipe.
    """
    _check(track, recipe)
    grid = PixelGrid.of(tile, box)
    stack = plan_blocks(track, grid, box, recipe, signing, corrections)
    return _dataset(stack, grid, recipe)


def compute(lazy: xr.Dataset, track: Track, threads: int) -> xr.Dataset:
    """Compute the composite of a track.

    Blocks go straight to their place: put together at the end they would take twice the memory.

    Parameters
    ----------
    threads
        How many compute, each a block at a time. They are a pool of its own: inside a dask worker
        the default would ask the cluster, and wait. Where files lie behind a network more read, as
        they mostly wait.
    """
    hrefs = (href for a in (*track.pre, *track.post) for s in a.slices for _, href in s.assets)
    remote = any("://" in href and not href.startswith("file://") for href in hrefs)
    with (
        kept_open(),
        reused(),
        side_by_side(threads * READERS) if remote else nullcontext(),
        ThreadPoolExecutor(threads) as pool,
        dask.config.set(scheduler="threads", pool=pool),
    ):
        blocks = {name: one.data for name, one in lazy.items() if isinstance(one.data, da.Array)}
        places = {name: np.empty(data.shape, data.dtype) for name, data in blocks.items()}
        da.store(list(blocks.values()), list(places.values()), lock=False)
    done: xr.Dataset = lazy.assign({n: lazy[n].copy(data=place) for n, place in places.items()})
    return done


def _check(track: Track, recipe: Recipe) -> None:
    for name, acquisitions in (("pre", track.pre), ("post", track.post)):
        if not acquisitions:
            raise NoAcquisitionsError(
                f"track {track.id} has no {name} acquisition",
                hint=f"widen the {name} window with --buffers",
            )
    for acquisition in (*track.pre, *track.post):
        for scene in acquisition.slices:
            missing = set(recipe.polarisations) - scene.polarisations
            if missing:
                raise RecipeError(
                    f"item {scene.item_id} has no {' and no '.join(sorted(missing))}",
                    hint="choose polarisations that every item of the track has, such as VV",
                )


def _dataset(stack: da.Array, grid: PixelGrid, recipe: Recipe) -> xr.Dataset:
    variables = {
        name: xr.Variable(("y", "x"), stack[index], {"units": "dB"})
        for index, name in enumerate(recipe.bands)
    }
    for index, name in ((-2, "n_pre"), (-1, "n_post")):
        counts = stack[index].astype(np.uint16)
        variables[name] = xr.Variable(("y", "x"), counts, {"units": "1"})
    unknown = da.full(grid.shape, 255, dtype=np.uint8, chunks=stack.chunks[1:])
    variables["visibility"] = xr.Variable(("y", "x"), unknown)
    dataset = xr.Dataset(variables, coords={"y": grid.y, "x": grid.x})
    placed: xr.Dataset = dataset.rio.write_crs(f"EPSG:{grid.epsg}")
    placed = placed.rio.write_transform(grid.transform)
    return placed
