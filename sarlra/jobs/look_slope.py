"""Which direction sees one slope better."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from rasterio.warp import transform as from_degrees

from sarlra.errors import TerrainError
from sarlra.terrain.codes import MEANINGS, Visibility
from sarlra.terrain.place import PlaceView, Relief
from sarlra.terrain.slopes import gradients, local_incidence, rise_in_range

#: Beyond this a slope is seen under so low an angle that little comes back.
GRAZING_DEG = 80.0
_EQUAL_DEG = 1.0


@dataclass(frozen=True, slots=True)
class SlopeView:
    """How one direction sees a slope: its class, and the angle between its normal and the ray
    (degrees; the smaller, the more the slope is foreshortened).
    """

    name: str
    visibility: str
    local_incidence: float


@dataclass(frozen=True, slots=True)
class Slope:
    """A slope at a place: degrees, and the direction that it faces (None on level ground).

    ``better`` is the direction that sees it, of two that do the one that foreshortens it less;
    None where neither does, or both do equally well.
    """

    longitude: float
    latitude: float
    slope: float
    aspect: float | None
    views: tuple[SlopeView, ...]
    better: str | None


def look_at_slope(
    relief: Relief, views: tuple[tuple[str, PlaceView], ...], place: tuple[float, float]
) -> Slope:
    """Look at the slope at a place.

    Parameters
    ----------
    place
        (longitude, latitude) in degrees.

    Raises
    ------
    TerrainError
        The place lies outside the DEM, or the slope there is not known.
    """
    x, y = from_degrees(4326, relief.grid.crs, [place[0]], [place[1]])
    column, row = ~relief.grid.transform @ (x[0], y[0])
    row, column = int(np.floor(row)), int(np.floor(column))
    rows, cols = relief.grid.shape
    if not (0 < row < rows - 1 and 0 < column < cols - 1):
        raise TerrainError(
            f"the place {place[0]:g} E, {place[1]:g} N lies outside the DEM",
            hint="give --at LONGITUDE,LATITUDE within it",
        )
    near = (slice(row - 1, row + 2), slice(column - 1, column + 2))
    east, north = gradients(relief.heights[near], relief.grid.resolution)
    steep = float(np.rad2deg(np.arctan(np.hypot(east[1, 1], north[1, 1]))))
    if not np.isfinite(steep):
        raise TerrainError(f"the slope at {place[0]:g} E, {place[1]:g} N is not known: a void")
    aspect = float(np.rad2deg(np.arctan2(-east[1, 1], -north[1, 1])) % 360.0)
    found = []
    for name, view in views:
        theta = np.deg2rad(view.incidence[near])
        rise = rise_in_range(east, north, view.look_azimuth[near])
        angle = float(local_incidence(east, north, rise, theta)[1, 1])
        meaning = MEANINGS[Visibility(int(view.visibility[row, column]))]
        found.append(SlopeView(name, meaning, angle))
    level = steep < 0.1
    return Slope(*place, steep, None if level else aspect, tuple(found), _better(found))


def _better(views: list[SlopeView]) -> str | None:
    seen = [
        view
        for view in views
        if view.visibility == MEANINGS[Visibility.VISIBLE] and view.local_incidence < GRAZING_DEG
    ]
    if not seen:
        return None
    best = max(seen, key=lambda view: view.local_incidence)
    others = [view for view in seen if view is not best]
    if any(best.local_incidence - view.local_incidence < _EQUAL_DEG for view in others):
        return None
    return best.name
