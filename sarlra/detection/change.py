"""The denoised change of a window, and its clusters: connected ground that changed.

The change bands are denoised by total variation (Chambolle 2004) with one weight, which keeps edges
that smoothing would blur, and pixels are clustered by hysteresis: a cluster is connected ground
that changed by more than :data:`LOW_DB` and somewhere by more than :data:`HIGH_DB`. Contributions,
where there are any, count as a further band.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sarlra.compiled import compiled
from sarlra.detection.total_variation import denoise_compiled

Mask = NDArray[np.bool_]
F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

#: Change in dB, of all change bands together, that a cluster has everywhere, and somewhere.
LOW_DB, HIGH_DB = 2.0, 3.25
#: Weight of the total variation in standard deviations of the window's speckle.
WEIGHT = 2.6
#: Smaller clusters are speckle: 2000 m2 at 10 m.
LEAST_PX = 20
#: A contribution at its 99th percentile counts as this much change.
CONTRIBUTION_DB = 2.0


@dataclass(frozen=True, slots=True)
class Change:
    """The denoised change of a window: ``bands`` (bands, rows, columns) and ``size`` (rows,
    columns), both dB, NaN-free; ``noise`` the standard deviation of each band's speckle in dB.
    """

    bands: F64
    size: F64
    noise: F64


def denoised(changes: NDArray[np.floating]) -> Change:
    """Denoise the change bands of a window, ``(bands, rows, columns)`` dB, NaN is no data.

    The window's median is taken for what did not change, and for what is not known.
    """
    return Change(*_denoised(np.ascontiguousarray(changes)))


@compiled
def _denoised(changes):  # type: ignore[no-untyped-def]
    bands, rows, columns = changes.shape
    smooth = np.zeros((bands, rows, columns))
    noise = np.zeros(bands)
    for band in range(bands):
        values = changes[band].ravel()
        known = values[np.isfinite(values)]
        if known.size > 0:
            # In the type of the values, as their difference is taken.
            level = np.empty(1, changes.dtype)
            level[0] = np.median(known)
            moved = smooth[band].reshape(-1)
            for place in range(values.size):
                if np.isfinite(values[place]):
                    moved[place] = values[place] - level[0]
        noise[band] = max(1.4826 * np.median(np.abs(smooth[band].ravel())), 0.1)
    weight = WEIGHT * np.sqrt((noise**2).mean())
    size = np.zeros((rows, columns))
    for band in range(bands):
        smooth[band] = denoise_compiled(smooth[band], weight)
        smooth[band] -= np.median(smooth[band].ravel())
        size += smooth[band] ** 2
    # Two bands of one change count as much as one band of sqrt(2) times the change.
    return smooth, np.sqrt(size * (2.0 / bands)), noise


def clusters(change: Change, valid: Mask, contribution: F32 | None = None) -> NDArray[np.int32]:
    """Number the clusters of a window from 1, the largest change first; 0 is the rest.

    Parameters
    ----------
    valid
        (rows, columns): pixels with data.
    contribution
        (rows, columns): what each pixel contributes to the score, all bands together.
    """
    from skimage.filters import apply_hysteresis_threshold
    from skimage.measure import label

    size = change.size
    if contribution is not None:
        size = np.hypot(size, _as_change(contribution))
    result = np.zeros(size.shape, dtype=np.int32)
    if not (size > HIGH_DB).any():
        return result
    found = apply_hysteresis_threshold(size, LOW_DB, HIGH_DB) & valid
    numbered = label(found, connectivity=1)
    counts = np.bincount(numbered.ravel())
    sums = np.bincount(numbered.ravel(), size.ravel())
    kept = [n for n in range(1, len(counts)) if counts[n] >= LEAST_PX]
    kept.sort(key=lambda n: -sums[n])
    for place, number in enumerate(kept, start=1):
        result[numbered == number] = place
    return result


def _as_change(contribution: F32) -> F64:
    """Contributions that raise the score, smoothed, on the scale of a change in dB."""
    from skimage.filters import gaussian

    smooth = np.maximum(gaussian(contribution.astype(np.float64), sigma=2.0), 0.0)
    top = float(np.percentile(smooth, 99))
    return np.asarray(smooth * (CONTRIBUTION_DB / top) if top > 0 else smooth)
