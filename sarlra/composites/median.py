"""The statistics of a composite over time, on blocks in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sarlra.composites.buffers import stack_of
from sarlra.composites.corrections import Correction, moved
from sarlra.composites.masks import Stack, mosaic
from sarlra.composites.middles import Middles, middles

_NOTHING = Correction()
#: Rows that are computed at a time: what is computed of them stays near the processor.
ROWS = 16


@dataclass(frozen=True, slots=True)
class Layers:
    """Which layers of a block are the slices of one acquisition, ascending in time.

    ``fringe`` is by how many pixels their valid edges are eroded, ``correction`` what else is put
    right, and ``offsets`` what is taken off in dB, for each stack.
    """

    indices: tuple[int, ...]
    fringe: int = 0
    correction: Correction = _NOTHING
    offsets: tuple[float, ...] = ()


def to_db(power: Stack) -> Stack:
    """10 log10 of linear power > 0; NaN stays NaN."""
    decibel = power.copy()
    _to_db(decibel)
    return decibel


def _to_db(power: Stack) -> None:
    """The same in place."""
    np.log10(power, out=power)
    power *= np.float32(10)


def nanmedian(values: Stack) -> Stack:
    """Median over the first axis of what is not NaN: (n, ..., rows, columns) to the rest.

    For an even count it is the mean of the two middle values; NaN where the count is 0.
    """
    flat = values.reshape(1, len(values), -1, values.shape[-1])
    found = Middles.of(1, *flat.shape[2:])
    middles(flat, [(n,) for n in range(len(values))], 0, 0, found)
    _mean(found)
    return found.lower.reshape(values.shape[1:])


def _mean(found: Middles) -> None:
    """The mean of the two values in the middle, in the place of the lower one."""
    lower = found.lower
    lower += found.upper
    lower *= np.float32(0.5)


def composite_block(
    stacks: Stack, pre: Sequence[Layers], post: Sequence[Layers], halo: int
) -> Stack:
    """Make one block of a composite.

    Source: Nava et al. 2026, section 2; medians are taken in dB.

    Parameters
    ----------
    stacks
        (polarisation, slice, rows + 2 halo, columns + 2 halo), float32, linear power, NaN = no
        data.
    pre, post
        The acquisitions that the slices belong to.
    halo
        Rim to cut off, see :func:`sarlra.composites.masks.mosaic`.

    Returns
    -------
    (2 * polarisations + 2, rows, columns), float32: per polarisation the post median in dB, then
    per polarisation the post minus the pre median in dB (NaN = no data), then the number of pre
    and of post acquisitions that are valid in every polarisation.
    """
    count, _, rows, cols = stacks.shape
    rows, cols = rows - 2 * halo, cols - 2 * halo
    block = stack_of((2 * count + 2, rows, cols))
    before, after = (_Side.of(stacks, side, halo) for side in (pre, post))
    for first in range(0, rows, ROWS):
        part = block[:, first : first + ROWS]
        found = Middles.of(count, part.shape[1], cols)
        before.medians(first, found)
        part[count:-2], part[-2] = found.lower, found.count
        after.medians(first, found)
        part[:count], part[-1] = found.lower, found.count
        np.subtract(part[:count], part[count:-2], out=part[count:-2])
    return block


@dataclass(frozen=True, slots=True)
class _Side:
    """The acquisitions before or after: their slices in stacks, in dB or in power, with a rim."""

    stacks: Stack
    layers: Sequence[Sequence[int]]
    halo: int
    in_db: bool

    @classmethod
    def of(cls, stacks: Stack, acquisitions: Sequence[Layers], halo: int) -> _Side:
        """As they are where nothing is put right, else with all of that done."""
        in_db = any(any(acquisition.offsets) for acquisition in acquisitions)
        if not in_db and not any(a.fringe or a.correction.reach for a in acquisitions):
            return cls(stacks, [a.indices for a in acquisitions], halo, in_db)
        shape = (len(stacks), len(acquisitions), *(n - 2 * halo for n in stacks.shape[2:]))
        mended = stack_of(shape)
        for number, (stack, result) in enumerate(zip(stacks, mended, strict=True)):
            _mend(stack, acquisitions, halo, number if in_db else None, result)
        return cls(mended, [(index,) for index in range(len(acquisitions))], 0, in_db)

    def medians(self, row: int, found: Middles) -> None:
        """The medians in dB of some rows into ``found.lower``, and the counts."""
        if not self.layers:
            found.lower[:], found.count[:] = np.nan, 0
            return
        middles(self.stacks, self.layers, self.halo, row, found)
        if not self.in_db:
            # dB rises with power: the middle in power is the middle in dB, for fewer logarithms.
            _to_db(found.lower)
            _to_db(found.upper)
        _mean(found)


def _mend(
    stack: Stack, acquisitions: Sequence[Layers], halo: int, number: int | None, result: Stack
) -> None:
    """The acquisitions of one polarisation, mosaicked and corrected.

    Parameters
    ----------
    stack
        (slice, rows + 2 halo, columns + 2 halo).
    number
        Which of the stacks it is, for the offsets: the result is in dB. None leaves power.
    result
        (acquisition, rows, columns), to be filled.
    """
    for layer, acquisition in zip(result, acquisitions, strict=True):
        slices = stack[list(acquisition.indices)]
        rim = acquisition.correction.reach
        power = mosaic(slices, halo - rim, acquisition.fringe)
        if rim:
            power = moved(power, acquisition.correction.shift_px, rim)
        layer[...] = power if number is None else to_db(power)
        if number is not None and acquisition.offsets and acquisition.offsets[number]:
            layer -= np.float32(acquisition.offsets[number])
