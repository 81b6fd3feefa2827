"""Speckle: gamma distributed, correlated between neighbours."""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy import ndimage, special, stats

from sarlra.simulation.noise import F32
from sarlra.simulation.parameters import ENL, SPECKLE_SIGMA_PX


@cache
def _quantiles(looks: float) -> tuple[F32, F32]:
    """Normal scores and the gamma values of equal probability (mean 1, variance 1 / looks)."""
    scores = np.linspace(-5.5, 5.5, 4097)
    # Both tails by the probability that is small there, which keeps its digits.
    lower = stats.gamma.ppf(special.ndtr(scores), looks, scale=1.0 / looks)
    upper = stats.gamma.isf(special.ndtr(-scores), looks, scale=1.0 / looks)
    values = np.where(scores < 0, lower, upper)
    return scores.astype(np.float32), values.astype(np.float32)


def speckle(
    rng: np.random.Generator,
    shape: tuple[int, int],
    looks: float = ENL,
    sigma_px: float = SPECKLE_SIGMA_PX,
) -> F32:
    """Multiplicative speckle of an intensity image.

    A Gaussian field with the correlation of the system's impulse response is mapped value by
    value to a gamma distribution with shape ``looks`` and mean 1, so that mean^2 / variance is
    ``looks`` whatever the correlation.

    Returns
    -------
    float32, (rows, columns), positive.
    """
    field = rng.standard_normal(shape, dtype=np.float32)
    if sigma_px > 0:
        field = ndimage.gaussian_filter(field, sigma_px, mode="wrap", truncate=4.0)
        tap = np.zeros(65)
        tap[32] = 1.0
        gain = float((ndimage.gaussian_filter1d(tap, sigma_px, truncate=4.0) ** 2).sum())
        field /= np.float32(gain)  # two dimensions: the root of gain^2
    scores, values = _quantiles(looks)
    step = scores[1] - scores[0]
    position = np.clip((field - scores[0]) / step, 0, scores.size - 1.001)
    low = position.astype(np.int32)
    rest = position - low
    return np.asarray(values[low] * (1 - rest) + values[low + 1] * rest, dtype=np.float32)
