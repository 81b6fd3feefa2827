"""What of an acquisition counts: border fringes, and the mosaic of its slices."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sarlra.composites.squares import anything

Stack = NDArray[np.float32]


#: Edge in pixels, odd, of the smallest square without data that lies beyond the edge of the valid
#: area. What is smaller is a hole: zeros of single pixels in weak backscatter, radar shadow.
BEYOND = 17


def reach(fringe: int) -> int:
    """How many pixels around a pixel decide whether it is eroded."""
    return 0 if fringe == 0 else fringe + BEYOND - 1


def erode(valid: NDArray[np.bool_], fringe: int) -> NDArray[np.bool_]:
    """Take ``fringe`` pixels off the edge of the valid area.

    What lies beyond that edge is what squares of ``BEYOND`` pixels without data cover; a valid
    pixel goes where the square of ``2 * fringe + 1`` pixels around it holds some of that. Holes
    too small for such a square stay holes and do not grow: in mountains, to grow them all would
    leave little.

    Parameters
    ----------
    valid
        (rows, columns), bool. What lies beyond the array counts as valid: give it a rim of
        :func:`reach` pixels and cut that off after.
    """
    if fringe == 0:
        return valid
    empty = ~anything(valid, BEYOND)
    rim = BEYOND // 2
    for beyond in (np.s_[:rim], np.s_[-rim:], np.s_[:, :rim], np.s_[:, -rim:]):
        empty[beyond] = False
    # Back to the size of the squares, and over the fringe, in one step.
    return np.asarray(valid & ~anything(empty, BEYOND + 2 * fringe), np.bool_)


def mosaic(slices: Stack, halo: int, fringe: int) -> Stack:
    """Put the slices of one acquisition together: the first in time that has data wins.

    With a ``fringe``, each slice's valid edge is eroded by that much before; where slices abut,
    the edges between them are no border of the acquisition, and what no eroded slice covers is
    taken from the first whole slice that does, as far as the eroded union of the slices reaches.

    Parameters
    ----------
    slices
        (slice, rows + 2 halo, columns + 2 halo), float32, linear power, NaN = no data, ascending
        in time.
    halo
        Rim of pixels, at least :func:`reach` of the fringe, that is read for the erosion and cut
        off.
    fringe
        Pixels by which valid edges are eroded; 0 where the products have no fringes.

    Returns
    -------
    (rows, columns), float32, linear power, NaN = no data; a new array.
    """
    inner = (slice(halo, slices.shape[1] - halo), slice(halo, slices.shape[2] - halo))
    if fringe == 0:
        return _first_valid([layer[inner] for layer in slices])
    kept = [
        np.where(erode(np.isfinite(layer), fringe)[inner], layer[inner], np.float32(np.nan))
        for layer in slices
    ]
    union = erode(np.asarray(np.isfinite(slices).any(axis=0)), fringe)[inner]
    filled = _first_valid([*kept, *(layer[inner] for layer in slices)])
    filled[~union] = np.nan
    return filled


def _first_valid(layers: list[Stack]) -> Stack:
    result = layers[0].copy()
    for layer in layers[1:]:
        np.copyto(result, layer, where=np.isnan(result))
    return result
