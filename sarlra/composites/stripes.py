"""Bright stripes across the track, as another radar at the same frequency leaves them.

Interference adds power, the same for bright ground and dark, along whole lines of range. So the
power that an image has more than its stack is averaged along range with weights that favour dark
ground, where it shows, and the profile along the track is looked at for peaks. Edges of forests,
coasts and valleys have no reason to lie along range: the same profile in other directions says
what the ground itself does.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

F32 = NDArray[np.float32]

#: A peak this many times as high as the profile's noise can be a stripe.
LEAST_PEAK = 4.0
#: It has to be this many times as high as what other directions show.
OVER_OTHERS = 1.5
#: Directions against the track in degrees that say what is natural.
_OTHERS = (25.0, 50.0, 75.0, 105.0, 130.0, 155.0)
_BIN_PX = 4.0
_LEAST_IN_BIN = 30
_WIDE_BINS = 31


def stripe_score(image: F32, reference: F32, heading: float) -> float:
    """How clearly there are stripes; over 1 there are.

    Parameters
    ----------
    image, reference
        (rows, columns) in dB, NaN = no data, the image's own offset taken off.
    heading
        Of the track against grid north, degrees clockwise.
    """
    known = np.isfinite(image) & np.isfinite(reference)
    if known.mean() < 0.1:
        return 0.0
    rows, cols = np.nonzero(known)
    base = np.power(10.0, reference[known].astype(np.float64) / 10)
    # In units of the ground's own power, single bright echoes tamed.
    more = np.clip(np.power(10.0, image[known].astype(np.float64) / 10) / base - 1.0, -1.0, 4.0)
    weight = 1.0 / base
    own = _peak(rows, cols, more, weight, heading)
    others = [_peak(rows, cols, more, weight, heading + turn) for turn in _OTHERS]
    natural = float(np.max(others))
    return own / max(LEAST_PEAK, OVER_OTHERS * natural)


def _peak(
    rows: NDArray[np.int64],
    cols: NDArray[np.int64],
    more: NDArray[np.float64],
    weight: NDArray[np.float64],
    direction: float,
) -> float:
    """The highest bin of the profile along a direction, over its noise, in both of its halves."""
    angle = np.deg2rad(direction)
    along = (cols * np.sin(angle) - rows * np.cos(angle)) / _BIN_PX
    across = cols * np.cos(angle) + rows * np.sin(angle)
    index = np.floor(along - along.min()).astype(np.int64)
    size = int(index.max()) + 1
    left = across < np.median(across)
    halves = [_excess(index[half], more[half], weight[half], size) for half in (left, ~left)]
    # A line of range crosses both halves; a roof, a field or a slope does not. And a stripe is
    # wider than one bin.
    both = np.minimum(*halves)
    both = both[np.isfinite(both)]
    return float(np.minimum(both[:-1], both[1:]).max()) if both.size > _WIDE_BINS else 0.0


def _excess(
    index: NDArray[np.int64], more: NDArray[np.float64], weight: NDArray[np.float64], size: int
) -> NDArray[np.float64]:
    """(bins,) by which the added power stands over its surroundings, in units of its noise."""
    count = np.bincount(index, minlength=size)
    # The sum over power-weighted pixels estimates the added power: its weights are 1 / base**2.
    total = np.bincount(index, weights=more * weight, minlength=size)
    norm = np.bincount(index, weights=weight**2, minlength=size)
    # Short lines at the corner of what has data say little.
    enough = count >= max(_LEAST_IN_BIN, 0.3 * float(np.median(count[count > 0])))
    result = np.full(size, np.nan)
    if enough.sum() <= _WIDE_BINS:
        return result
    profile = total[enough] / norm[enough]
    excess = profile - ndimage.median_filter(profile, _WIDE_BINS * 2 + 1, mode="reflect")
    # The noise of a bin falls with what it is a mean of.
    even = excess * np.sqrt(norm[enough])
    result[enough] = even / (1.4826 * float(np.median(np.abs(even))) + 1e-9)
    return result
