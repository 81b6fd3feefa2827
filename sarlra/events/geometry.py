"""Polygons on the sphere's map: EPSG:4326, longitude first, cut at the antimeridian.

A polygon across 180 degrees comes in three ways: split already; with longitudes beyond 180; or
with its corners on both sides and an outline that runs the wrong way round the Earth. All become
parts within [-180, 180].
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import numpy as np
import shapely
from pyproj import Transformer
from shapely import Geometry, MultiPolygon, Polygon
from shapely.affinity import translate
from shapely.ops import transform as reproject

MAX_VERTICES = 1_000_000
"""Geometries with more vertices are refused."""

SEGMENT_DEG = 0.05
"""Edges are cut to this before they are projected."""


def to_utm(shape: Geometry, epsg: int) -> Geometry:
    """A geometry from EPSG:4326 to a UTM zone, its long edges cut so that they bend rightly.

    Transverse Mercator takes longitudes on the other side of the antimeridian as they are.
    """
    return reproject(transformer(4326, epsg).transform, shapely.segmentize(shape, SEGMENT_DEG))


@lru_cache(maxsize=256)
def transformer(source: int, target: int) -> Any:
    """A pyproj transformer between two EPSG codes, x before y; made once."""
    return Transformer.from_crs(source, target, always_xy=True)


def polygons_of(geometry: Geometry) -> list[Polygon]:
    """The polygons in a geometry, made valid; points and lines in it are dropped."""
    if not shapely.is_valid(geometry):
        geometry = shapely.make_valid(geometry)
    parts = shapely.get_parts(shapely.get_parts(geometry))
    return [part for part in parts if isinstance(part, Polygon) and not part.is_empty]


def check_coordinates(geometry: Geometry) -> None:
    """Refuse what is empty, unbounded or no longitude and latitude.

    Raises
    ------
    ValueError
        Says what is wrong, in words for the user.
    """
    coordinates = shapely.get_coordinates(geometry)
    if coordinates.size == 0:
        raise ValueError("it is empty")
    if len(coordinates) > MAX_VERTICES:
        raise ValueError(f"it has more than {MAX_VERTICES} vertices")
    if not np.isfinite(coordinates).all():
        raise ValueError("it has coordinates that are no numbers")
    if abs(coordinates[:, 0]).max() > 540 or abs(coordinates[:, 1]).max() > 90:
        raise ValueError("its coordinates are no longitudes and latitudes")


def split_antimeridian(geometry: Geometry, *, wide_crosses: bool) -> MultiPolygon:
    """Bring polygons to longitudes within [-180, 180], split at the antimeridian.

    Parameters
    ----------
    geometry
        Polygons, longitudes within [-540, 540].
    wide_crosses
        Whether a polygon wider than 180 degrees is one that crosses the antimeridian (true of
        footprints of scenes) or really is that wide.

    Raises
    ------
    ValueError
        See :func:`check_coordinates`; or it holds no polygon.
    """
    check_coordinates(geometry)
    if isinstance(geometry, Polygon) and _is_plain(geometry):
        return MultiPolygon([geometry])
    parts: list[Polygon] = []
    for polygon in shapely.get_parts(shapely.get_parts(geometry)):
        west, _, east, _ = polygon.bounds
        if wide_crosses and east - west > 180 and west >= -180 and east <= 180:
            polygon = shapely.transform(polygon, _eastern)
        parts += _cut(polygon)
    if not parts:
        raise ValueError("it holds no polygon")
    return MultiPolygon(parts)


def unite(parts: Iterable[Geometry]) -> MultiPolygon:
    """The union of polygons; empty where nothing is given."""
    return MultiPolygon(polygons_of(shapely.union_all(list(parts))))


def _is_plain(polygon: Polygon) -> bool:
    """Whether a polygon is as nearly all are: valid, narrow, nowhere near the cut."""
    west, _, east, _ = polygon.bounds
    return west >= -180 and east <= 180 and east - west <= 180 and bool(shapely.is_valid(polygon))


def _eastern(coordinates: np.ndarray) -> np.ndarray:
    shifted = coordinates.copy()
    shifted[:, 0] = np.where(shifted[:, 0] < 0, shifted[:, 0] + 360, shifted[:, 0])
    return shifted


def _cut(polygon: Geometry) -> list[Polygon]:
    west, _, east, _ = shapely.bounds(polygon)
    whole = polygons_of(polygon)
    if west >= -180 and east <= 180:
        return whole
    parts: list[Polygon] = []
    for turn in (-360.0, 0.0, 360.0):
        window = shapely.box(turn - 180, -90, turn + 180, 90)
        for piece in whole:
            parts += polygons_of(translate(shapely.intersection(piece, window), xoff=-turn))
    return parts
