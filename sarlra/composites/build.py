"""The composite of a track on a tile, as a lazy dataset.

The box is cut into blocks: strips of 512 rows, the shorter the more slices there are. Each block is
a small pipeline of its own: one stack per polarisation of just the slices that come near the block,
read by the recipe's loader with all of time in one chunk (and with a rim, where fringes are
eroded), then one task that puts the slices of each acquisition together and takes the medians. No
block waits for another, so what is in memory is what the running blocks hold, and a pixel does not
depend on how the box is cut.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from types import MappingProxyType

import dask
import dask.array as da
import numpy as np
import rioxarray  # noqa: F401 - registers the .rio accessor
import xarray as xr
from numpy.typing import NDArray

from sarlra.composites.buffers import reused
from sarlra.composites.corrections import Correction
from sarlra.composites.footprints import touches
from sarlra.composites.handles import kept_open
from sarlra.composites.loader import StackLoader, get_loader
from sarlra.composites.masks import reach
from sarlra.composites.median import Layers, composite_block
from sarlra.composites.pixels import PixelGrid
from sarlra.composites.reading import side_by_side
from sarlra.errors import NoAcquisitionsError, RecipeError
from sarlra.grid import PixelBox, Tile
from sarlra.recipe import Recipe
from sarlra.scenes.model import Acquisition, Slice, Track
from sarlra.scenes.signing import SigningPolicy

#: (rows, columns) of blocks in pixels; the first that keeps within the budget is used. A strip has
#: the height of a file's blocks: those across its edge are still there for the next strip, and
#: those along it lie one behind the other in the file.
BLOCK_SHAPES = ((512, 16384), (512, 2048), (512, 1024), (512, 512), (256, 256))
#: Bytes that the stacks of one block may take.
BLOCK_BUDGET = 128 * 2**20
#: Threads that read, for each that computes, where files lie behind a network: they mostly wait.
READERS = 4


@dataclass(frozen=True, slots=True)
class _Member:
    """A slice with the acquisition that it belongs to."""

    scene: Slice
    post: bool
    acquisition: int
    fringe: int
    correction: Correction

    @property
    def reach(self) -> int:
        """How many pixels around a pixel decide on it."""
        return reach(self.fringe) + self.correction.reach


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
    members = [m for m in _members(track, recipe, corrections) if touches(m.scene, grid)]
    halo = max((m.reach for m in members), default=0)
    edges = _block_edges(len(members) * len(recipe.polarisations), halo, box.shape)
    loader = get_loader(recipe)
    blocks = [
        [
            _block(members, _cut(grid, box, rows, cols), recipe, loader, signing)
            for cols in _cuts(box.col0, box.col1, edges[1])
        ]
        for rows in _cuts(box.row0, box.row1, edges[0])
    ]
    stack: da.Array = da.block(blocks)
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


def _members(track: Track, recipe: Recipe, corrections: Mapping[str, Correction]) -> list[_Member]:
    """All slices, ascending in time within each acquisition, whatever order they came in."""
    nothing = Correction()
    return [
        _Member(
            scene,
            post,
            number,
            max(_fringe(acquisition, recipe), corrections.get(acquisition.id, nothing).fringe),
            corrections.get(acquisition.id, nothing),
        )
        for post, acquisitions in ((False, track.pre), (True, track.post))
        for number, acquisition in enumerate(acquisitions)
        for scene in sorted(acquisition.slices, key=lambda s: (s.datetime, s.item_id))
    ]


def _fringe(acquisition: Acquisition, recipe: Recipe) -> int:
    """By how much the valid edges of an acquisition are eroded, in pixels."""
    day = acquisition.datetime.date().isoformat()
    return recipe.erode_px if day < recipe.erode_before else 0


def _block_edges(layers: int, halo: int, shape: tuple[int, int]) -> tuple[int, int]:
    """Rows and columns of the blocks that a box of a shape is cut into."""
    for rows, cols in BLOCK_SHAPES:
        pixels = (min(rows, shape[0]) + 2 * halo) * (min(cols, shape[1]) + 2 * halo)
        if layers * 4 * pixels <= BLOCK_BUDGET:
            return rows, cols
    return BLOCK_SHAPES[-1]


def _cuts(start: int, stop: int, edge: int) -> list[tuple[int, int]]:
    """Cut [start, stop) at multiples of ``edge``; slivers join their neighbour."""
    inner = [
        at
        for at in range((start // edge + 1) * edge, stop, edge)
        if at - start >= edge // 4 and stop - at >= edge // 4
    ]
    marks = [start, *inner, stop]
    return list(pairwise(marks))


def _cut(grid: PixelGrid, box: PixelBox, rows: tuple[int, int], cols: tuple[int, int]) -> PixelGrid:
    """The part of the box's grid with the given rows and columns of the tile."""
    return PixelGrid(
        grid.epsg,
        grid.left + cols[0] - box.col0,
        grid.top - (rows[0] - box.row0),
        cols[1] - cols[0],
        rows[1] - rows[0],
        grid.resolution,
    )


def _block(
    members: Sequence[_Member],
    grid: PixelGrid,
    recipe: Recipe,
    loader: StackLoader,
    signing: SigningPolicy | None,
) -> da.Array:
    """(bands and counts, rows, columns) of one block, float32, in one chunk."""
    depth = len(recipe.bands) + 2
    near = [m for m in members if touches(m.scene, grid)]
    if not near:
        return _empty(depth, grid)
    halo = max(m.reach for m in near)
    stacks = loader([m.scene for m in near], recipe.polarisations, grid.grown(halo), signing)
    # Bound to the function: of arguments by name dask would look into every layer for a graph.
    pre, post = (_layers(near, recipe, post=side) for side in (False, True))
    block: da.Array = da.blockwise(
        partial(_composite, pre=pre, post=post, halo=halo),
        "byx",
        stacks,
        "psyx",
        new_axes={"b": depth},
        adjust_chunks={"y": grid.rows, "x": grid.cols},
        # Polarisations and slices lie in one chunk; to concatenate would copy it.
        concatenate=False,
        dtype=np.float32,
        meta=np.empty((0, 0, 0), np.float32),
    )
    return block


def _composite(
    chunks: list[list[NDArray[np.float32]]],
    pre: Sequence[Layers],
    post: Sequence[Layers],
    halo: int,
) -> NDArray[np.float32]:
    """A block of the one chunk of its stacks."""
    ((stacks,),) = chunks
    return composite_block(stacks, pre, post, halo)


def _empty(depth: int, grid: PixelGrid) -> da.Array:
    """A block that no slice comes near: bands without data and counts of 0."""
    shape = (depth, *grid.shape)
    block: da.Array = da.map_blocks(
        _no_data, shape, chunks=tuple((n,) for n in shape), dtype=np.float32
    )
    return block


def _no_data(shape: tuple[int, int, int]) -> NDArray[np.float32]:
    block = np.full(shape, np.nan, np.float32)
    block[-2:] = 0
    return block


def _layers(members: Sequence[_Member], recipe: Recipe, *, post: bool) -> tuple[Layers, ...]:
    """The acquisitions among the members, as layers of their stack."""
    groups: dict[int, list[int]] = {}
    for index, member in enumerate(members):
        if member.post is post:
            groups.setdefault(member.acquisition, []).append(index)
    return tuple(
        Layers(
            tuple(group),
            members[group[0]].fringe,
            members[group[0]].correction,
            tuple(members[group[0]].correction.offset(pol) for pol in recipe.polarisations),
        )
        for group in groups.values()
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
