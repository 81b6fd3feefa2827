"""Rings that cross or touch themselves, made into valid polygons of the same ground."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import shapely
from shapely import Geometry, MultiPolygon, Polygon


def mend(frame: gpd.GeoDataFrame) -> tuple[gpd.GeoDataFrame, tuple[str, ...]]:
    """Make every polygon valid and drop what has no area.

    A ring that crosses itself becomes the ground that it goes round, a ring that touches itself
    its parts; valid geometries stay as they are, to the bit.

    Returns
    -------
    The frame in its order, with its attributes, and notes on what was mended and dropped.
    """
    shapes = np.asarray(frame.geometry)
    invalid = ~shapely.is_valid(shapes) & ~shapely.is_missing(shapes)
    collections = shapely.get_type_id(shapes) == shapely.GeometryType.GEOMETRYCOLLECTION
    # A file's coordinates that are no numbers are told of later, by name.
    finite = np.isfinite(shapely.bounds(shapes)).all(axis=1)
    mended = shapes.copy()
    for index in np.flatnonzero((invalid | collections) & finite):
        mended[index] = _polygonal(shapely.make_valid(shapes[index], method="structure"))
    unusable = shapely.is_missing(mended) | shapely.is_empty(mended)
    unusable |= finite & ~unusable & (shapely.area(mended) == 0)
    notes = []
    if invalid.any():
        notes.append(f"{int(invalid.sum())} polygons with invalid rings were mended")
    if unusable.any():
        notes.append(f"{int(unusable.sum())} geometries without an area were dropped")
    result = frame.set_geometry(gpd.GeoSeries(mended, index=frame.index, crs=frame.crs))
    return result[~unusable], tuple(notes)


def _polygonal(shape: Geometry) -> Geometry:
    """The polygons in a geometry, whatever collection they lie in."""
    parts = shapely.get_parts(shapely.get_parts(shape))
    polygons = [part for part in parts if isinstance(part, Polygon) and part.area > 0]
    return polygons[0] if len(polygons) == 1 else MultiPolygon(polygons)
