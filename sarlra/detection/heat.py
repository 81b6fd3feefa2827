"""The classic change heat map: no model, only pixels whose backscatter changed much on slopes.

After Handwerger et al. (2022, Nat. Hazards Earth Syst. Sci. 22, 753-773): the ratio of the medians
after and before is taken in dB, pixels on gentle slopes are masked, those with the largest change
are kept (their 99th percentile), and the density of what is kept is the map. They look for a loss
of backscatter in VH over vegetation; here a change of either sign counts, in the mean of the
polarisations, as landslides also brighten.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

F32 = NDArray[np.float32]
Mask = NDArray[np.bool_]

#: Slopes under this do not slide, in degrees.
LEAST_SLOPE_DEG = 10.0
#: Share of the pixels that count as changed.
CHANGED = 0.01
_STEP_DB = 0.05
_BINS = 800
#: Single pixels are speckle: changes are taken as medians over squares of this many pixels.
_SQUARE_PX = 3


def change_of(bands: F32) -> F32:
    """Size of the change per pixel in dB, NaN = no data.

    Parameters
    ----------
    bands
        (polarisations, rows, columns): median after minus median before, dB.
    """
    mean = bands.mean(axis=0)
    smooth = ndimage.median_filter(np.nan_to_num(mean), _SQUARE_PX)
    return np.asarray(np.where(np.isfinite(mean), np.abs(smooth), np.nan), np.float32)


def limit_of(changes: Iterable[F32]) -> float:
    """The change in dB over which :data:`CHANGED` of all pixels lie; infinite without any pixel."""
    counts = np.zeros(_BINS, dtype=np.int64)
    for change in changes:
        known = change[np.isfinite(change)]
        index = np.minimum(known / _STEP_DB, _BINS - 1).astype(np.int64)
        counts += np.bincount(index, minlength=_BINS)
    total = int(counts.sum())
    if not total:
        return float("inf")
    above = counts[::-1].cumsum()[::-1]
    return float(np.argmax(above <= CHANGED * total) * _STEP_DB)


def share_changed(change: F32, limit: float, cell_px: int) -> tuple[F32, F32]:
    """Per cell of ``cell_px`` pixels: changed pixels, and pixels with data; (rows, columns) each.

    The array is cut into whole cells from its upper left corner; what is left over is dropped.
    """
    rows, cols = (n // cell_px for n in change.shape)
    cut = change[: rows * cell_px, : cols * cell_px].reshape(rows, cell_px, cols, cell_px)
    with np.errstate(invalid="ignore"):
        changed = (cut > limit).sum(axis=(1, 3)).astype(np.float32)
    return changed, np.isfinite(cut).sum(axis=(1, 3)).astype(np.float32)


def heat(changed: F32, known: F32, sigma_cells: float = 1.0) -> F32:
    """The share of changed pixels, smoothed over cells; NaN where there is no data."""
    top = ndimage.gaussian_filter(changed.astype(np.float64), sigma_cells, mode="constant")
    all_ = ndimage.gaussian_filter(known.astype(np.float64), sigma_cells, mode="constant")
    share = np.divide(top, all_, out=np.full(top.shape, np.nan), where=all_ > 1e-6)
    return np.where(known > 0, share, np.nan).astype(np.float32)
