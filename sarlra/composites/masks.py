"""What of an acquisition counts: border fringes, and the mosaic of its slices."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Stack = NDArray[np.float32]


def erode(valid: NDArray[np.bool_], width: int) -> NDArray[np.bool_]:
    """Take ``width`` pixels off the edge of the valid area.

    A pixel stays where the square of ``2 * width + 1`` pixels around it is valid. What lies
    beyond the array counts as valid: give the array a halo of ``width`` and cut it off after.

    Parameters
    ----------
    valid
        (rows, columns), bool.
    """
    if width == 0:
        return valid
    square = 2 * width + 1
    eroded = ndimage.minimum_filter(valid.view(np.uint8), square, mode="constant", cval=1)
    return np.asarray(eroded, np.bool_)


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
        Rim of pixels, at least ``fringe``, that is read for the erosion and cut off.
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
