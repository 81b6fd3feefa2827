"""Random numbers and random fields: the only source of chance in the simulated world.

Every draw comes from a generator that is named by the world's seed and a key, so that no result
depends on the order of work or on the number of workers.
"""

from __future__ import annotations

import zlib

import numpy as np
import numpy.typing as npt
from scipy import fft, ndimage, sparse

F32 = npt.NDArray[np.float32]
"""float32 array; (rows, columns) where it is an image."""
I32 = npt.NDArray[np.int32]
U8 = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]

#: Standard deviation of white noise interpolated by cubic splines through its values.
_SPLINE_STD = 0.875


def stream(seed: int, name: str, *index: int) -> np.random.Generator:
    """A generator that depends on the seed, the name and the indices (all >= 0), and on nothing
    else.
    """
    return np.random.default_rng([seed, zlib.crc32(name.encode()), *index])


def smooth_noise(rng: np.random.Generator, shape: tuple[int, int], scale_px: float) -> F32:
    """Gaussian noise with zero mean, unit variance (in expectation) and features of about
    ``scale_px`` pixels; float32, (rows, columns).
    """
    rows, cols = (int(np.ceil(n / scale_px)) + 4 for n in shape)
    coarse = rng.standard_normal((rows, cols), dtype=np.float32)
    spline = ndimage.spline_filter(coarse, order=3, output=np.float32, mode="nearest")
    offset = rng.random(2)
    down = _bspline(shape[0], rows, scale_px, offset[0])
    right = _bspline(shape[1], cols, scale_px, offset[1])
    # Sparse products sum in a fixed order; those of a threaded BLAS need not.
    field = right @ np.ascontiguousarray((down @ spline).T)
    return np.ascontiguousarray(field.T / np.float32(_SPLINE_STD), dtype=np.float32)


def _bspline(n: int, n_coarse: int, scale: float, offset: float) -> sparse.csr_array:
    """Matrix (n, n_coarse) of cubic B-spline weights, four in a row."""
    position = np.arange(n) / scale + 1.0 + offset
    column = np.floor(position).astype(np.int64)[:, None] + np.arange(-1, 3)[None, :]
    distance = np.abs(position[:, None] - column)
    near = 2 / 3 - distance**2 + distance**3 / 2
    far = np.clip(2 - distance, 0, None) ** 3 / 6
    weight = np.where(distance < 1, near, far).astype(np.float32)
    start = np.arange(0, 4 * n + 1, 4)
    return sparse.csr_array((weight.ravel(), column.ravel(), start), shape=(n, n_coarse))


def fractal_noise(
    rng: np.random.Generator, shape: tuple[int, int], beta: float, longest_px: float
) -> F32:
    """Self-affine noise: power spectrum k^-beta for wavelengths under ``longest_px``, flat above.

    Zero mean, unit variance, float32, (rows, columns); periodic at its edges.
    Source: spectral synthesis, Turcotte, Fractals and Chaos in Geology and Geophysics (1997).
    """
    white = rng.standard_normal(shape, dtype=np.float32)
    ky = fft.fftfreq(shape[0]).astype(np.float32)[:, None]
    kx = fft.rfftfreq(shape[1]).astype(np.float32)[None, :]
    k = np.sqrt(kx**2 + ky**2)
    gain = np.maximum(k, 1.0 / longest_px) ** np.float32(-beta / 2)
    gain[0, 0] = 0.0
    field = fft.irfft2(fft.rfft2(white) * gain, s=shape)
    return np.asarray(field / field.std(), dtype=np.float32)
