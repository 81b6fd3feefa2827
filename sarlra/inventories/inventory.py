"""What an inventory of landslides is to this package."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely
from shapely import MultiPolygon

from sarlra.errors import InputError

#: Of the same area as the ellipsoid everywhere (cylindrical equal area).
EQUAL_AREA = 6933


@dataclass(frozen=True, slots=True)
class Inventory:
    """Landslides, and where somebody looked for them.

    Parameters
    ----------
    landslides
        Polygons and multipolygons, EPSG:4326, valid, not empty, with the file's attributes.
    mapped
        What the interpreters looked at, EPSG:4326; None where it is not known.
    unmapped
        What they could not see, such as under cloud, EPSG:4326; None where it is not known.
    notes
        What was mended, dropped or fallen back from, in words.
    source
        The file that it was read from.
    """

    landslides: gpd.GeoDataFrame
    mapped: MultiPolygon | None = None
    unmapped: MultiPolygon | None = None
    notes: tuple[str, ...] = ()
    source: str = "given"

    def __len__(self) -> int:
        return len(self.landslides)


def areas_m2(polygons: gpd.GeoSeries) -> npt.NDArray[np.float64]:
    """The area of each geometry on the ellipsoid, square metres, ``(n,)`` float64."""
    return np.asarray(polygons.to_crs(EQUAL_AREA).area, dtype=np.float64)


def zone_km2(zone: MultiPolygon | None) -> float | None:
    """The area of a mapped or unmapped zone, square kilometres; None where it is not known."""
    if zone is None:
        return None
    return float(areas_m2(gpd.GeoSeries([zone], crs=4326)).sum()) / 1e6


def check_inside(inventory: Inventory, area: MultiPolygon, name: str) -> tuple[str, ...]:
    """See that an inventory is of an area (EPSG:4326).

    Returns
    -------
    A note where some of its landslides lie outside the area; nothing is taken away.

    Raises
    ------
    InputError
        None of them touches the area: the inventory is of another place.
    """
    touching = np.asarray(inventory.landslides.intersects(area), dtype=bool)
    if not touching.any():
        there = ", ".join(f"{edge:.3f}" for edge in inventory.landslides.total_bounds)
        wanted = ", ".join(f"{edge:.3f}" for edge in shapely.bounds(area))
        raise InputError(
            f"no landslide of {inventory.source} lies in the area of {name}: they lie in "
            f"{there}, the area in {wanted} (west, south, east, north)",
            hint="give the inventory of this event, or another --aoi",
        )
    outside = int((~touching).sum())
    return (f"{outside} of {len(inventory)} landslides lie outside the area",) if outside else ()
