"""Incidence and range direction of a track over the ground, from one of three origins.

``annotation``: polynomials through the geolocation grid of a product, whose incidences are first
brought from the height of their point to the ellipsoid. ``footprint``: a round Earth between the
edges of the swath. ``given``: one incidence and one heading everywhere.

The incidence of a place grows with its height h, seen from the same sensor: d(theta)/dh =
sin(theta) / R with R the slant range (0.09 deg for 2,000 m). Azimuths are true, clockwise from
north; the look azimuth points from the sensor to the ground.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
import numpy.typing as npt
from pyproj import Geod, Transformer

from sarlra.errors import TerrainError
from sarlra.terrain.annotation import GeolocationGrid
from sarlra.terrain.given import Look, Origin
from sarlra.terrain.sphere import ground_range, incidence_at, slant_range

F64 = npt.NDArray[np.float64]

_DEGREE = 4
_LIMIT_DEG = 0.05
"""Largest misfit (root mean square) that a real geolocation grid can have."""
_GEOD = Geod(ellps="WGS84")


class AnnotationGeometry:
    """Polynomials of fourth degree through the geolocation grids of the slices of one pass.

    Raises
    ------
    TerrainError
        The grids do not fit together, or are no geometry of a radar.
    """

    origin: Origin = "annotation"

    def __init__(self, grids: Sequence[GeolocationGrid]) -> None:
        if not grids:
            raise TerrainError("there is no geolocation grid to take the geometry from")
        longitude, latitude = (
            np.concatenate([getattr(g, name).ravel() for g in grids])
            for name in ("longitude", "latitude")
        )
        middle = (float(np.median(longitude)), float(np.median(latitude)))
        self._to_plane = Transformer.from_crs(
            4326, f"+proj=aeqd +lon_0={middle[0]} +lat_0={middle[1]} +ellps=WGS84", always_xy=True
        )
        x, y = self._to_plane.transform(longitude, latitude)
        self._scale = float(max(np.ptp(x), np.ptp(y))) / 2
        azimuth = np.concatenate([_look_azimuths(g).ravel() for g in grids])
        values = np.stack(
            [
                np.concatenate([_on_ellipsoid(g).ravel() for g in grids]),
                np.sin(np.deg2rad(azimuth)),
                np.cos(np.deg2rad(azimuth)),
                np.concatenate([_slant_below(g).ravel() for g in grids]) / 1e6,
            ],
            axis=-1,
        )
        terms = self._terms(np.asarray(x), np.asarray(y))
        self._weights = np.linalg.lstsq(terms, values, rcond=None)[0]
        misfit = terms @ self._weights - values
        self.misfit_deg = float(np.sqrt((misfit[:, 0] ** 2).mean()))
        if not self.misfit_deg <= _LIMIT_DEG:
            raise TerrainError(
                f"the geolocation grid is no geometry of a radar: its incidences lie "
                f"{self.misfit_deg:.2f} deg off any smooth surface"
            )

    def at(self, longitude: F64, latitude: F64) -> Look:
        """See :meth:`sarlra.terrain.given.Geometry.at`."""
        x, y = self._to_plane.transform(longitude, latitude)
        x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
        found = self._terms(x.ravel(), y.ravel()) @ self._weights
        incidence, east, north, reach = (found[:, n].reshape(x.shape) for n in range(4))
        azimuth = np.rad2deg(np.arctan2(east, north)) % 360.0
        return Look(np.clip(incidence, 5.0, 80.0), azimuth, np.clip(reach * 1e6, 5e5, 2e6))

    def _terms(self, x: F64, y: F64) -> F64:
        u, v = x / self._scale, y / self._scale
        powers = [(i, j) for i, j in product(range(_DEGREE + 1), repeat=2) if i + j <= _DEGREE]
        return np.stack([u**i * v**j for i, j in powers], axis=-1)


def _on_ellipsoid(grid: GeolocationGrid) -> F64:
    """The incidences of a grid as they would be at height 0, below its points."""
    gain = np.sin(np.deg2rad(grid.incidence)) / grid.slant_range
    return np.asarray(grid.incidence - np.rad2deg(gain * grid.height))


def _slant_below(grid: GeolocationGrid) -> F64:
    """The slant ranges of a grid as they would be at height 0, below its points."""
    return np.asarray(grid.slant_range + grid.height * np.cos(np.deg2rad(grid.incidence)))


def _look_azimuths(grid: GeolocationGrid) -> F64:
    """Azimuth of growing range at each point: mean of those from and to its neighbours."""
    lon, lat = grid.longitude, grid.latitude
    ahead, back, _ = _GEOD.inv(lon[:, :-1], lat[:, :-1], lon[:, 1:], lat[:, 1:])
    ahead, arrived = np.asarray(ahead), np.asarray(back) + 180.0
    out = np.exp(1j * np.deg2rad(ahead))
    into = np.exp(1j * np.deg2rad(arrived))
    # At the ends there is one neighbour only.
    left = np.concatenate([out[:, :1], into], axis=1)
    right = np.concatenate([out, into[:, -1:]], axis=1)
    return np.asarray(np.rad2deg(np.angle(left + right)) % 360.0)


class FootprintGeometry:
    """A round Earth between the edges of a swath.

    Parameters
    ----------
    centre
        (longitude, latitude) in degrees of a point in the middle of the swath.
    heading
        Of the footprint, degrees from true north.
    middle_incidence
        Degrees at ``centre``.
    """

    origin: Origin = "footprint"

    def __init__(
        self, centre: tuple[float, float], heading: float, middle_incidence: float
    ) -> None:
        self._look = np.deg2rad(heading + 90.0)
        self._middle = float(ground_range(middle_incidence))
        plane = f"+proj=aeqd +lon_0={centre[0]} +lat_0={centre[1]} +ellps=WGS84"
        self._to_plane = Transformer.from_crs(4326, plane, always_xy=True)
        self._from_plane = Transformer.from_crs(plane, 4326, always_xy=True)

    def at(self, longitude: F64, latitude: F64) -> Look:
        """See :meth:`sarlra.terrain.given.Geometry.at`."""
        x, y = (np.asarray(a) for a in self._to_plane.transform(longitude, latitude))
        east, north = np.sin(self._look), np.cos(self._look)
        across = np.clip(self._middle + x * east + y * north, 8e4, 1.2e6)
        lon, lat = self._from_plane.transform(x + 1000.0 * east, y + 1000.0 * north)
        azimuth = np.asarray(_GEOD.inv(longitude, latitude, lon, lat)[0])
        return Look(incidence_at(across), azimuth % 360.0, slant_range(across))
