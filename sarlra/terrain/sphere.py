"""A radar over a round Earth: how ground range, incidence, slant range and heading hang together.

Angles in degrees, azimuths clockwise from north. The Earth is a sphere and the orbit a circle:
good to some tenths of a degree of incidence, for where nothing better is known and for simulations.
Sentinel-1 looks to the right: the look azimuth (from sensor to ground) is the heading plus 90.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]

EARTH_RADIUS_M = 6_371_000.0
ORBIT_HEIGHT_M = 700_000.0
"""Height of the orbit above the ellipsoid at middle latitudes (Sentinel-1: 693 km at the equator,
higher towards the poles)."""
INCLINATION_DEG = 98.18
"""Sentinel-1 orbit: repeat of 12 days and 175 orbits."""
GROUND_SPEED_M_S = 6_750.0
"""Of the beam's footprint along the track, approximately."""
_EARTH_ROTATION_M_S = 465.1


def ground_range(incidence: npt.ArrayLike) -> F64:
    """Metres on a round Earth from the sub-satellite point to where a ray meets the ground at
    ``incidence`` degrees.
    """
    theta = np.deg2rad(np.asarray(incidence, dtype=np.float64))
    look = np.arcsin(np.sin(theta) * EARTH_RADIUS_M / (EARTH_RADIUS_M + ORBIT_HEIGHT_M))
    return np.asarray(EARTH_RADIUS_M * (theta - look))


def incidence_at(distance: npt.ArrayLike) -> F64:
    """The inverse of :func:`ground_range`: degrees at ``distance`` metres."""
    arc = np.asarray(distance, dtype=np.float64) / EARTH_RADIUS_M
    ratio = EARTH_RADIUS_M / (EARTH_RADIUS_M + ORBIT_HEIGHT_M)
    look = np.arctan2(np.sin(arc) * ratio, 1.0 - np.cos(arc) * ratio)
    return np.asarray(np.rad2deg(arc + look))


def look_angle(incidence: npt.ArrayLike) -> F64:
    """Off-nadir angle at the sensor in degrees, for an incidence in degrees."""
    theta = np.deg2rad(np.asarray(incidence, dtype=np.float64))
    sine = np.sin(theta) * EARTH_RADIUS_M / (EARTH_RADIUS_M + ORBIT_HEIGHT_M)
    return np.asarray(np.rad2deg(np.arcsin(sine)))


def slant_range(distance: npt.ArrayLike) -> F64:
    """Metres from the sensor to the ground at ground range ``distance`` metres."""
    orbit = EARTH_RADIUS_M + ORBIT_HEIGHT_M
    arc = np.asarray(distance, dtype=np.float64) / EARTH_RADIUS_M
    squared = orbit**2 + EARTH_RADIUS_M**2 - 2 * orbit * EARTH_RADIUS_M * np.cos(arc)
    return np.asarray(np.sqrt(squared))


def heading_at(latitude: float, orbit_state: Literal["ascending", "descending"]) -> float:
    """Heading of the footprint against true north, in [0, 360).

    From the orbit's inclination on a sphere, with the Earth turning below; the orbit has no place
    beyond 81.8 degrees of latitude, where the heading there is given.
    """
    phi = np.deg2rad(latitude)
    sine = min(1.0, float(-np.cos(np.deg2rad(INCLINATION_DEG)) / np.cos(phi)))
    north = np.sqrt(1.0 - sine**2) * GROUND_SPEED_M_S
    east = -sine * GROUND_SPEED_M_S - _EARTH_ROTATION_M_S * np.cos(phi)
    sign = 1.0 if orbit_state == "ascending" else -1.0
    return float(np.rad2deg(np.arctan2(east, sign * north)) % 360.0)
