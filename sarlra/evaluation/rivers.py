"""How far the next river is, from heights alone: flow directions, upstream areas, distances."""

from __future__ import annotations

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from scipy import ndimage

F32 = NDArray[np.float32]

#: A river drains at least so much (chosen: where channels of a pixel or two begin).
LEAST_KM2 = 2.0
#: Flow is routed on pixels of about this edge: finer ones follow the noise of a DEM.
_STEP_M = 30.0
_VOID = -9999.0


def river_distance(heights: F32, resolution: float, least_km2: float = LEAST_KM2) -> F32:
    """Metres to the nearest river, (rows, columns) float32; NaN where there is none.

    Depressions are filled and water runs down the steepest way (Wang & Liu 2006, as in pyflwdir).
    What drains in from beyond the heights is not known: near their edge rivers begin too late.

    Parameters
    ----------
    heights
        (rows, columns) float32 metres, NaN is void.
    resolution
        Edge of a pixel in metres.
    """
    import pyflwdir

    step = max(1, round(_STEP_M / resolution))
    coarse = _mean(heights, step)
    edge = step * resolution
    known = np.isfinite(coarse)
    distance = np.full(heights.shape, np.nan, np.float32)
    if min(coarse.shape) < 3 or not known.any():
        return distance
    flow = pyflwdir.from_dem(
        np.where(known, coarse, _VOID).astype(np.float32), nodata=_VOID,
        transform=Affine(edge, 0, 0, 0, -edge, 0),
    )  # fmt: skip
    river = known & (flow.upstream_area(unit="km2") >= least_km2)
    if not river.any():
        return distance
    away = ndimage.distance_transform_edt(~river) * edge
    fine = np.repeat(np.repeat(away, step, axis=0), step, axis=1)
    distance[:] = fine[: heights.shape[0], : heights.shape[1]]
    return distance


def _mean(heights: F32, step: int) -> NDArray[np.float64]:
    """Means over blocks of ``step`` pixels, those at the edges over what there is."""
    rows, cols = (-(-n // step) for n in heights.shape)
    pad = [(0, rows * step - heights.shape[0]), (0, cols * step - heights.shape[1])]
    blocks = np.pad(heights.astype(np.float64), pad, constant_values=np.nan)
    blocks = blocks.reshape(rows, step, cols, step)
    seen = np.isfinite(blocks)
    count = seen.sum(axis=(1, 3))
    total = np.where(seen, blocks, 0.0).sum(axis=(1, 3))
    mean = np.divide(total, count, out=np.full((rows, cols), np.nan), where=count > 0)
    return np.asarray(mean)
