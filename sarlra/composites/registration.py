"""By how much an image lies beside another: phase correlation, summed over many small chips.

The cross spectra of all chips are added before they are turned back, so that chips which say
little alone still agree on one peak; the peak is then found to a hundredth of a pixel by a Fourier
transform of its surroundings alone (Guizar-Sicairos, Thurman & Fienup 2008, Optics Letters 33,
156-158). High frequencies hold speckle, which differs between images, and count less.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from sarlra.compiled import compiled
from sarlra.composites.robust import median_of, spread_of

F32 = NDArray[np.float32]
C64 = NDArray[np.complex64]

#: Largest shift looked for, in pixels.
REACH_PX = 32
#: Where the weight of frequencies falls to exp(-1/2), in cycles per pixel.
_SOFT = 0.12
#: The peak has to stand so many standard deviations over the correlation elsewhere.
_CLEAR = 5.0
#: And be so many times as high as the next one.
_ALONE = 1.35
_PEAK_PX = 6
_FINE = 100


@dataclass(frozen=True, slots=True)
class CrossSpectrum:
    """Half-whitened cross spectra of chips of one ``shape`` (rows, columns), added up.

    ``half`` is (rows, columns // 2 + 1): of real images the rest is known from it.
    """

    half: C64
    shape: tuple[int, int]


def shift_between(pairs: Iterable[tuple[F32, F32]]) -> tuple[float, float] | None:
    """The shift of images against references, from chips of one size.

    Parameters
    ----------
    pairs
        (image, reference), each (rows, columns), dB, NaN = no data.

    Returns
    -------
    (rows, columns) by which the images lie too far down and right, in pixels; None where the peak
    does not stand out: the ground has too little structure, or the images are of different places.
    """
    total: CrossSpectrum | None = None
    for image, reference in pairs:
        total = added(total, cross_spectrum(image, reference))
    return shift_of(total)


def added(one: CrossSpectrum | None, other: CrossSpectrum | None) -> CrossSpectrum | None:
    """The sum of spectra of one size, where there are any."""
    if one is None or other is None:
        return other if one is None else one
    return CrossSpectrum(one.half + other.half, one.shape)


def shift_of(spectrum: CrossSpectrum | None) -> tuple[float, float] | None:
    """The shift that a sum of cross spectra tells; see :func:`shift_between`."""
    return None if spectrum is None else _peak(spectrum)


def cross_spectrum(image: F32, reference: F32) -> CrossSpectrum | None:
    """Half-whitened cross spectrum of what both have; None where that is less than a tenth."""
    both = np.isfinite(image) & np.isfinite(reference)
    if both.mean() < 0.1:
        return None
    rows, cols = image.shape
    flat = np.empty((2, rows, cols), np.float32)
    down, right = np.hanning(rows).astype(np.float32), np.hanning(cols).astype(np.float32)
    for values, into in zip((image, reference), flat, strict=True):
        known = values[both]
        middle = median_of(known)
        # Single bright pixels tamed.
        spread = 4.0 * spread_of(known, middle) + 1e-6
        _flatten(values, both, middle, spread, down, right, into)
    one, other = fft.rfft2(flat, workers=1)
    return _whitened(one, other, image.shape)


@compiled
def _flatten(values, both, middle, spread, down, right, result):  # type: ignore[no-untyped-def]
    """Clipped, less their mean, zero where one of the two has nothing, faded to the edges."""
    rows, cols = values.shape
    low, high = np.float32(middle - spread), np.float32(middle + spread)
    total, count = 0.0, 0
    for row in range(rows):
        for col in range(cols):
            value = min(max(values[row, col], low), high)
            result[row, col] = value if both[row, col] else np.float32(0)
        for col in range(cols):
            total += result[row, col]
            count += both[row, col]
    mean = np.float32(total / count)
    for row in range(rows):
        fade = np.float32(down[row])
        for col in range(cols):
            value = (result[row, col] - mean) * (fade * right[col])
            result[row, col] = value if both[row, col] else np.float32(0)


def _whitened(one: C64, other: C64, shape: tuple[int, int]) -> CrossSpectrum | None:
    """Their product, divided by the root of its size; None where all is zero."""
    product = one * np.conj(other)
    size = np.sqrt(product.real**2 + product.imag**2)
    # What is not in the half is the mirror of what is.
    scale = float((size.mean(axis=0, dtype=np.float64) * _times(shape[1])).sum() / shape[1])
    if not scale > 0:
        return None
    size *= np.float32(scale)
    size += np.float32(1e-12 * scale**2)
    product /= np.sqrt(size)
    return CrossSpectrum(product, shape)


def _times(cols: int) -> NDArray[np.float64]:
    """How often each column of a half spectrum stands in the whole one of ``cols`` columns."""
    times = np.full(cols // 2 + 1, 2.0)
    times[0] = 1.0
    if cols % 2 == 0:
        times[-1] = 1.0
    return times


def _peak(spectrum: CrossSpectrum) -> tuple[float, float] | None:
    shape = spectrum.shape
    rows, cols = fft.fftfreq(shape[0]), fft.rfftfreq(shape[1])
    soft = np.exp(-0.5 * (rows[:, None] ** 2 + cols[None, :] ** 2) / _SOFT**2)
    weighted = spectrum.half * soft.astype(np.float32)
    surface = fft.irfft2(weighted, s=shape, workers=1)
    reach = min(REACH_PX, (min(shape) - 1) // 2)
    place = np.arange(-reach, reach + 1)
    near = surface[np.ix_(place, place)]
    row, col = (int(place[i]) for i in np.unravel_index(np.argmax(near), near.shape))
    highest = float(near.max())
    noise = 1.4826 * spread_of(surface.ravel(), median_of(surface.ravel()))
    beside = np.ix_(_beside(place, row, shape[0]), _beside(place, col, shape[1]))
    rest = near.copy()
    rest[beside] = 0.0
    if not highest > max(_CLEAR * noise, _ALONE * float(rest.max())):
        return None
    return _refined(weighted, rows, cols, (row, col), shape[1])


def _beside(places: NDArray[np.int64], at: int, size: int) -> NDArray[np.bool_]:
    """Which of some places, of ``size`` in a ring, lie beside one."""
    return np.asarray(np.abs((places - at + size // 2) % size - size // 2) <= _PEAK_PX)


def _refined(
    weighted: C64,
    rows: NDArray[np.float64],
    cols: NDArray[np.float64],
    start: tuple[int, int],
    width: int,
) -> tuple[float, float]:
    """The peak to 1/100 of a pixel, first on tenths within a pixel and a half, then around that."""
    times = _times(width)[:, None]
    place = (float(start[0]), float(start[1]))
    for step, half in ((0.1, 15), (1 / _FINE, 12)):
        at = np.arange(-half, half + 1) * step
        down = np.exp(2j * np.pi * np.outer(place[0] + at, rows)).astype(np.complex64)
        right = np.exp(2j * np.pi * np.outer(cols, place[1] + at)) * times
        surface = ((down @ weighted) @ right).real
        row, col = np.unravel_index(np.argmax(surface), surface.shape)
        place = (place[0] + float(at[row]), place[1] + float(at[col]))
    return (round(place[0], 2), round(place[1], 2))
