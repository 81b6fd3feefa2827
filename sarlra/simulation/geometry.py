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
from sarlra.simulation.parameters import FAR_INCIDENCE_DEG, NEAR_INCIDENCE_DEG
from sarlra.simulation.terrain import Terrain
from sarlra.terrain.slopes import active_distortion, local_incidence, rise_in_range
from sarlra.terrain.sphere import ground_range, heading_at, incidence_at

OrbitState = Literal["ascending", "descending"]
F64 = npt.NDArray[np.float64]


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
    rise = rise_in_range(terrain.east, terrain.north, swath.look_azimuth)
    layover, shadow = active_distortion(rise, theta)
    near, far = ground_range(NEAR_INCIDENCE_DEG), ground_range(FAR_INCIDENCE_DEG)
    return View(
        swath=swath,
        local_incidence=local_incidence(terrain.east, terrain.north, rise, theta),
        layover=layover,
        shadow=shadow,
        seen=(across >= near) & (across <= far),
    )
