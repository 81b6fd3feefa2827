"""Footprints of squares of UTM in longitude and latitude."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import shapely
from pyproj import Transformer
from shapely import MultiPolygon, Polygon
from shapely.geometry import mapping
from shapely.geometry.polygon import orient

from sarlra.grid import Bounds

#: Points on each edge: a straight edge of UTM is a curve in longitude and latitude.
_PER_EDGE = 4
_DIGITS = 7


def to_lonlat(bounds: Bounds, epsg: int) -> Polygon | MultiPolygon:
    """The rectangle in EPSG:4326, exterior anticlockwise, split at the antimeridian.

    Parameters
    ----------
    bounds
        (left, bottom, right, top) in metres.
    epsg
        Of the UTM zone.
    """
    left, bottom, right, top = bounds
    step = np.linspace(0.0, 1.0, _PER_EDGE, endpoint=False)
    xs, ys = left + step * (right - left), bottom + step * (top - bottom)
    x = np.concatenate(
        [xs, np.full(_PER_EDGE, right), (left + right) - xs, np.full(_PER_EDGE, left)]
    )
    y = np.concatenate(
        [np.full(_PER_EDGE, bottom), ys, np.full(_PER_EDGE, top), (bottom + top) - ys]
    )
    lon, lat = Transformer.from_crs(epsg, 4326, always_xy=True).transform(x, y)
    lon, lat = np.round(lon, _DIGITS), np.round(lat, _DIGITS)
    if lon.max() - lon.min() <= 180:
        return Polygon(np.column_stack([lon, lat]))
    return _split(Polygon(np.column_stack([np.where(lon < 0, lon + 360, lon), lat])))


def _split(polygon: Polygon) -> MultiPolygon:
    west = polygon.intersection(shapely.box(0, -90, 180, 90))
    east = shapely.transform(
        polygon.intersection(shapely.box(180, -90, 360, 90)), lambda xy: xy - [360.0, 0.0]
    )
    parts = [shapely.set_precision(part, 10**-_DIGITS) for part in (west, east)]
    return MultiPolygon([orient(part) for part in parts if isinstance(part, Polygon)])


def geojson(geometry: Polygon | MultiPolygon) -> dict[str, Any]:
    """A GeoJSON geometry with lists, not tuples."""
    return _listed(mapping(geometry))  # type: ignore[no-any-return]


def _listed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _listed(part) for key, part in value.items()}
    return [_listed(part) for part in value] if isinstance(value, tuple | list) else value


def bbox(geometry: Polygon | MultiPolygon) -> list[float]:
    """[west, south, east, north]; west > east where it crosses the antimeridian (RFC 7946)."""
    west, south, east, north = geometry.bounds
    if east - west > 180 and isinstance(geometry, MultiPolygon):
        bounds = [part.bounds for part in geometry.geoms]
        west = min(b[0] for b in bounds if b[0] >= 0)
        east = max(b[2] for b in bounds if b[0] < 0)
    return [float(west), float(south), float(east), float(north)]


def union(boxes: Iterable[list[float]]) -> list[float]:
    """The box around boxes as :func:`bbox` gives them, across the antimeridian where shorter.

    At least one box is needed.
    """
    listed = list(boxes)
    south, north = min(b[1] for b in listed), max(b[3] for b in listed)
    plain = [(b[0], b[2] if b[2] >= b[0] else b[2] + 360) for b in listed]
    shifted = [(w + 360, e + 360) if w < 0 else (w, e) for w, e in plain]
    spans = [(min(w for w, _ in s), max(e for _, e in s)) for s in (plain, shifted)]
    west, east = min(spans, key=lambda span: span[1] - span[0])
    return [_wrapped(west), south, _wrapped(east), north]


def _wrapped(longitude: float) -> float:
    return round(longitude - 360, _DIGITS) if longitude > 180 else longitude
