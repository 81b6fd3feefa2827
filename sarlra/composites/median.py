"""The statistics of a composite over time, on blocks in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import bottleneck
import numpy as np
from numpy.typing import NDArray

from sarlra.composites.corrections import Correction, moved
from sarlra.composites.masks import Stack, mosaic

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
    return np.float32(10) * np.log10(power)


def nanmedian(values: Stack) -> Stack:
    """Median over the first axis of what is not NaN.

    For an even count it is the mean of the two middle values; NaN where the count is 0.
    """
    return np.asarray(bottleneck.nanmedian(values, axis=0), np.float32)


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
    medians: dict[str, list[Stack]] = {}
    counts: dict[str, NDArray[np.float32]] = {}
    for name, acquisitions in (("pre", pre), ("post", post)):
        medians[name] = []
        valid: NDArray[np.bool_] | None = None
        for number, stack in enumerate(stacks):
            values = acquisitions_in_db(stack, acquisitions, halo, number)
            medians[name].append(nanmedian(values))
            finite = ~np.isnan(values)
            valid = finite if valid is None else valid & finite
        if valid is None:
            raise ValueError("a composite needs at least one polarisation")
        counts[name] = valid.sum(axis=0, dtype=np.float32)
    changes = [post - pre for post, pre in zip(medians["post"], medians["pre"], strict=True)]
    return np.stack([*medians["post"], *changes, counts["pre"], counts["post"]])


def acquisitions_in_db(
    stack: Stack, acquisitions: Sequence[Layers], halo: int, number: int = 0
) -> Stack:
    """The acquisitions of one polarisation, mosaicked and corrected.

    Parameters
    ----------
    stack, halo
        As in :func:`composite_block`.
    number
        Which of the stacks it is; picks the offsets.

    Returns
    -------
    (acquisition, rows, columns) in dB; of no acquisition at all, one layer without data.
    """
    shape = (stack.shape[1] - 2 * halo, stack.shape[2] - 2 * halo)
    result = np.full((max(len(acquisitions), 1), *shape), np.nan, np.float32)
    for layer, acquisition in zip(result, acquisitions, strict=False):
        slices = stack[list(acquisition.indices)]
        rim = acquisition.correction.reach
        power = mosaic(slices, halo - rim, acquisition.fringe)
        if rim:
            power = moved(power, acquisition.correction.shift_px, rim)
        layer[...] = to_db(power)
        if acquisition.offsets and acquisition.offsets[number]:
            layer -= np.float32(acquisition.offsets[number])
    return result
