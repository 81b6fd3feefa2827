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

from sarlra.compiled import compiled

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

#: A peak this many times as high as the profile's noise can be a stripe.
LEAST_PEAK = 4.0
#: It has to be this many times as high as what other directions show.
OVER_OTHERS = 1.5
#: Directions against the track in degrees that say what is natural.
_OTHERS = (25.0, 50.0, 75.0, 105.0, 130.0, 155.0)
_BIN_PX = 4.0
_LEAST_IN_BIN = 30
_WIDE_BINS = 31
#: Ground that is darker counts as this, in dB: nothing is.
_DARKEST_DB = np.float32(-60.0)
#: dB to the natural logarithm of power.
_TO_LOG = np.float32(np.log(10.0) / 10.0)


def stripe_score(image: F32, reference: F32, heading: float) -> float:
    """How clearly there are stripes; over 1 there are.

    Parameters
    ----------
    image, reference
        (rows, columns) in dB, NaN = no data, the image's own offset taken off.
    heading
        Of the track against grid north, degrees clockwise.
    """
    more = image - reference
    if np.isfinite(more).mean() < 0.1:
        return 0.0
    more *= _TO_LOG
    np.exp(more, out=more)
    weight = np.exp(np.maximum(reference, _DARKEST_DB) * -_TO_LOG)
    middle, ends = _weigh(more, weight)
    own = _peak(more, weight, middle, ends, heading)
    natural = max(_peak(more, weight, middle, ends, heading + turn) for turn in _OTHERS)
    return own / max(LEAST_PEAK, OVER_OTHERS * natural)


@compiled
def _weigh(more, weight):  # type: ignore[no-untyped-def]
    """Power added in terms of the ground's own, and 1 / that: both weighed, 0 where not known.

    The sum over power-weighted pixels estimates the added power: its weights are 1 / base**2.

    Returns
    -------
    Mean (row, column) of what is known; of each row the first and last column known.
    """
    rows, cols = more.shape
    ends = np.full((rows, 2), -1, np.int64)
    down, right, count = 0, 0, 0
    for row in range(rows):
        for col in range(cols):
            value, own = more[row, col], weight[row, col]
            known = value == value
            # Single bright echoes tamed.
            value = min(value - np.float32(1), np.float32(4)) * own
            more[row, col] = value if known else np.float32(0)
            weight[row, col] = own * own if known else np.float32(0)
        known_here, columns = 0, 0
        for col in range(cols):
            there = weight[row, col] > 0
            known_here += there
            columns += col * there
        if known_here:
            first, last = 0, cols - 1
            while weight[row, first] == 0:
                first += 1
            while weight[row, last] == 0:
                last -= 1
            ends[row, 0], ends[row, 1] = first, last
        down += row * known_here
        right += columns
        count += known_here
    return (down / max(count, 1), right / max(count, 1)), ends


def _peak(
    more: F32,
    weight: F32,
    middle: tuple[float, float],
    ends: NDArray[np.int64],
    direction: float,
) -> float:
    """The highest bin of the profile along a direction, over its noise, in both of its halves."""
    angle = np.deg2rad(direction)
    table = np.zeros((2, int(np.hypot(*weight.shape) / _BIN_PX) + 2, 3))
    _bin(more, weight, np.sin(angle), np.cos(angle), middle, ends, table)
    # A line of range crosses both halves; a roof, a field or a slope does not. And a stripe is
    # wider than one bin.
    both = np.minimum(*(_excess(*half.T) for half in table))
    both = both[np.isfinite(both)]
    return float(np.minimum(both[:-1], both[1:]).max()) if both.size > _WIDE_BINS else 0.0


@compiled
def _bin(more, weight, sin, cos, middle, ends, table):  # type: ignore[no-untyped-def]
    """Into (halves, bins, 3): of each bin along a direction the pixels, their sum, their weights.

    The halves lie on either side of the middle of what is known, across the direction.
    """
    rows = weight.shape[0]
    first = np.inf
    for row in range(rows):
        if ends[row, 0] >= 0:
            for col in ends[row]:
                first = min(first, (col * sin - row * cos) / _BIN_PX)
    for row in range(rows):
        if ends[row, 0] < 0:
            continue
        begin, end = ends[row, 0], ends[row, 1] + 1
        # Where the middle lies in this row; across grows with the column or falls with it.
        part = end
        if cos != 0:
            at = middle[1] - (row - middle[0]) * sin / cos
            part = int(min(max(np.ceil(at), begin), end))
        near = 0 if cos > 0 or (cos == 0 and (row - middle[0]) * sin < 0) else 1
        for half, start, stop in ((near, begin, part), (1 - near, part, end)):
            places = table[half]
            for col in range(start, stop):
                place = places[int((col * sin - row * cos) / _BIN_PX - first)]
                place[0] += weight[row, col] > 0
                place[1] += more[row, col]
                place[2] += weight[row, col]


def _excess(count: F64, total: F64, norm: F64) -> F64:
    """(bins,) by which the added power stands over its surroundings, in units of its noise."""
    result = np.full(count.size, np.nan)
    if not count.any():
        return result
    # Short lines at the corner of what has data say little.
    enough = count >= max(_LEAST_IN_BIN, 0.3 * float(np.median(count[count > 0])))
    if enough.sum() <= _WIDE_BINS:
        return result
    profile = total[enough] / norm[enough]
    excess = profile - ndimage.median_filter(profile, _WIDE_BINS * 2 + 1, mode="reflect")
    # The noise of a bin falls with what it is a mean of.
    even = excess * np.sqrt(norm[enough])
    result[enough] = even / (1.4826 * float(np.median(np.abs(even))) + 1e-9)
    return result
