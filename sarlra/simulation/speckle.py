"""Speckle: gamma distributed, correlated between neighbours."""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy import ndimage, special, stats

from sarlra.simulation.noise import F32, Mask
from sarlra.simulation.parameters import ENL, SPECKLE_SIGMA_PX

_STRETCH_PX = 5
"""Pixels along a row that share a resolution cell on foreshortened slopes (chosen)."""

_REACH = 5.5
"""Normal scores are cut off here."""
_STEPS = 65_537


@cache
def _variance(sigma_px: float, width_px: int) -> float:
    """Variance of white noise after the Gaussian and a running mean, in one dimension."""
    tap = np.zeros(129)
    tap[64] = 1.0
    if sigma_px > 0:
        tap = ndimage.gaussian_filter1d(tap, sigma_px, truncate=4.0)
    return float((ndimage.uniform_filter1d(tap, width_px) ** 2).sum())


@cache
def _quantiles(looks: float) -> F32:
    """Gamma values (mean 1, variance 1 / looks) as probable as normal scores in even steps."""
    scores = np.linspace(-_REACH, _REACH, _STEPS)
    # Both tails by the probability that is small there, which keeps its digits.
    lower = stats.gamma.ppf(special.ndtr(scores), looks, scale=1.0 / looks)
    upper = stats.gamma.isf(special.ndtr(-scores), looks, scale=1.0 / looks)
    values = np.where(scores < 0, lower, upper)
    return np.asarray(values, dtype=np.float32)


def speckle(
    rng: np.random.Generator,
    shape: tuple[int, int],
    looks: float = ENL,
    sigma_px: float = SPECKLE_SIGMA_PX,
    stretched: Mask | None = None,
) -> F32:
    """Multiplicative speckle of an intensity image.

    A Gaussian field with the correlation of the system's impulse response is mapped value by
    value to a gamma distribution with shape ``looks`` and mean 1, so that mean^2 / variance is
    ``looks`` whatever the correlation. Where ``stretched`` is true, one resolution cell covers
    several pixels along the rows: what terrain correction makes of foreshortened slopes.

    Returns
    -------
    float32, (rows, columns), positive.
    """
    return to_gamma(normal_field(rng, shape, sigma_px, stretched), looks)


def normal_field(
    rng: np.random.Generator,
    shape: tuple[int, int],
    sigma_px: float = SPECKLE_SIGMA_PX,
    stretched: Mask | None = None,
) -> F32:
    """The Gaussian field behind :func:`speckle`: zero mean, unit variance, correlated."""
    field = rng.standard_normal(shape, dtype=np.float32)
    if sigma_px > 0:
        field = ndimage.gaussian_filter(field, sigma_px, mode="wrap", truncate=4.0)
        # In two dimensions the variance is the product of both gains, so the root is one gain.
        field /= np.float32(_variance(sigma_px, 1))
    if stretched is not None:
        long = ndimage.uniform_filter1d(field, _STRETCH_PX, axis=1, mode="wrap")
        gain = np.sqrt(_variance(sigma_px, _STRETCH_PX) / _variance(sigma_px, 1))
        field[stretched] = long[stretched] / np.float32(gain)
    return np.asarray(field, dtype=np.float32)


def to_gamma(field: F32, looks: float = ENL) -> F32:
    """Standard normal values to gamma values of equal probability, mean 1; float32."""
    # The nearest of so many steps is within 2e-4 of the value between them.
    gain = np.float32((_STEPS - 1) / (2 * _REACH))
    position = field * gain
    position += np.float32((_STEPS - 1) / 2 + 0.5)
    np.clip(position, 0, _STEPS - 1, out=position)
    return _quantiles(looks)[position.astype(np.int32)]
