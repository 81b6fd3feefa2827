"""Slopes of the ground, and what a radar beam meets there (Vollrath et al. 2020).

Source of the formulas: A. Vollrath, A. Mullissa, J. Reiche, Remote Sensing 12 (2020), 1867,
doi 10.3390/rs12111867. Azimuths are clockwise from the north of the grid; the look azimuth points
from the sensor to the ground. All arrays are (rows, columns), row 0 the northernmost.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

F32 = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]


def gradients(heights: F32, resolution: float) -> tuple[F32, F32]:
    """Rise of the ground to the east and to the north, metres per metre, float32.

    Central differences, one-sided at the edges of the array; NaN beside a void.
    """
    step = np.float32(resolution)
    down, right = np.gradient(heights, step)
    return np.asarray(right, np.float32), np.asarray(-down, np.float32)


def slope_aspect(east: F32, north: F32) -> tuple[F32, F32]:
    """Slope in degrees, and the direction that it faces (downhill) in degrees, [0, 360).

    The aspect of level ground is NaN.
    """
    slope = np.rad2deg(np.arctan(np.hypot(east, north)))
    aspect = np.rad2deg(np.arctan2(-east, -north)) % np.float32(360.0)
    # The remainder of a tiny negative number rounds up to 360 itself.
    aspect[aspect >= 360.0] = 0.0
    aspect[(east == 0) & (north == 0)] = np.nan
    return slope.astype(np.float32), aspect.astype(np.float32)


def rise_in_range(east: F32, north: F32, look_azimuth: npt.ArrayLike) -> F32:
    """Rise of the ground away from the sensor, metres per metre; positive slopes face it.

    This is the tangent of the slope in range, ``tan(alpha_s) cos(phi_i - phi_s)``.
    """
    look = np.deg2rad(np.asarray(look_azimuth))
    rise = east * np.sin(look).astype(np.float32) + north * np.cos(look).astype(np.float32)
    return np.asarray(rise, dtype=np.float32)


def local_incidence(east: F32, north: F32, rise: F32, incidence: F32) -> F32:
    """Degrees between the surface's normal and the direction to the sensor, 0..180.

    Parameters
    ----------
    rise
        Of :func:`rise_in_range`.
    incidence
        Against the vertical, radians.
    """
    normal = np.sqrt(1.0 + east**2 + north**2)
    cosine = (np.cos(incidence) + np.sin(incidence) * rise) / normal
    return np.asarray(np.rad2deg(np.arccos(np.clip(cosine, -1.0, 1.0))), dtype=np.float32)


def active_distortion(rise: F32, incidence: F32) -> tuple[Mask, Mask]:
    """Where a slope itself is laid over, and where it lies in its own shadow.

    Layover where the slope in range is at least the incidence, shadow where it falls away from
    the sensor at least as steeply as the rays come down. False where something is NaN.

    Parameters
    ----------
    rise
        Of :func:`rise_in_range`.
    incidence
        Against the vertical, radians.
    """
    slope = np.arctan(rise)
    return slope >= incidence, slope <= incidence - np.float32(np.pi / 2)
