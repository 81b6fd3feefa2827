"""What both kinds of search ask of an item."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import shapely
from shapely import MultiPolygon

from sarlra.scenes.items import FoundItem
from sarlra.scenes.where_when import item_geometry, item_interval


def in_collections(found: FoundItem, collections: tuple[str, ...]) -> bool:
    """Whether the item is of a wanted collection (all are where none is named)."""
    return not collections or found.item.get("collection") in collections


def within_time(items: Iterable[FoundItem], start: datetime, end: datetime) -> list[FoundItem]:
    """The items that start from ``start`` to ``end``, and those whose time cannot be read."""

    def wanted(found: FoundItem) -> bool:
        try:
            return start <= item_interval(found.item)[0] <= end
        except (ValueError, OverflowError):
            return True

    return [found for found in items if wanted(found)]


def meets(found: FoundItem, area: MultiPolygon) -> bool:
    """Whether the item's footprint meets the area, or cannot be read."""
    try:
        return bool(shapely.intersects(item_geometry(found.item), area))
    except ValueError:
        return True
