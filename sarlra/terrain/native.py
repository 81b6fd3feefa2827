"""Heights on the DEM's own grid, as they are read from a file or a STAC source."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from affine import Affine
from numpy.typing import NDArray

from sarlra.terrain.ground import GroundGrid

F32 = NDArray[np.float32]
MAX_PIXELS = 400_000_000


@dataclass(frozen=True, slots=True)
class NativeDem:
    """Heights on the DEM's own grid: (rows, columns) float32, metres, NaN = void."""

    heights: F32
    crs: str
    transform: Affine


def coarser_by(shape: tuple[int, int], grid: GroundGrid) -> int:
    """How many pixels of a DEM's window of (rows, columns) lie side by side in one of the grid."""
    return max(1, min(shape[0] // grid.shape[0], shape[1] // grid.shape[1]))
