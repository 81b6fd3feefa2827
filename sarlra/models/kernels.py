"""Layers of a network over tables of places, compiled.

A *plane* is ``(rows + 1, columns + 1, channels)`` float32; its last row and column are zeros, to
which taps beyond a window's edge point. Every result is computed in one fixed order of additions;
see :mod:`sarlra.models.products`.
"""

from __future__ import annotations

import math

import numpy as np

from sarlra.compiled import compiled
from sarlra.models.products import GROUP, PLACES, add_products

#: The dense layer's long sums are made of this many parts: rounding adds up less.
SECTIONS = 8


@compiled
def convolve(  # type: ignore[no-untyped-def]
    plane, row_taps, col_taps, weights, bias, scale, shift, depth,
    max_rows, max_order, max_last, max_cols, maxima,
    mean_rows, mean_order, mean_last, mean_cols, means,
):  # fmt: skip
    """Convolve, rectify and normalise a plane; give maxima and means of 2 x 2 results.

    Parameters
    ----------
    plane
        See the module.
    row_taps, col_taps
        ``(n, 3)``: see :class:`sarlra.models.places.Taps`.
    weights
        ``(groups, 9 * channels, GROUP)``.
    bias, scale, shift
        ``(groups * GROUP,)``: result = max(sum + bias, 0) * scale + shift.
    depth
        Rows of results that are kept; a power of 2.
    max_rows, max_order, max_last, max_cols, maxima
        Pairs of rows and columns (:class:`sarlra.models.places.Pairs`), and the plane written.
    mean_rows, mean_order, mean_last, mean_cols, means
        The same for means of the four.
    """
    channels, width = plane.shape[2], plane.shape[1] * plane.shape[2]
    groups, columns = weights.shape[0], col_taps.shape[0]
    whole = (columns + PLACES - 1) // PLACES * PLACES
    across = np.empty((3, whole), np.int64)
    for column in range(whole):
        for tap in range(3):
            across[tap, column] = col_taps[min(column, columns - 1), tap] * channels
    offsets = np.empty((9, PLACES), np.int64)
    sums = np.empty((PLACES, GROUP), np.float32)
    kept = np.empty((depth, columns, groups * GROUP), np.float32)
    next_max, next_mean = 0, 0
    for row in range(row_taps.shape[0]):
        own = kept[row & (depth - 1)]
        for start in range(0, columns, PLACES):
            for down in range(3):
                begin = row_taps[row, down] * width
                for tap in range(3):
                    for place in range(PLACES):
                        offsets[down * 3 + tap, place] = begin + across[tap, start + place]
            for group in range(groups):
                for place in range(PLACES):
                    for output in range(GROUP):
                        sums[place, output] = bias[group * GROUP + output]
                add_products(
                    plane.ctypes.data, offsets.ctypes.data, weights[group].ctypes.data,
                    sums.ctypes.data, 9, channels,
                )  # fmt: skip
                for place in range(min(PLACES, columns - start)):
                    for output in range(GROUP):
                        at = group * GROUP + output
                        value = sums[place, output]
                        value = value if value > 0 else np.float32(0)
                        own[start + place, at] = value * scale[at] + shift[at]
        while next_max < max_last.size and max_last[next_max] == row:
            made = max_order[next_max]
            _maximum(
                kept[max_rows[made, 0] & (depth - 1)], kept[max_rows[made, 1] & (depth - 1)],
                max_cols, maxima[made],
            )  # fmt: skip
            next_max += 1
        while next_mean < mean_last.size and mean_last[next_mean] == row:
            made = mean_order[next_mean]
            _mean(
                kept[mean_rows[made, 0] & (depth - 1)], kept[mean_rows[made, 1] & (depth - 1)],
                mean_cols, means[made],
            )  # fmt: skip
            next_mean += 1


@compiled
def _maximum(upper, lower, cols, result):  # type: ignore[no-untyped-def]
    for column in range(cols.shape[0]):
        left, right = cols[column, 0], cols[column, 1]
        for channel in range(upper.shape[1]):
            a, b = upper[left, channel], upper[right, channel]
            c, d = lower[left, channel], lower[right, channel]
            a = a if a > b else b
            c = c if c > d else d
            result[column, channel] = a if a > c else c


@compiled
def _mean(upper, lower, cols, result):  # type: ignore[no-untyped-def]
    for column in range(cols.shape[0]):
        left, right = cols[column, 0], cols[column, 1]
        for channel in range(upper.shape[1]):
            total = (upper[left, channel] + upper[right, channel]) + (
                lower[left, channel] + lower[right, channel]
            )
            result[column, channel] = np.float32(0.25) * total


@compiled
def pool(plane, rows, cols, maxima):  # type: ignore[no-untyped-def]
    """Maxima of 2 x 2 of a plane's places."""
    for row in range(rows.shape[0]):
        _maximum(plane[rows[row, 0]], plane[rows[row, 1]], cols, maxima[row])


@compiled
def classify(  # type: ignore[no-untyped-def]
    features, offsets, channels, weights, bias, last_weights, last_bias, scores
):
    """The dense layer with ReLU, and the score after it.

    Parameters
    ----------
    features
        Flat float32.
    offsets
        ``(blocks of windows, taps, PLACES)`` int64: where a window's features begin; taps are a
        multiple of ``SECTIONS``.
    weights, bias
        ``(groups, taps * channels, GROUP)``, ``(groups * GROUP,)``.
    last_weights, last_bias
        ``(groups * GROUP,)`` and a number.
    scores
        ``(windows,)`` float32, written.
    """
    groups, taps = weights.shape[0], offsets.shape[1] // SECTIONS
    hidden = np.empty((offsets.shape[0], groups, PLACES, GROUP), np.float32)
    part = np.empty((PLACES, GROUP), np.float32)
    # One group's weights after the other: they stay near the processor for all windows.
    for group in range(groups):
        for block in range(offsets.shape[0]):
            sums = hidden[block, group]
            for place in range(PLACES):
                for output in range(GROUP):
                    sums[place, output] = bias[group * GROUP + output]
            for section in range(SECTIONS):
                part[:] = 0
                first = section * taps
                add_products(
                    features.ctypes.data, offsets[block, first].ctypes.data,
                    weights[group, first * channels].ctypes.data,
                    part.ctypes.data, taps, channels,
                )  # fmt: skip
                for place in range(PLACES):
                    for output in range(GROUP):
                        sums[place, output] += part[place, output]
    for window in range(scores.size):
        block, place = window // PLACES, window % PLACES
        total = np.float32(last_bias)
        for group in range(groups):
            for output in range(GROUP):
                value = hidden[block, group, place, output]
                if value > 0:
                    total += value * last_weights[group * GROUP + output]
        scores[window] = 1.0 / (1.0 + math.exp(-np.float64(total)))
