"""What a track sees of the ground: layover and shadow as one layer of bytes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from sarlra.terrain.codes import MEANINGS, Visibility
from sarlra.terrain.passive import LAYOVER, SHADOW, trace
from sarlra.terrain.slopes import active_distortion, gradients, rise_in_range

F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]
_STRIP = 512


def see(
    heights: F32,
    incidence: F32,
    look_azimuth: F32,
    resolution: float,
    *,
    buffer_px: int = 0,
    threads: int = 2,
) -> U8:
    """Classify the ground as a track sees it.

    Active distortion by the slope in range (Vollrath et al. 2020), passive by tracing
    (:mod:`sarlra.terrain.passive`). A pixel that is several things is the first of: active layover,
    active shadow, passive shadow, passive layover.

    Parameters
    ----------
    heights
        (rows, columns) float32, metres, NaN = void.
    incidence
        (rows, columns) float32, degrees against the ellipsoid's normal.
    look_azimuth
        (rows, columns) float32, degrees from grid north, from the sensor to the ground.
    resolution
        Edge of a pixel in metres.
    buffer_px
        Visible pixels up to this far from a distorted one take its class, as a passive one.
    threads
        Threads that compute.

    Returns
    -------
    (rows, columns) uint8, :class:`Visibility`; OUTSIDE where the height is a void.
    """
    traced = trace(heights, incidence, look_azimuth, resolution, threads)
    seen = np.zeros(heights.shape, dtype=np.uint8)
    seen[(traced & LAYOVER) > 0] = Visibility.PASSIVE_LAYOVER
    seen[(traced & SHADOW) > 0] = Visibility.PASSIVE_SHADOW

    def strip(row: int) -> None:
        stop = min(row + _STRIP, heights.shape[0])
        low, high = max(row - 1, 0), min(stop + 1, heights.shape[0])
        inner = slice(row - low, stop - low)
        east, north = (g[inner] for g in gradients(heights[low:high], resolution))
        rise = rise_in_range(east, north, look_azimuth[row:stop])
        layover, shadow = active_distortion(rise, np.deg2rad(incidence[row:stop]))
        seen[row:stop][shadow] = Visibility.ACTIVE_SHADOW
        seen[row:stop][layover] = Visibility.ACTIVE_LAYOVER

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(strip, range(0, heights.shape[0], _STRIP)))
    if buffer_px > 0:
        _grow(seen, buffer_px)
    seen[~np.isfinite(heights)] = Visibility.OUTSIDE
    return seen


def _grow(seen: U8, buffer_px: int) -> None:
    """Spread distortion over visible pixels within ``buffer_px``, the nearest class first."""
    visible = seen == Visibility.VISIBLE
    if visible.all() or not visible.any():
        return
    near = np.empty((2, *seen.shape), dtype=np.int32)
    distance = ndimage.distance_transform_edt(visible, return_indices=True, indices=near)
    taken = visible & (distance <= buffer_px)
    passive = np.arange(256, dtype=np.uint8)
    passive[Visibility.ACTIVE_LAYOVER] = Visibility.PASSIVE_LAYOVER
    passive[Visibility.ACTIVE_SHADOW] = Visibility.PASSIVE_SHADOW
    seen[taken] = passive[seen[near[0][taken], near[1][taken]]]


def shares(seen: U8, where: NDArray[np.bool_] | None = None) -> dict[str, float]:
    """Share of each class among the pixels of a layer, by name; 0 where there is no pixel.

    Parameters
    ----------
    seen
        uint8, :class:`Visibility`.
    where
        Pixels that count; None for all.
    """
    values = seen.ravel() if where is None else seen[where]
    counts = np.bincount(values, minlength=256)
    total = max(int(values.size), 1)
    return {MEANINGS[code]: float(counts[code] / total) for code in Visibility}
