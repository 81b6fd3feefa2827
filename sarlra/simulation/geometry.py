"""How the radar sees the world: headings, incidence, layover and shadow.

Angles in degrees unless said otherwise; azimuths clockwise from north. Sentinel-1 looks to the
right: the look azimuth (from sensor to ground) is the heading plus 90 degrees.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from sarlra.simulation.layout import Layout
from sarlra.simulation.noise import F32, Mask
from sarlra.simulation.parameters import (
    EARTH_RADIUS_M,
    FAR_INCIDENCE_DEG,
    GROUND_SPEED_M_S,
    INCLINATION_DEG,
    NEAR_INCIDENCE_DEG,
    ORBIT_HEIGHT_M,
)
from sarlra.simulation.terrain import Terrain

OrbitState = Literal["ascending", "descending"]
F64 = npt.NDArray[np.float64]

_EARTH_ROTATION_M_S = 465.1


@dataclass(frozen=True, slots=True)
class Swath:
    """One track's geometry over the world.

    Parameters
    ----------
    orbit_state
        Ascending or descending.
    heading
        Of the footprint, against true north.
    grid_heading
        The same against grid north.
    centre
        (easting, northing) in metres of the world's centre.
    centre_range
        Ground range in metres from the sub-satellite track to the world's centre.
    """

    orbit_state: OrbitState
    heading: float
    grid_heading: float
    centre: tuple[float, float]
    centre_range: float

    @property
    def look_azimuth(self) -> float:
        """From sensor to ground, against grid north."""
        return (self.grid_heading + 90.0) % 360.0

    def across(self, x: npt.ArrayLike, y: npt.ArrayLike) -> F64:
        """Ground range in metres of places in the world's CRS."""
        angle = np.deg2rad(self.look_azimuth)
        dx, dy = np.asarray(x) - self.centre[0], np.asarray(y) - self.centre[1]
        return np.asarray(self.centre_range + dx * np.sin(angle) + dy * np.cos(angle))

    def along(self, x: npt.ArrayLike, y: npt.ArrayLike) -> F64:
        """Metres along the heading from the world's centre."""
        angle = np.deg2rad(self.grid_heading)
        dx, dy = np.asarray(x) - self.centre[0], np.asarray(y) - self.centre[1]
        return np.asarray(dx * np.sin(angle) + dy * np.cos(angle))

    def place(self, across: npt.ArrayLike, along: npt.ArrayLike) -> tuple[F64, F64]:
        """The inverse of :meth:`across` and :meth:`along`: (x, y) in metres."""
        look, head = np.deg2rad(self.look_azimuth), np.deg2rad(self.grid_heading)
        u, v = np.asarray(across) - self.centre_range, np.asarray(along)
        x = self.centre[0] + u * np.sin(look) + v * np.sin(head)
        y = self.centre[1] + u * np.cos(look) + v * np.cos(head)
        return np.asarray(x), np.asarray(y)


@dataclass(frozen=True, slots=True)
class View:
    """What the relief does to one track; images (rows, columns).

    Parameters
    ----------
    swath
        The geometry.
    local_incidence
        Degrees between the surface's normal and the direction to the sensor, float32, 0..180.
    layover, shadow
        Active distortion (Vollrath, Mullissa & Reiche 2020, Remote Sens. 12, 1867).
    seen
        Within the swath.
    """

    swath: Swath
    local_incidence: F32
    layover: Mask
    shadow: Mask
    seen: Mask


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


def heading_at(latitude: float, orbit_state: OrbitState) -> float:
    """Heading of the footprint against true north, in [0, 360).

    From the orbit's inclination on a sphere, with the Earth turning below.
    """
    phi = np.deg2rad(latitude)
    sine = np.cos(np.deg2rad(INCLINATION_DEG)) / np.cos(phi)
    north = np.sqrt(1.0 - sine**2) * GROUND_SPEED_M_S
    east = sine * GROUND_SPEED_M_S - _EARTH_ROTATION_M_S * np.cos(phi)
    sign = 1.0 if orbit_state == "ascending" else -1.0
    return float(np.rad2deg(np.arctan2(east, sign * north)) % 360.0)


def make_swath(
    layout: Layout, orbit_state: OrbitState, *, incidence: float | None = None, cut: float = 0.0
) -> Swath:
    """Lay a track over the world.

    Either ``incidence`` (degrees at the world's centre) is given, or ``cut``: the far edge of the
    swath then runs through the world, so that this share of the way from its centre to its
    farthest corner lies beyond the edge.
    """
    _, latitude = layout.to_lonlat(*layout.centre)
    heading = heading_at(float(latitude), orbit_state)
    grid_heading = (heading - layout.convergence()) % 360.0
    if incidence is not None:
        return Swath(
            orbit_state, heading, grid_heading, layout.centre, float(ground_range(incidence))
        )
    flat = Swath(orbit_state, heading, grid_heading, layout.centre, 0.0)
    left, bottom, right, top = layout.bounds
    reach = float(flat.across([left, right, left, right], [top, top, bottom, bottom]).max())
    far = float(ground_range(FAR_INCIDENCE_DEG))
    return Swath(orbit_state, heading, grid_heading, layout.centre, far - (1.0 - cut) * reach)


def make_view(layout: Layout, terrain: Terrain, swath: Swath) -> View:
    """Look at the relief from a track; see :class:`View`."""
    x, y = layout.pixel_centres()
    across = swath.across(x[None, :], y[:, None]).astype(np.float32)
    theta = np.deg2rad(incidence_at(across)).astype(np.float32)
    look = np.deg2rad(swath.look_azimuth)
    # Rise of the ground towards the far side: positive slopes face the sensor.
    rise = terrain.east * np.float32(np.sin(look)) + terrain.north * np.float32(np.cos(look))
    range_slope = np.arctan(rise)
    normal = np.sqrt(1.0 + terrain.east**2 + terrain.north**2)
    cosine = (np.cos(theta) + np.sin(theta) * rise) / normal
    local = np.rad2deg(np.arccos(np.clip(cosine, -1.0, 1.0))).astype(np.float32)
    near, far = ground_range(NEAR_INCIDENCE_DEG), ground_range(FAR_INCIDENCE_DEG)
    return View(
        swath=swath,
        local_incidence=local,
        layover=range_slope >= theta,
        shadow=range_slope <= theta - np.float32(np.pi / 2),
        seen=(across >= near) & (across <= far),
    )
