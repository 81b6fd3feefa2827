"""The seam of searching: a STAC API, or an index over the items of files. Both find the same.

A search gives the items of the wanted collections whose footprint meets the area and whose time
lies between start and end, both included, and, so that they can be reported, items whose
footprint or time cannot be read.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

import numpy as np
import shapely
from shapely import MultiPolygon, STRtree

from sarlra.scenes.api import ApiSearch
from sarlra.scenes.criteria import in_collections, within_time
from sarlra.scenes.items import FoundItem, load_items
from sarlra.scenes.sources import Source
from sarlra.scenes.where_when import item_geometry


class Search(Protocol):
    """How items are found."""

    def find(self, area: MultiPolygon, start: datetime, end: datetime) -> list[FoundItem]:
        """The items that meet the area (EPSG:4326) from start to end (UTC).

        Raises
        ------
        SearchError
            The answer is an error, or not complete.
        """
        ...


class IndexSearch:
    """A search over items in memory: an R-tree over footprints split at the antimeridian."""

    def __init__(self, items: Sequence[FoundItem], collections: tuple[str, ...] = ()) -> None:
        self._items = [x for x in items if in_collections(x, collections)]
        parts: list[shapely.Geometry] = []
        owners: list[int] = []
        self._unplaced: list[int] = []
        for number, found in enumerate(self._items):
            try:
                polygons = list(item_geometry(found.item).geoms)
            except ValueError:
                self._unplaced.append(number)
                continue
            parts += polygons
            owners += [number] * len(polygons)
        self._owners = np.asarray(owners, dtype=np.intp)
        self._tree = STRtree(parts)

    def find(self, area: MultiPolygon, start: datetime, end: datetime) -> list[FoundItem]:
        """See :meth:`Search.find`; in the order of the file."""
        hits = self._owners[self._tree.query(area, predicate="intersects")]
        numbers = sorted({*map(int, hits), *self._unplaced})
        return within_time((self._items[number] for number in numbers), start, end)


def open_search(source: Source) -> Search:
    """The search that fits the source.

    Raises
    ------
    SourceError
        The source's file cannot be read.
    """
    if source.kind == "file":
        return IndexSearch(load_items(Path(source.location)), source.collections)
    return ApiSearch(source)
