"""Acquisitions that went wrong, on demand: fringes of zeros, a shifted image, interference.

Such images are real: fringes along the borders of scenes before March 2018; images that lie some
pixels beside the others of their track; bright stripes across the track where another radar
transmits at the same frequency.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import ndimage

from sarlra.errors import InputError
from sarlra.simulation.geometry import OrbitState, View
from sarlra.simulation.layout import Layout
from sarlra.simulation.noise import F32, Mask, smooth_noise

Kind = Literal["fringe", "shift", "stripes"]
_LARGEST_SHIFT_PX = 20.0
_WIDEST_FRINGE_PX = 7
_STRIPE_DB = (-18.0, -8.0)
_MAX_FAULTS = 1000


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of one acquisition.

    Parameters
    ----------
    kind
        ``fringe``, ``shift`` or ``stripes``.
    orbit_state, number
        Which acquisition: number from 0 in the order of time within the track.
    shift_px
        (rows, columns) by which a shifted image moves, down and right; 0.5 to 3 is real.
    """

    kind: Kind
    orbit_state: OrbitState
    number: int
    shift_px: tuple[float, float] = (0.0, 0.0)


def check_faults(faults: tuple[Fault, ...]) -> None:
    """
    Raises
    ------
    InputError
        A fault's kind is unknown, or its shift is not finite, zero or beyond 20 pixels.
    """
    for fault in faults[:_MAX_FAULTS]:
        if fault.kind not in ("fringe", "shift", "stripes"):
            raise InputError(f"unknown fault {fault.kind!r}", hint="fringe, shift or stripes")
        size = float(np.hypot(*fault.shift_px))
        if fault.kind == "shift" and not 0.0 < size <= _LARGEST_SHIFT_PX:
            raise InputError(
                f"a shift by {fault.shift_px} px is none or too far",
                hint=f"give rows and columns, up to {_LARGEST_SHIFT_PX:.0f} px in all",
            )


def shifted(image: F32, shift_px: tuple[float, float]) -> F32:
    """The images (polarisations, rows, columns) moved down and right, bilinear; edges repeat."""
    moved = [ndimage.shift(one, shift_px, order=1, mode="nearest") for one in image]
    return np.asarray(np.stack(moved), dtype=np.float32)


def striped(image: F32, layout: Layout, view: View, rng: np.random.Generator) -> F32:
    """Bright stripes across the track in all polarisations, linear power added."""
    x, y = layout.pixel_centres()
    along = view.swath.along(x[None, :], y[:, None])
    power = np.zeros(along.shape, dtype=np.float32)
    for _ in range(int(rng.integers(2, 6))):
        middle = rng.uniform(along.min(), along.max())
        width = rng.uniform(60.0, 500.0)
        level = 10 ** (rng.uniform(*_STRIPE_DB) / 10)
        power += (level * (np.abs(along - middle) < width / 2)).astype(np.float32)
    blotched = power * rng.gamma(2.0, 0.5, power.shape).astype(np.float32)
    return image + blotched[None]


def fringe(mask: Mask, rng: np.random.Generator) -> tuple[Mask, Mask]:
    """Where a slice's border carries zeros, and where values near zero; both within 7 pixels of
    the border, the zeros outside.
    """
    padded = np.pad(mask, 1)  # the world's edge is no border of the slice only where data go on
    depth = ndimage.distance_transform_cdt(padded, metric="chessboard")[1:-1, 1:-1]
    size = (mask.shape[0], mask.shape[1])
    wave = np.clip(4.0 + 1.5 * smooth_noise(rng, size, 15.0), 1.0, _WIDEST_FRINGE_PX)
    low = mask & (depth <= wave)
    return mask & (depth <= 0.6 * wave), low
