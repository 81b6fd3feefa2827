"""The geometry of a track from the outline of a scene that spans the whole swath.

A GRD scene is a quadrilateral whose sides lie along and across the track; its middle is the middle
of the IW swath, where the incidence is known. Against the geolocation grid of a real scene this is
off by less than 0.6 deg of incidence and 0.5 deg of azimuth: see ``tests/terrain``.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Transformer
from shapely import Geometry as Shape
from shapely.ops import transform as reproject

from sarlra.errors import TerrainError
from sarlra.terrain.geometry import FootprintGeometry
from sarlra.terrain.sphere import heading_at

F64 = NDArray[np.float64]

SWATH_M = (225e3, 300e3)
"""Width over ground that a whole IW swath can have; real ones have about 255 km."""
MIDDLE_INCIDENCE_DEG = 38.9
"""In the middle of the IW swath's ground range, from real annotation."""
_SIMPLIFY_M = 5e3
_TURN_DEG = 15.0


def geometry_from_footprint(
    footprint: Shape, orbit_state: Literal["ascending", "descending"]
) -> FootprintGeometry:
    """Read the geometry off a footprint.

    Parameters
    ----------
    footprint
        EPSG:4326; of one slice, or of several of one pass put together.

    Raises
    ------
    TerrainError
        It is no quadrilateral along a track of that direction, or no whole IW swath.
    """
    hull = shapely.convex_hull(footprint)
    if hull.is_empty or hull.geom_type != "Polygon" or hull.bounds[2] - hull.bounds[0] > 60.0:
        raise TerrainError("the footprint is no area on one side of the antimeridian")
    middle = hull.centroid
    plane = f"+proj=aeqd +lon_0={middle.x} +lat_0={middle.y} +ellps=WGS84"
    to_plane = Transformer.from_crs(4326, plane, always_xy=True)
    flat = shapely.simplify(reproject(to_plane.transform, hull), _SIMPLIFY_M)
    corners = shapely.get_coordinates(flat)[:-1]
    if len(corners) != 4:
        raise TerrainError(f"the footprint has {len(corners)} corners, not the 4 of a swath")
    look = _look(corners, (heading_at(middle.y, orbit_state) + 90.0) % 360.0)
    direction = np.array([np.sin(np.deg2rad(look)), np.cos(np.deg2rad(look))])
    order = np.sort(corners @ direction)
    near, far = float(order[:2].mean()), float(order[2:].mean())
    if not SWATH_M[0] <= far - near <= SWATH_M[1]:
        raise TerrainError(
            f"the footprint is {(far - near) / 1e3:.0f} km wide, no whole IW swath of about 255 km"
        )
    x, y = (near + far) / 2 * direction
    lon, lat = Transformer.from_crs(plane, 4326, always_xy=True).transform(x, y)
    return FootprintGeometry((float(lon), float(lat)), look - 90.0, MIDDLE_INCIDENCE_DEG)


def _look(corners: F64, expected: float) -> float:
    """Mean direction of the two sides that run across the track, away from the sensor, degrees."""
    sides = np.roll(corners, -1, axis=0) - corners
    directions = np.rad2deg(np.arctan2(sides[:, 0], sides[:, 1]))
    # A side runs across the track whichever way round the corners are listed.
    off = (directions - expected + 90.0) % 180.0 - 90.0
    across = np.flatnonzero(np.abs(off) <= _TURN_DEG)
    if len(across) != 2 or across[1] - across[0] != 2:
        raise TerrainError(
            f"the footprint has no two sides along a look azimuth of {expected:.0f} deg"
        )
    return float((expected + off[across].mean()) % 360.0)
