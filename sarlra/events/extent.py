"""The area to look at where the user gave none: from the magnitude and the ShakeMap.

The radius
    Keefer (2002, Surveys in Geophysics 23, 473-510) relates magnitude M to the area A in km2 over
    which landslides occur: log10 A = M - 3.46. We look within ``REACH`` = 2 times the radius of a
    circle of that area: a choice of ours, as landslides follow the rupture to one side of the
    epicentre and scatter about the mean. That is 43 km for M 6.6 and 168 km for M 7.8; never less
    than 10 or more than 300 km.
The box
    Reaches that radius to the north, south, east and west of the middle of the ShakeMap's bounds
    (which follow the rupture where it was modelled), or of the epicentre where there is no
    ShakeMap or the box would miss the epicentre; and it is cut to the ShakeMap's bounds.
"""

from __future__ import annotations

import math

import shapely
from shapely import MultiPolygon

from sarlra.errors import AreaError
from sarlra.events.area import NORTH, SOUTH, box_area

REACH = 2.0
SMALLEST_KM, LARGEST_KM = 10.0, 300.0
_KM_PER_DEGREE = 111.195  # of a great circle, mean radius 6371.0 km

Box = tuple[float, float, float, float]
"""(west, south, east, north) in degrees; east may pass 180."""


def radius_km(magnitude: float) -> float:
    """How far from the epicentre landslides are looked for, in km."""
    affected_km2 = 10 ** (min(magnitude, 10.0) - 3.46)
    return min(max(REACH * math.sqrt(affected_km2 / math.pi), SMALLEST_KM), LARGEST_KM)


def default_area(
    epicentre: tuple[float, float], magnitude: float | None, shakemap: Box | None, name: str
) -> tuple[MultiPolygon, str]:
    """The area, EPSG:4326, and how it was found (``shakemap`` or ``magnitude-radius``).

    Raises
    ------
    AreaError
        The magnitude is unknown, or the epicentre lies beyond the latitudes of UTM.
    """
    if magnitude is None:
        raise AreaError(f"{name} has no magnitude from which to take an area", hint="give an area")
    radius = radius_km(magnitude)
    around = _around(epicentre, radius, name)
    if shakemap is None:
        return box_area(*around), "magnitude-radius"
    west, south, east, north = shakemap
    middle = ((west + east) / 2, (south + north) / 2)
    centred = _around(middle, radius, name) if SOUTH < middle[1] < NORTH else around
    chosen = centred if _holds(centred, epicentre) else around
    cut = shapely.intersection(box_area(*chosen), box_area(west, south, east, north))
    if cut.area <= 0 or not isinstance(cut, shapely.Polygon | MultiPolygon):
        return box_area(*around), "magnitude-radius"
    return (cut if isinstance(cut, MultiPolygon) else MultiPolygon([cut])), "shakemap"


def _around(centre: tuple[float, float], radius: float, name: str) -> Box:
    longitude, latitude = centre
    if not SOUTH < latitude < NORTH:
        raise AreaError(
            f"{name} lies at latitude {latitude:g}, beyond the UTM grid",
            hint=f"the grid spans latitudes {SOUTH:g} to {NORTH:g}",
        )
    high = radius / _KM_PER_DEGREE
    wide = high / math.cos(math.radians(latitude))
    west = (longitude - wide + 180) % 360 - 180
    return (west, max(latitude - high, SOUTH), west + 2 * wide, min(latitude + high, NORTH))


def _holds(box: Box, point: tuple[float, float]) -> bool:
    return bool(box_area(*box).intersects(shapely.Point(point)))
