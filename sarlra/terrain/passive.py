"""Passive layover and shadow: what one slope does to the ground before and behind it.

Rays run over the grid along ground range, one per row (or column, where the range runs more north
than east). Along a ray, with theta the incidence, s the way over ground away from the sensor and h
the height, the slant range R and the look angle l at the sensor change as

    dR = sin(theta) ds - cos(theta) dh,        dl = (cos(theta) ds + sin(theta) dh) / R

which is exact over a curved Earth where theta is the incidence at the place itself. Ground is
shadowed where l is not above all its values nearer to the sensor, and laid over where R is below
one nearer to the sensor or above one farther away: R is then not monotonic, and two places share
it. Layover that starts or ends beyond the grid is not seen: give it a rim.

The rays of a grid are parallel curves whose direction changes from column to column as the look
azimuth does on average; heights are interpolated linearly between two rows.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sarlra.compiled import compiled

F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]

LAYOVER, SHADOW = np.uint8(1), np.uint8(2)
"""Bits of the result."""
_STRIP = 256
_SLACK_M = 1e-6
"""Slant ranges that differ by less are equal: rounding must not make layover of level ground."""
_SLACK_RAD = 1e-12


def trace(
    heights: F32, incidence: F32, look_azimuth: F32, resolution: float, threads: int = 2
) -> U8:
    """Trace all rays of a grid.

    Parameters
    ----------
    heights
        (rows, columns) float32, metres; a ray passes voids (NaN) at the height before them.
    incidence
        (rows, columns) float32, degrees.
    look_azimuth
        (rows, columns) float32, degrees from grid north, from the sensor to the ground.
    resolution
        Edge of a pixel in metres.

    Returns
    -------
    (rows, columns) uint8: bit 1 laid over, bit 2 shadowed, active or passive.
    """
    sample = np.deg2rad(look_azimuth[::64, ::64])
    east, north = float(np.sin(sample).mean()), float(np.cos(sample).mean())
    if abs(east) >= abs(north):
        tangent = _mean_tangent(-np.cos(sample), np.sin(sample), heights.shape[1])
        return _trace_rows(heights, incidence, tangent, resolution, east > 0, threads)
    # With rows and columns swapped, the range runs along rows again; "right" is south.
    tangent = _mean_tangent(np.sin(sample).T, -np.cos(sample).T, heights.shape[0])
    turned, angles = (np.ascontiguousarray(a.T) for a in (heights, incidence))
    found = _trace_rows(turned, angles, tangent, resolution, north < 0, threads)
    return np.ascontiguousarray(found.T)


def _mean_tangent(down: F32, right: F32, columns: int) -> NDArray[np.float64]:
    """Rows that a ray moves down per column to the right, at each column: mean over the rows."""
    coarse = (down.mean(axis=0) / right.mean(axis=0)).astype(np.float64)
    places = np.arange(coarse.size) * 64.0
    return np.asarray(np.interp(np.arange(columns), places, coarse), dtype=np.float64)


def _trace_rows(
    heights: F32,
    incidence: F32,
    tangent: NDArray[np.float64],
    resolution: float,
    rightwards: bool,
    threads: int,
) -> U8:
    rows, columns = heights.shape
    between = (tangent[1:] + tangent[:-1]) / 2
    offset = np.concatenate([[0.0], np.cumsum(between)])
    step = resolution * np.sqrt(1.0 + between**2)
    whole = np.floor(offset + 0.5).astype(np.int64)
    found = np.zeros((rows, columns), dtype=np.uint8)
    first, last = -int(whole.max()), rows - int(whole.min())

    def strip(start: int) -> None:
        stop = min(start + _STRIP, last)
        _trace_rays(heights, incidence, offset, whole, step, rightwards, start, stop, found)

    # Each ray writes pixels of its own; the kernel does not hold the interpreter's lock.
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(strip, range(first, last, _STRIP)))
    return found


@compiled
def _trace_rays(
    heights: Any,
    incidence: Any,
    offset: Any,
    whole: Any,
    step: Any,
    rightwards: bool,
    start: int,
    stop: int,
    found: Any,
) -> None:
    """Rays ``start`` to ``stop``; ray k meets column j at row k + offset[j]. Compiled."""
    rows, columns = heights.shape
    place = np.empty(columns, np.int64)
    slant = np.empty(columns, np.float64)
    for k in range(start, stop):
        count = 0
        before = np.nan
        angle = 0.0
        distance = 0.0
        highest_angle = -np.inf
        farthest = -np.inf
        for n in range(columns):
            j = n if rightwards else columns - 1 - n
            row = k + whole[j]
            if row < 0 or row >= rows:
                continue
            # Up to half a pixel beyond the first and last row the slope goes on as it is there.
            upper = min(max(int(k + offset[j]), 0), max(rows - 2, 0))
            part = k + offset[j] - upper
            lower = min(upper + 1, rows - 1)
            height = heights[upper, j] * (1.0 - part) + heights[lower, j] * part
            if np.isnan(height):
                height = heights[row, j]
            if np.isnan(height):
                height = before
            theta = np.deg2rad(incidence[row, j])
            sine, cosine = np.sin(theta), np.cos(theta)
            if count > 0:
                way = step[min(j, place[count - 1])]
                rise = height - before
                if np.isnan(rise):
                    rise = 0.0
                distance += sine * way - cosine * rise
                # 700 km is the orbit's height; only how it changes along a ray matters.
                angle += (cosine * way + sine * rise) * cosine / 7e5
            if angle <= highest_angle - _SLACK_RAD:
                found[row, j] |= 2
            highest_angle = max(highest_angle, angle)
            if distance < farthest - _SLACK_M:
                found[row, j] |= 1
            farthest = max(farthest, distance)
            place[count] = j
            slant[count] = distance
            before = height
            count += 1
        nearest = np.inf
        for n in range(count - 1, -1, -1):
            if slant[n] > nearest + _SLACK_M:
                found[k + whole[place[n]], place[n]] |= 1
            nearest = min(nearest, slant[n])
