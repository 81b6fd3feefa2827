"""From gamma0 after terrain correction to sigma0 on the ellipsoid.

The volume model of Vollrath, Mullissa & Reiche 2020 (Remote Sens. 12, 1867, equation for
gamma0_flat) turned round: with theta the incidence and alpha the slope in range,

    sigma0e = gamma0_flat * tan(90 - theta + alpha) / tan(90 - theta) * cos(theta)

For planes this is what the area-based correction of Small 2011 (IEEE TGRS 49, 3081) divides out,
so the way back is exact there. On level ground it is the cosine of the incidence alone.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sarlra.terrain.slopes import gradients, rise_in_range

F32 = NDArray[np.float32]

#: 90 - theta + alpha is kept within these: near 90 (layover) the model runs to infinity, near 0
#: (shadow) to nothing. At an incidence of 39 deg they are +9.7 and -12.0 dB.
_LOW_DEG, _HIGH_DEG = 5.0, 85.0


def sigma0e_over_gamma0(heights: F32, incidence: F32, look_azimuth: F32, resolution: float) -> F32:
    """DB to add to terrain corrected gamma0 for sigma0 on the ellipsoid.

    Parameters
    ----------
    heights
        (rows, columns) float32, metres; at voids (NaN) the ground counts as level.
    incidence
        (rows, columns) float32, degrees against the ellipsoid's normal.
    look_azimuth
        (rows, columns) float32, degrees from grid north, from the sensor to the ground.
    resolution
        Edge of a pixel in metres.

    Returns
    -------
    (rows, columns) float32, dB.
    """
    east, north = gradients(heights, resolution)
    slope = np.rad2deg(np.arctan(rise_in_range(east, north, look_azimuth)))
    slope = np.nan_to_num(slope, nan=0.0)
    theta = np.deg2rad(incidence)
    steepness = np.deg2rad(np.clip(90.0 - incidence + slope, _LOW_DEG, _HIGH_DEG))
    ratio = np.tan(steepness) * np.tan(theta) * np.cos(theta)
    return np.asarray(10.0 * np.log10(ratio), dtype=np.float32)
