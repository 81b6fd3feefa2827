"""The relief as a picture: ground lit from the north-west, for maps to lie on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sarlra.terrain.slopes import F32, gradients

#: Where the light comes from, degrees: clockwise from north, and above the horizon.
AZIMUTH, ALTITUDE = 315.0, 45.0
VOID = 255
#: Rows looked at together: what lies between stays near the processor.
_ROWS = 32


def hillshade(heights: F32, resolution: float) -> NDArray[np.uint8]:
    """Cosine between the ground's normal and the light, 0 (dark) to 254; 255 beside voids.

    Parameters
    ----------
    heights
        (rows, columns) float32, metres, row 0 the northernmost; NaN is a void.
    resolution
        Edge of a pixel in metres.
    """
    shade = np.empty(heights.shape, np.uint8)
    rows = len(shade)
    for start in range(0, rows, _ROWS):
        stop = min(start + _ROWS, rows)
        first = max(start - 1, 0)
        part = heights[first : stop + 1]
        shade[start:stop] = _shaded(part, resolution)[start - first : stop - first]
    return shade


def _shaded(heights: F32, resolution: float) -> NDArray[np.uint8]:
    azimuth, altitude = np.deg2rad([AZIMUTH, ALTITUDE])
    east, north = gradients(heights, resolution)
    away = east * np.float32(np.sin(azimuth)) + north * np.float32(np.cos(azimuth))
    light = np.float32(np.sin(altitude)) - np.float32(np.cos(altitude)) * away
    light /= np.sqrt(1.0 + east**2 + north**2)
    shade = np.full(heights.shape, VOID, np.uint8)
    known = np.isfinite(light) & np.isfinite(heights)
    shade[known] = np.rint(np.clip(light[known], 0.0, 1.0) * (VOID - 1))
    return shade
