"""The blocks that a composite is computed in.

A block is a small pipeline of its own: one stack per polarisation of just the slices that come near
the block, read by the recipe's loader with all of time in one chunk (and with a rim, where fringes
are eroded), then one task that puts the slices of each acquisition together and takes the medians.
No block waits for another, so what is in memory is what the running blocks hold, and a pixel does
not depend on how the box is cut.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import dask.array as da
import numpy as np
from numpy.typing import NDArray

from sarlra.composites.corrections import Correction
from sarlra.composites.footprints import touches
from sarlra.composites.loader import StackLoader, get_loader
from sarlra.composites.masks import reach
from sarlra.composites.median import Layers, composite_block
from sarlra.composites.pixels import PixelGrid
from sarlra.grid import PixelBox
from sarlra.recipe import Recipe
from sarlra.scenes.model import Acquisition, Slice, Track
from sarlra.scenes.signing import SigningPolicy

#: (rows, columns) of blocks in pixels; the first that keeps within the budget is used. A strip has
#: the height of a file's blocks: those across its edge are still there for the next strip, and
#: those along it lie one behind the other in the file.
BLOCK_SHAPES = ((512, 16384), (512, 2048), (512, 1024), (512, 512), (256, 256))
#: Bytes that the stacks of one block may take.
BLOCK_BUDGET = 128 * 2**20


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


def plan_blocks(
    track: Track,
    grid: PixelGrid,
    box: PixelBox,
    recipe: Recipe,
    signing: SigningPolicy | None,
    corrections: Mapping[str, Correction],
) -> da.Array:
    """The composite of some pixels of a tile, block by block; nothing is read yet.

    Parameters
    ----------
    grid, box
        The same pixels, on the map and in the tile.

    Returns
    -------
    dask.array.Array
        (bands and counts, rows, columns), float32: see
        :func:`sarlra.composites.median.composite_block`.
    """
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
    return stack


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
