"""Which cell belongs to training, validation or test.

The side of a cell follows from the seed, the study area and the area's cells alone: not from
tracks, buffers or their order, so that a cell is on one side in both directions. Source: Nava et
al. 2026, section 3.2 (67 % / 33 % test per study area; 40 % of the training part validates).
Neighbouring cells share slopes and speckle: the random split leaks, and a second one parts blocks
of cells, after Roberts et al. 2017 (Ecography 40, 913-929).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

TEST_SHARE = 0.33
#: Of what is not test.
VALIDATION_SHARE = 0.40
#: Edge of a block of the blocked split in cells (5.1 km at 10 m).
BLOCK_CELLS = 8

#: The sides, and the side of a case that no training may see.
SPLITS = ("training", "validation", "test")
UNSEEN = "unseen"
SIDE = np.dtype("U10")


def priorities(seed: int, case: str, purpose: str, names: Sequence[str]) -> NDArray[np.uint64]:
    """A number for each name, as if drawn; the same whatever else is in the list."""
    start = hashlib.sha256(f"{seed}/{case}/{purpose}/".encode())
    drawn = np.empty(len(names), dtype=np.uint64)
    for index, name in enumerate(names):
        each = start.copy()
        each.update(str(name).encode())
        drawn[index] = int.from_bytes(each.digest()[:8], "big")
    return drawn


def split_random(
    seed: int, case: str, names: NDArray[np.str_], landslide: NDArray[np.bool_]
) -> NDArray[np.str_]:
    """The side of each cell of a study area; landslide cells and the others are parted apart.

    Parameters
    ----------
    names, landslide
        ``(n,)``: cells, and which of them are of the landslide class in the original inventory.

    Returns
    -------
    numpy.ndarray
        ``(n,)`` of ``training``, ``validation`` and ``test``. Of each of the two kinds 33 % test,
        and 40 % of the rest validates, to the nearest cell.
    """
    sides = np.full(len(names), SPLITS[0], dtype=SIDE)
    drawn = priorities(seed, case, "random", list(names))
    for kind in (landslide, ~landslide):
        order = np.flatnonzero(kind)
        order = order[np.lexsort((names[order], drawn[order]))]
        test = round(TEST_SHARE * len(order))
        validation = round(VALIDATION_SHARE * (len(order) - test))
        sides[order[:test]] = SPLITS[2]
        sides[order[test : test + validation]] = SPLITS[1]
    return sides


def blocks_of(names: NDArray[np.str_]) -> NDArray[np.str_]:
    """The block of ``BLOCK_CELLS`` by ``BLOCK_CELLS`` cells that each cell lies in."""
    found = []
    for name in names:
        zone, _, rest = str(name).partition("E")
        east, _, north = rest.partition("N")
        found.append(f"{zone}E{int(east) // BLOCK_CELLS:04d}N{int(north) // BLOCK_CELLS:04d}")
    return np.array(found, dtype=names.dtype)


def split_blocked(
    seed: int, case: str, names: NDArray[np.str_], landslide: NDArray[np.bool_]
) -> NDArray[np.str_]:
    """As :func:`split_random`, but all cells of a block are on one side.

    Blocks are taken in the order of their drawn numbers, those with landslides first; each goes to
    the side that lacks most of its share of landslide cells (of all cells, for those without), so
    that the shares come as near to those of the random split as whole blocks allow.
    """
    block = blocks_of(names)
    unique, inverse = np.unique(block, return_inverse=True)
    cells = np.bincount(inverse, minlength=len(unique))
    slides = np.bincount(inverse, weights=landslide, minlength=len(unique))
    drawn = priorities(seed, case, "blocked", [str(name) for name in unique])
    wanted = np.array(
        [(1 - TEST_SHARE) * (1 - VALIDATION_SHARE), (1 - TEST_SHARE) * VALIDATION_SHARE, TEST_SHARE]
    )
    side_of = np.zeros(len(unique), dtype=np.int64)
    for chosen, weight in ((slides > 0, slides), (slides == 0, cells)):
        held = np.zeros(len(SPLITS))
        total = weight[chosen].sum()
        for index in np.flatnonzero(chosen)[np.argsort(drawn[chosen], kind="stable")]:
            side = int(np.argmax(wanted * total - held))
            side_of[index] = side
            held[side] += weight[index]
    return np.array(SPLITS, dtype=SIDE)[side_of[inverse]]
