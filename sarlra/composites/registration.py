"""By how much an image lies beside another: phase correlation, summed over many small chips.

The cross spectra of all chips are added before they are turned back, so that chips which say
little alone still agree on one peak; the peak is then found to a hundredth of a pixel by a Fourier
transform of its surroundings alone (Guizar-Sicairos, Thurman & Fienup 2008, Optics Letters 33,
156-158). High frequencies hold speckle, which differs between images, and count less.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from scipy import fft

F32 = NDArray[np.float32]
C128 = NDArray[np.complex128]

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
    total: C128 | None = None
    for image, reference in pairs:
        total = added(total, cross_spectrum(image, reference))
    return shift_of(total)


def added(one: C128 | None, other: C128 | None) -> C128 | None:
    """The sum of spectra of one size, where there are any."""
    if one is None or other is None:
        return other if one is None else one
    return one + other


def shift_of(spectrum: C128 | None) -> tuple[float, float] | None:
    """The shift that a sum of cross spectra tells; see :func:`shift_between`."""
    return None if spectrum is None else _peak(spectrum)


def cross_spectrum(image: F32, reference: F32) -> C128 | None:
    """Half-whitened cross spectrum of what both have; None where that is less than a tenth."""
    both = np.isfinite(image) & np.isfinite(reference)
    if both.mean() < 0.1:
        return None
    window = np.outer(np.hanning(image.shape[0]), np.hanning(image.shape[1]))
    one, other = (_flat(values, both) * window for values in (image, reference))
    product = fft.fft2(one) * np.conj(fft.fft2(other))
    size = np.abs(product)
    scale = size.mean()
    if not scale > 0:
        return None
    return np.asarray(product / np.sqrt(size * scale + 1e-12 * scale**2), np.complex128)


def _flat(values: F32, both: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Less their mean, zero where one of the two has nothing, single bright pixels tamed."""
    known = values[both].astype(np.float64)
    middle = float(np.median(known))
    spread = 4.0 * float(np.median(np.abs(known - middle))) + 1e-6
    result = np.zeros(values.shape)
    result[both] = np.clip(known - middle, -spread, spread)
    result[both] -= result[both].mean()
    return result


def _peak(spectrum: C128) -> tuple[float, float] | None:
    rows, cols = (fft.fftfreq(n) for n in spectrum.shape)
    soft = np.exp(-0.5 * (rows[:, None] ** 2 + cols[None, :] ** 2) / _SOFT**2)
    weighted = spectrum * soft
    surface = fft.ifft2(weighted).real
    near = np.zeros(surface.shape, dtype=bool)
    reach = min(REACH_PX, (min(surface.shape) - 1) // 2)
    near[np.ix_(_around(surface.shape[0], reach), _around(surface.shape[1], reach))] = True
    row, col = np.unravel_index(np.argmax(np.where(near, surface, -np.inf)), surface.shape)
    noise = 1.4826 * float(np.median(np.abs(surface - np.median(surface))))
    rest = near.copy()
    rest[np.ix_(_beside(int(row), rest.shape[0]), _beside(int(col), rest.shape[1]))] = False
    second = float(surface[rest].max(initial=0.0))
    if not surface[row, col] > max(_CLEAR * noise, _ALONE * second):
        return None
    start = (_signed(int(row), surface.shape[0]), _signed(int(col), surface.shape[1]))
    return _refined(weighted, rows, cols, start)


def _around(size: int, reach: int) -> NDArray[np.int64]:
    return np.arange(-reach, reach + 1, dtype=np.int64) % size


def _beside(index: int, size: int) -> NDArray[np.int64]:
    return np.arange(index - _PEAK_PX, index + _PEAK_PX + 1, dtype=np.int64) % size


def _signed(index: int, size: int) -> int:
    return index - size if index > size // 2 else index


def _refined(
    weighted: C128, rows: NDArray[np.float64], cols: NDArray[np.float64], start: tuple[int, int]
) -> tuple[float, float]:
    """The peak to 1/100 of a pixel, first on tenths within a pixel and a half, then around that."""
    place = (float(start[0]), float(start[1]))
    for step, half in ((0.1, 15), (1 / _FINE, 12)):
        at = np.arange(-half, half + 1) * step
        down = np.exp(2j * np.pi * np.outer(place[0] + at, rows))
        right = np.exp(2j * np.pi * np.outer(cols, place[1] + at))
        surface = (down @ weighted @ right).real
        row, col = np.unravel_index(np.argmax(surface), surface.shape)
        place = (place[0] + float(at[row]), place[1] + float(at[col]))
    return (round(place[0], 2), round(place[1], 2))
