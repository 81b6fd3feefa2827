"""Where and when an item was sensed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from shapely import MultiPolygon
from shapely.errors import ShapelyError
from shapely.geometry import shape

from sarlra.events.geometry import split_antimeridian, unite
from sarlra.scenes.values import mapping, time_of

_LONGEST_SLICE = timedelta(hours=1)


def item_interval(item: Mapping[str, Any]) -> tuple[datetime, datetime | None]:
    """Start and end of sensing, UTC: ``start_datetime`` where given, else ``datetime``.

    Raises
    ------
    ValueError
        There is no such time, or it is none.
    """
    properties = mapping(item.get("properties"), "properties")
    start = time_of(properties.get("start_datetime")) or time_of(properties.get("datetime"))
    if start is None:
        raise ValueError("it has no time")
    end = time_of(properties.get("end_datetime"))
    if end is not None and not timedelta(0) <= end - start <= _LONGEST_SLICE:
        end = None
    return start, end


def item_geometry(item: Mapping[str, Any]) -> MultiPolygon:
    """The footprint, EPSG:4326, split at the antimeridian.

    Raises
    ------
    ValueError
        It has none, or none of longitudes and latitudes.
    """
    geometry = mapping(item.get("geometry"), "geometry")
    if geometry.get("type") not in ("Polygon", "MultiPolygon"):
        raise ValueError(f"its geometry is of type {geometry.get('type')!r:.60}")
    try:
        parts = split_antimeridian(shape(dict(geometry)), wide_crosses=True)
        return parts if len(parts.geoms) == 1 else unite(parts.geoms)
    except (AttributeError, IndexError, TypeError, KeyError, ShapelyError) as cause:
        raise ValueError(f"its geometry is none: {cause}") from cause
    except ValueError as cause:
        raise ValueError(f"its geometry cannot be used: {cause}") from cause
