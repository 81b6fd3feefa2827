"""The index that the server searches: in memory, immutable, newest item first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from shapely import STRtree
from shapely.geometry import shape

from sarlra.serving.query import Query, fits, moment
from sarlra.serving.results import Entry, Results


@dataclass(frozen=True, slots=True)
class Page:
    """Items of one page, how many match in all, and where the next page starts (or None)."""

    entries: tuple[Entry, ...]
    matched: int
    following: int | None


class Index:
    """Items in the order of ``datetime``, newest first, then of id; an R-tree over footprints."""

    def __init__(self, results: Results) -> None:
        self._entries = sorted(results.items.values(), key=_id)
        self._entries.sort(key=lambda entry: moment(_properties(entry)["datetime"]), reverse=True)
        self._places = {_id(entry): number for number, entry in enumerate(self._entries)}
        self._shapes = np.array([shape(entry.document["geometry"]) for entry in self._entries])
        self._tree = STRtree(self._shapes)
        self._starts = [moment(_start(entry)) for entry in self._entries]
        self._ends = [moment(_end(entry)) for entry in self._entries]

    def search(self, query: Query) -> Page:
        """The page of the items that match; time spans match where they meet the interval."""
        found = [number for number in self._candidates(query) if self._matches(number, query)]
        stop = query.token + query.limit
        return Page(
            tuple(self._entries[number] for number in found[query.token : stop]),
            len(found),
            stop if stop < len(found) else None,
        )

    def _candidates(self, query: Query) -> Sequence[int]:
        if query.area is not None:
            shapely.prepare(query.area)
            return [int(n) for n in sorted(self._tree.query(query.area, predicate="intersects"))]
        if query.ids is not None:
            return sorted(self._places[name] for name in query.ids if name in self._places)
        return range(len(self._entries))

    def _matches(self, number: int, query: Query) -> bool:
        document = self._entries[number].document
        if query.collections is not None and document["collection"] not in query.collections:
            return False
        if query.ids is not None and document["id"] not in query.ids:
            return False
        if query.interval is not None:
            start, end = query.interval
            if start is not None and self._ends[number] < start:
                return False
            if end is not None and self._starts[number] > end:
                return False
        return query.condition is None or fits(query.condition, document)


def _id(entry: Entry) -> str:
    return str(entry.document["id"])


def _properties(entry: Entry) -> dict[str, Any]:
    properties: dict[str, Any] = entry.document["properties"]
    return properties


def _start(entry: Entry) -> str:
    properties = _properties(entry)
    return str(properties.get("start_datetime") or properties["datetime"])


def _end(entry: Entry) -> str:
    properties = _properties(entry)
    return str(properties.get("end_datetime") or properties["datetime"])
