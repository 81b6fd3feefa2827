"""A catalogue that is read and searched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sarlra.errors import InputError
from sarlra.library.html import table_of
from sarlra.library.results import Found, Result

if TYPE_CHECKING:
    import geopandas as gpd

    from sarlra.serving.index import Index
    from sarlra.serving.results import Entry, Results


def open_catalogue(path_or_url: str) -> Catalogue:
    """Read a catalogue that runs have written: a folder, or anything that fsspec reaches.

    Raises
    ------
    InputError
        There is none.
    CatalogError
        It cannot be read, or holds more than is read.
    """
    from sarlra.serving.index import Index
    from sarlra.serving.place import open_place
    from sarlra.serving.results import read_results

    results = read_results(open_place(path_or_url))
    return Catalogue(results, Index(results))


@dataclass(frozen=True, slots=True)
class Catalogue:
    """A catalogue that was read; made by :func:`open_catalogue`. Shows itself as a table."""

    results: Results
    _index: Index

    @property
    def events(self) -> tuple[str, ...]:
        """Ids of the events."""
        return self.results.events

    def search(
        self,
        event: str | None = None,
        *,
        bbox: Sequence[float] | None = None,
        interval: str | None = None,
        condition: str | dict[str, Any] | None = None,
        superseded: bool = False,
    ) -> Found:
        """Results by falling time and id.

        Parameters
        ----------
        bbox
            west, south, east, north in degrees.
        interval
            RFC 3339, such as ``2018-09-01T00:00:00Z/..``.
        condition
            CQL2, as text such as ``"sarlra:track" = 'T046D'`` or as JSON.
        superseded
            Whether older versions are given, too.

        Raises
        ------
        InputError
            A part of the search cannot be used, or there is no such event.
        """
        from sarlra.serving.query import make_query

        if event is not None:
            self._collection(event)
        names = None if event is None else [event]
        query = make_query(
            collections=names, bbox=bbox, interval=interval, condition=_as_json(condition)
        )
        entries: list[Entry] = []
        start: int | None = 0
        while start is not None:
            page = self._index.search(replace(query, token=start))
            entries += page.entries
            start = page.following
        return Found(
            tuple(Result(self.results, e) for e in entries if superseded or self._stands(e))
        )

    def detections(
        self,
        event: str,
        *,
        min_score: float = 0.0,
        bbox: tuple[float, float, float, float] | None = None,
        as_of: str | None = None,
    ) -> gpd.GeoDataFrame:
        """Detections of an event, EPSG:4326, by falling score; columns as in docs/catalog.md.

        Parameters
        ----------
        as_of
            RFC 3339: as they were known at this moment.

        Raises
        ------
        InputError
            There is no such event, or it has no table of detections.
        """
        from sarlra.serving.downloads import Shown, detections_of

        self._collection(event)
        shown = Shown(as_of, min_score, bbox=bbox)
        return detections_of(self.results, event, shown)

    def _collection(self, event: str) -> dict[str, Any]:
        found = self.results.collections.get(event)
        if found is None:
            raise InputError(
                f"there is no event {event!r:.100}", hint=f"there are {', '.join(self.events)}"
            )
        return found.document

    def _stands(self, entry: Entry) -> bool:
        current = self._collection(entry.document["collection"]).get("sarlra:current")
        return not isinstance(current, list) or entry.document["id"] in current

    def _repr_html_(self) -> str:
        rows = [
            (name, str(self._collection(name).get("title", "")), str(len(self.search(name))))
            for name in self.events
        ]
        return table_of(("event", "title", "results"), rows)


def _as_json(condition: str | dict[str, Any] | None) -> Any:
    """A condition as CQL2 JSON, which the search checks and bounds."""
    if not isinstance(condition, str):
        return condition
    from cql2 import parse_text

    try:
        return parse_text(condition).to_json()
    except Exception as error:  # cql2 raises its own kinds and plain ones
        raise InputError(f"{condition!r:.100} is no CQL2: {str(error)[:300]}") from error
