"""What is put right of an acquisition before the medians: its place, its level, its edges."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_Part = Callable[[int, int], NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Correction:
    """How an acquisition is mended.

    Parameters
    ----------
    shift_px
        (rows, columns) of the target grid by which the image lies too far down and right.
    offset_db
        (polarisation, dB) by which it is too bright.
    fringe
        Pixels by which its valid edges are eroded; 0 leaves what the recipe says.
    """

    shift_px: tuple[float, float] = (0.0, 0.0)
    offset_db: tuple[tuple[str, float], ...] = ()
    fringe: int = 0

    @property
    def reach(self) -> int:
        """Pixels around a pixel that it is interpolated from."""
        return math.ceil(max(abs(s) for s in self.shift_px)) + (self.shift_px != (0.0, 0.0))

    def offset(self, polarisation: str) -> float:
        """The offset of a polarisation in dB; 0 where there is none."""
        return dict(self.offset_db).get(polarisation, 0.0)


def moved(
    image: NDArray[np.float32], shift_px: tuple[float, float], rim: int
) -> NDArray[np.float32]:
    """Bring an image back that lies too far down and right; bilinear, in linear power.

    Parameters
    ----------
    image
        (rows + 2 rim, columns + 2 rim), NaN = no data.
    rim
        At least :attr:`Correction.reach`; cut off.

    Returns
    -------
    (rows, columns), float32; NaN where one of the pixels that count is NaN.
    """
    rows, cols = image.shape[0] - 2 * rim, image.shape[1] - 2 * rim
    row, col = math.floor(shift_px[0]), math.floor(shift_px[1])
    down, right = np.float32(shift_px[0] - row), np.float32(shift_px[1] - col)

    def part(dr: int, dc: int) -> NDArray[np.float32]:
        return image[rim + row + dr :, rim + col + dc :][:rows, :cols]

    result = part(0, 0).copy() if not (down or right) else _blend(part, down, right)
    return np.asarray(result, np.float32)


def _blend(part: _Part, down: np.float32, right: np.float32) -> NDArray[np.float32]:
    one = np.float32(1)
    total = (one - down) * (one - right) * part(0, 0)
    if right:
        total = total + (one - down) * right * part(0, 1)
    if down:
        total = total + down * (one - right) * part(1, 0)
    if down and right:
        total = total + down * right * part(1, 1)
    return np.asarray(total, np.float32)
