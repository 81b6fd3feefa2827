"""The statistics of a composite over time, on blocks in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sarlra.composites.corrections import Correction, moved
from sarlra.composites.masks import Stack, mosaic
from sarlra.composites.middles import middles

_NOTHING = Correction()


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
    decibel = np.log10(power)
    decibel *= np.float32(10)
    return decibel


def nanmedian(values: Stack) -> Stack:
    """Median over the first axis of what is not NaN: (n, ..., rows, columns) to the rest.

    For an even count it is the mean of the two middle values; NaN where the count is 0.
    """
    flat = values.reshape(len(values), -1, values.shape[-1])
    lower, upper, _ = middles(flat, [(n,) for n in range(len(values))], 0)
    return _mean(lower, upper).reshape(values.shape[1:])


def _mean(lower: Stack, upper: Stack) -> Stack:
    lower += upper
    lower *= np.float32(0.5)
    return lower


def composite_block(
    *stacks: Stack, pre: Sequence[Layers], post: Sequence[Layers], halo: int
) -> Stack:
    """Make one block of a composite.

    Source: Nava et al. 2026, section 2; medians are taken in dB.

    Parameters
    ----------
    stacks
        One per polarisation: (slice, rows + 2 halo, columns + 2 halo), float32, linear power,
        NaN = no data.
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
    if not stacks:
        raise ValueError("a composite needs at least one polarisation")
    count, _, rows, cols = len(stacks), *stacks[0].shape
    block = np.empty((2 * count + 2, rows - 2 * halo, cols - 2 * halo), np.float32)
    block[-2] = _medians(stacks, pre, halo, block[count:-2])
    block[-1] = _medians(stacks, post, halo, block[:count])
    np.subtract(block[:count], block[count:-2], out=block[count:-2])
    return block


def _medians(
    stacks: Sequence[Stack], acquisitions: Sequence[Layers], halo: int, result: Stack
) -> Stack:
    """The median in dB of each polarisation, into ``result``; how many acquisitions all have."""
    if not acquisitions:
        result[:] = np.nan
        return np.zeros(result.shape[1:], np.float32)
    layers: list[tuple[int, ...]] = [acquisition.indices for acquisition in acquisitions]
    in_db = any(any(acquisition.offsets) for acquisition in acquisitions)
    if in_db or any(a.fringe or a.correction.reach for a in acquisitions):
        stacks = [
            _acquisitions(stack, acquisitions, halo, number if in_db else None)
            for number, stack in enumerate(stacks)
        ]
        layers, halo = [(index,) for index in range(len(acquisitions))], 0
    counts: list[Stack] = []
    for number, stack in enumerate(stacks):
        other = stacks[1] if number == 0 and len(stacks) > 1 else None
        lower, upper, count = middles(stack, layers, halo, other)
        counts.append(count)
        # dB rises with power: the middle in power is the middle in dB, for fewer logarithms.
        result[number] = _mean(lower, upper) if in_db else _mean(to_db(lower), to_db(upper))
    return counts[0]


def _acquisitions(
    stack: Stack, acquisitions: Sequence[Layers], halo: int, number: int | None
) -> Stack:
    """The acquisitions of one polarisation, mosaicked and corrected.

    Parameters
    ----------
    stack, halo
        As in :func:`composite_block`.
    number
        Which of the stacks it is, for the offsets: the result is in dB. None leaves power.

    Returns
    -------
    (acquisition, rows, columns).
    """
    shape = (stack.shape[1] - 2 * halo, stack.shape[2] - 2 * halo)
    result = np.empty((len(acquisitions), *shape), np.float32)
    for layer, acquisition in zip(result, acquisitions, strict=True):
        slices = stack[list(acquisition.indices)]
        rim = acquisition.correction.reach
        power = mosaic(slices, halo - rim, acquisition.fringe)
        if rim:
            power = moved(power, acquisition.correction.shift_px, rim)
        layer[...] = power if number is None else to_db(power)
        if number is not None and acquisition.offsets and acquisition.offsets[number]:
            layer -= np.float32(acquisition.offsets[number])
    return result
