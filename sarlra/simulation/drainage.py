"""Mountains by uplift and river incision on a coarse grid.

Stream power law dz/dt = U - K A^0.5 S, solved implicitly along the drainage tree (Braun & Willett,
Geomorphology 180-181 (2013), 170-179), with hillslopes limited to a threshold slope. Gives what
spectral noise alone cannot: valleys that join, ridges, and a flow that reaches the edge.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

Index = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]

_STEPS = ((-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1))


@dataclass(frozen=True, slots=True)
class Drainage:
    """Coarse relief and where its water goes.

    Parameters
    ----------
    elevation
        Metres, float64, (rows, columns).
    receiver
        Flat index of the cell to which each cell drains (itself at outlets), int64, (cells,).
    area
        Upstream area in m2, float64, (cells,).
    step
        Edge of a cell in metres.
    """

    elevation: F64
    receiver: Index
    area: F64
    step: float


def evolve(
    start: F64, uplift: F64, erodibility: F64, limit: F64, step: float, n_steps: int
) -> Drainage:
    """Let the land rise and rivers cut it until it is near a steady state.

    Parameters
    ----------
    start, uplift, erodibility, limit
        (rows, columns): first elevation (m), uplift per time step (m), K of the stream power law
        per time step (1 / step of time), and the tangent of the threshold slope.
    step
        Edge of a cell in metres.
    n_steps
        Number of time steps.

    The last row is the base level: it stays at its first elevation; the other edges are divides.
    """
    shape = start.shape
    base = np.zeros(shape, dtype=bool)
    base[-1, :] = True
    # Once every cell has a lower neighbour the implicit scheme keeps it so.
    z = fill_pits(start, base)
    rate = np.where(base, 0.0, uplift).ravel()
    for _ in range(n_steps):
        receiver, distance = _receivers(z, base, step)
        levels = _levels(receiver)
        area = _accumulate(receiver, levels, step)
        factor = erodibility.ravel() * np.sqrt(area) / distance
        rise = limit.ravel() * distance
        flat = z.ravel() + rate
        for cells in levels[1:]:
            below = flat[receiver[cells]]
            cut = (flat[cells] + factor[cells] * below) / (1.0 + factor[cells])
            flat[cells] = np.minimum(cut, below + rise[cells])
        z = flat.reshape(shape)
    receiver, _ = _receivers(z, base, step)
    return Drainage(z, receiver, _accumulate(receiver, _levels(receiver), step), step)


def fill_pits(z: F64, base: npt.NDArray[np.bool_], rise: float = 0.1) -> F64:
    """Raise pits until water reaches ``base`` from everywhere, falling ``rise`` metres per cell.

    Priority flood, Barnes, Lehman & Mulla, Computers & Geosciences 62 (2014), 117-127.
    """
    rows, cols = z.shape
    filled = z.astype(np.float64).copy()
    seen = base.copy()
    heap = [(float(z[r, c]), int(r), int(c)) for r, c in np.argwhere(base)]
    heapq.heapify(heap)
    while heap:
        height, row, col = heapq.heappop(heap)
        for dy, dx in _STEPS:
            r, c = row + dy, col + dx
            if 0 <= r < rows and 0 <= c < cols and not seen[r, c]:
                seen[r, c] = True
                filled[r, c] = max(float(filled[r, c]), height + rise)
                heapq.heappush(heap, (float(filled[r, c]), r, c))
    return filled


def _receivers(z: F64, base: npt.NDArray[np.bool_], step: float) -> tuple[Index, F64]:
    """Steepest of eight neighbours (flat index) and the distance to it in metres."""
    rows, cols = z.shape
    padded = np.pad(z, 1, constant_values=np.inf)
    index = np.arange(rows * cols).reshape(rows, cols)
    best = np.zeros_like(z)
    receiver = index.copy()
    distance = np.full(z.shape, step)
    for dy, dx in _STEPS:
        length = step * np.hypot(dy, dx)
        slope = (z - padded[1 + dy : 1 + dy + rows, 1 + dx : 1 + dx + cols]) / length
        better = (slope > best) & ~base
        best = np.where(better, slope, best)
        receiver = np.where(better, index + dy * cols + dx, receiver)
        distance = np.where(better, length, distance)
    return receiver.ravel(), distance.ravel()


def _levels(receiver: Index) -> list[Index]:
    """Cells by their number of steps to an outlet; the first entry holds the outlets."""
    depth = (receiver != np.arange(receiver.size)).astype(np.int64)
    jump = receiver
    while True:
        onward = jump[jump]
        depth = depth + depth[jump]
        if np.array_equal(onward, jump):
            break
        jump = onward
    order = np.argsort(depth, kind="stable")
    edges = np.searchsorted(depth[order], np.arange(depth.max() + 2))
    return [order[a:b] for a, b in pairwise(edges)]


def _accumulate(receiver: Index, levels: list[Index], step: float) -> F64:
    """Upstream area in m2, the cell included."""
    area = np.full(receiver.size, step * step)
    for cells in reversed(levels[1:]):
        np.add.at(area, receiver[cells], area[cells])
    return area
