"""Layers of a network in NumPy, in double precision, as the papers write them."""

from __future__ import annotations

import numpy as np
from scipy.signal import correlate2d


def convolve(image: np.ndarray, kernel: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """Same padding, no activation; (rows, columns, channels)."""
    channels = range(image.shape[-1])
    planes = [
        sum(correlate2d(image[..., i], kernel[:, :, i, o], mode="same") for i in channels)
        for o in range(kernel.shape[-1])
    ]
    return np.stack(planes, axis=-1) + bias


def normalise(
    x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, mean: np.ndarray, variance: np.ndarray
) -> np.ndarray:
    return gamma * (x - mean) / np.sqrt(variance + 1e-3) + beta


def pool(x: np.ndarray) -> np.ndarray:
    rows, columns, channels = x.shape
    return x.reshape(rows // 2, 2, columns // 2, 2, channels).max(axis=(1, 3))


def bilinear_to_16(x: np.ndarray) -> np.ndarray:
    """Without smoothing: of each block of k pixels the mean of the two in its middle."""
    k = x.shape[0] // 16
    if k == 1:
        return x
    a, b = np.arange(16) * k + k // 2 - 1, np.arange(16) * k + k // 2
    rows = (x[a] + x[b]) / 2
    return (rows[:, a] + rows[:, b]) / 2
