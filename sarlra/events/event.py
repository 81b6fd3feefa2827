"""What an earthquake is to this package."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from shapely import MultiPolygon


@dataclass(frozen=True, slots=True)
class Event:
    """An earthquake, or a sequence of shocks, with the area to look at.

    Parameters
    ----------
    id
        The USGS event id, a study case's name, or ``origin-20231210T000000Z`` for a bare time.
        Letters, digits, ``-`` and ``_`` only: it becomes part of names of files.
    title
        For people, such as ``M 6.6 - 27km ENE of Tomakomai, Japan``.
    origins
        Origin times of the shocks, UTC, to the second, ascending; at least one.
    area
        Area of interest, EPSG:4326 (longitude, latitude), longitudes within [-180, 180] and split
        at the antimeridian.
    magnitude, depth_km, epicentre
        Of the largest shock; epicentre as (longitude, latitude) in degrees. None where unknown.
    area_origin
        How the area was found: ``given``, ``shakemap``, ``magnitude-radius`` or ``study-case``.
    source
        The file, URL or id from which the event was read.
    """

    id: str
    title: str
    origins: tuple[datetime, ...]
    area: MultiPolygon
    magnitude: float | None = None
    depth_km: float | None = None
    epicentre: tuple[float, float] | None = None
    area_origin: str = "given"
    source: str = "given"

    @property
    def first_origin(self) -> datetime:
        """Where the pre window ends."""
        return self.origins[0]

    @property
    def last_origin(self) -> datetime:
        """After which the post window starts."""
        return self.origins[-1]
