"""How much of the land is covered by wet snow or water that was not there before.

Liquid water in snow takes the radar's return away: where the ratio to a reference falls by 3 dB or
more, the snow is wet (Nagler & Rott 2000, IEEE Trans. Geosci. Remote Sens. 38, 754-765). A flood
does the same and leaves the level of open water. The two are told apart by that level.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sarlra.composites.squares import mean_around

F32 = NDArray[np.float32]
Mask = NDArray[np.bool_]

#: Fall against the reference in dB.
FALL_DB = 3.0
#: Open water at VV, in dB.
WATER_DB = -16.0
#: The same at VH.
WATER_VH_DB = -24.5
#: Means are taken over squares of this many pixels, so that speckle does not count.
_SMOOTH_PX = 9
_BLOCK_PX = 32


def land(references: Sequence[F32]) -> Mask:
    """What is no open water in references of VV, or of VV and VH, in dB.

    Water changes with the wind. In VH it is dark in any wind; in VV alone rough water is as bright
    as land, and only smooth water is known.
    """
    if len(references) > 1:
        return np.asarray(mean_around(references[1], _SMOOTH_PX) > WATER_VH_DB)
    return np.asarray(mean_around(references[0], _SMOOTH_PX) > WATER_DB + 2.0)


def darkened(image: F32, reference: F32, ground: Mask) -> tuple[float, float]:
    """Shares of the land that are wet snow, and flooded.

    The ratio is held against the upper quartile of its means over blocks: an image that is darker
    as a whole is of another calibration or moisture, and no snow.

    Parameters
    ----------
    image, reference
        (rows, columns) of VV in dB, NaN = no data.
    ground
        Where there is land.
    """
    ratio = image - reference
    ground = ground & np.isfinite(ratio)
    if ground.sum() < _BLOCK_PX**2:
        return 0.0, 0.0
    ratio = np.where(ground, ratio, np.float32(np.nan))
    whole = _blocks(ratio)
    if not np.isfinite(whole).any():
        return 0.0, 0.0
    level = float(np.nanpercentile(whole, 75))
    fell = ground & (mean_around(ratio, _SMOOTH_PX) < min(level, 0.0) - FALL_DB)
    water = mean_around(image, _SMOOTH_PX) < WATER_DB
    count = float(ground.sum())
    return float((fell & ~water).sum()) / count, float((fell & water).sum()) / count


def _blocks(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """Medians of whole blocks; NaN where less than a quarter of one has data."""
    rows, cols = (n // _BLOCK_PX for n in values.shape)
    cut = values[: rows * _BLOCK_PX, : cols * _BLOCK_PX]
    parts = cut.reshape(rows, _BLOCK_PX, cols, _BLOCK_PX).swapaxes(1, 2).reshape(rows * cols, -1)
    ordered = np.sort(parts, axis=1)  # no data comes last
    count = np.isfinite(ordered).sum(axis=1)
    enough = np.flatnonzero(count >= 0.25 * _BLOCK_PX**2)
    lower, upper = (ordered[enough, n] for n in ((count[enough] - 1) // 2, count[enough] // 2))
    result = np.full(rows * cols, np.nan)
    result[enough] = (lower + upper) * np.float32(0.5)
    return result
