"""How a slide changes the power of a real series: from its level before, and from fresh ground."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from sarlra.simulation.backscatter import level_db
from sarlra.simulation.noise import F32, smooth_noise
from sarlra.simulation.parameters import LEAST_DB, Cover
from sarlra.terrain.slopes import local_incidence, rise_in_range

_SMOOTH_PX = 2.0
"""Width of the Gaussian that takes the speckle out of the former level, pixels of the series."""


@dataclass(frozen=True, slots=True)
class Geometry:
    """How the series was looked at.

    Parameters
    ----------
    incidence
        Incidence angle on flat ground, degrees.
    look_azimuth
        From the sensor to the ground, degrees clockwise from the grid's north.
    """

    incidence: float
    look_azimuth: float


def power_ratio(
    rng: np.random.Generator,
    series: F32,
    after: npt.NDArray[np.bool_],
    label: npt.NDArray[np.int32],
    zone: npt.NDArray[np.uint8],
    strength: F32,
    incidence: F32,
    factor: int,
) -> F32:
    """New power over old, (polarisations, rows, columns), from the former level and the incidence
    on the fine grid; the mean over the fine pixels of each pixel.
    """
    size = (label.shape[0], label.shape[1])
    classes = np.where(zone == 2, int(Cover.DEPOSIT), int(Cover.SCAR)).astype(np.uint8)
    contrast = np.clip((incidence - 6.0) / 20.0, 0.0, 1.0) * (incidence < 88.0)
    share = np.concatenate([[np.float32(0)], strength])[label] * contrast
    ratios = []
    for pol in range(series.shape[1]):
        former = np.kron(_former(series[~after, pol]), np.ones((factor, factor), dtype=np.float32))
        texture = 0.7 * smooth_noise(rng, size, 3.0) + 0.7 * smooth_noise(rng, size, 18.0)
        fresh = 10 ** (level_db(pol, classes, incidence, texture) / 10)
        ratios.append(block_means((1 - share + share * fresh / former).astype(np.float32), factor))
    return np.stack(ratios)


def _former(before: F32) -> F32:
    """Level in linear power before the earthquake, speckle taken out; float32, positive."""
    valid = np.isfinite(before) & (before > 0)
    known = valid.any(axis=0)
    total = np.where(valid, before, 0).sum(axis=0) / np.maximum(valid.sum(axis=0), 1)
    weight = ndimage.gaussian_filter(known.astype(np.float32), _SMOOTH_PX)
    level = ndimage.gaussian_filter(np.where(known, total, 0).astype(np.float32), _SMOOTH_PX)
    least = np.float32(10 ** (LEAST_DB / 10))
    former = np.maximum(level / np.maximum(weight, 1e-6), least)
    return np.asarray(former, dtype=np.float32)


def incidence_on(east: F32, north: F32, geometry: Geometry) -> F32:
    """Local incidence in degrees, from the rise of the ground to the east and to the north."""
    rise = rise_in_range(east, north, geometry.look_azimuth)
    return local_incidence(
        east, north, rise, np.asarray(np.deg2rad(geometry.incidence), np.float32)
    )


def block_means(image: F32, factor: int) -> F32:
    """Means over blocks of ``factor`` x ``factor`` pixels, float32."""
    rows, cols = (n // factor for n in image.shape)
    blocks = image[: rows * factor, : cols * factor].reshape(rows, factor, cols, factor)
    return np.asarray(blocks.mean(axis=(1, 3)), dtype=np.float32)
