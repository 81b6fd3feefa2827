"""Searching a STAC API through pystac-client: patient, bounded, and complete or an error.

pystac-client ends at the first empty page and does not compare what it received with what the
server says it has; here empty pages are followed, and a page limit or a shortfall is an error.
Requests (POST included) are repeated after time-outs, 429 and 5xx, ``Retry-After`` honoured.
"""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import quote

import shapely
from pystac_client import Client, ItemSearch
from pystac_client.exceptions import APIError
from shapely import MultiPolygon
from shapely.geometry import mapping

from sarlra.errors import SearchError
from sarlra.scenes.criteria import in_collections, meets, within_time
from sarlra.scenes.hrefs import Base
from sarlra.scenes.items import FoundItem, self_url
from sarlra.scenes.sources import Source
from sarlra.scenes.stac_io import PatientIO

PAGE_SIZE = 250
MAX_PAGES = 400
MAX_VERTICES = 200
"""An area with more vertices is searched by the boxes of its parts, and filtered here."""
_RTC = re.compile(r"rtc", re.IGNORECASE)
_NARROW = "search a smaller area or shorter windows"
_log = logging.getLogger(__name__)


class ApiSearch:
    """A search over a STAC API."""

    def __init__(self, source: Source, *, max_pages: int = MAX_PAGES) -> None:
        self._source = source
        self._max_pages = max_pages

    def find(self, area: MultiPolygon, start: datetime, end: datetime) -> list[FoundItem]:
        """See :meth:`sarlra.scenes.search.Search.find`; in the order of the server."""
        root = self._source.location
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                client = Client.open(root, stac_io=PatientIO())
                collections = self._source.collections or _rtc_collections(client)
                features = self._ask(client, collections, area, start, end)
        except APIError as cause:
            raise SearchError(
                f"the search at {root} failed: {_first_line(cause)}", hint="try again later"
            ) from cause
        except SearchError:
            raise
        except Exception as cause:  # pystac and its libraries raise what they like
            raise SearchError(f"the search at {root} failed: {cause!r:.300}") from cause
        found = [FoundItem(x, Base(url=self_url(x) or _address(root, x))) for x in features]
        found = [x for x in found if in_collections(x, collections) and meets(x, area)]
        return within_time(found, start, end)

    def _ask(
        self,
        client: Client,
        collections: tuple[str, ...],
        area: MultiPolygon,
        start: datetime,
        end: datetime,
    ) -> list[dict[str, Any]]:
        for method in _methods(client):
            search = client.search(
                method=method,
                collections=list(collections) or None,
                intersects=_searched(area),
                datetime=(start, end),
                limit=PAGE_SIZE,
            )
            try:
                return list(self._features(search))
            except APIError as error:
                refused = getattr(error, "status_code", None) in (405, 501)
                if not (refused and method == "POST"):
                    raise
        raise SearchError(f"the search at {self._source.location} offers neither POST nor GET")

    def _features(self, search: ItemSearch) -> Iterator[dict[str, Any]]:
        received: set[tuple[str, str]] = set()
        matched: int | None = None
        io = search._stac_io
        for number, page in enumerate(
            io.get_pages(search.url, search.method, search.get_parameters())
        ):
            if number >= self._max_pages:
                raise SearchError(
                    f"the search at {search.url} has more than {self._max_pages} pages",
                    hint=_NARROW,
                )
            features = page.get("features")
            if not isinstance(features, list):
                raise SearchError(
                    f"the search at {search.url} answers with a page without features"
                )
            matched = _matched(page) if matched is None else matched
            for feature in features:
                item = feature if isinstance(feature, dict) else {}
                key = (str(item.get("collection")), str(item.get("id")))
                if key not in received:
                    received.add(key)
                    yield item
        _log.info("%d items from %s (server says %s)", len(received), search.url, matched)
        if matched is not None and len(received) < matched:
            raise SearchError(
                f"the search at {search.url} gave {len(received)} of {matched} items",
                hint=f"try again, or {_NARROW}",
            )


def _searched(area: MultiPolygon) -> dict[str, Any]:
    if shapely.get_num_coordinates(area) > MAX_VERTICES:
        area = MultiPolygon([shapely.box(*part.bounds) for part in area.geoms])
        if shapely.get_num_coordinates(area) > MAX_VERTICES:
            area = MultiPolygon([shapely.box(*area.bounds)])
    return dict(mapping(area.geoms[0] if len(area.geoms) == 1 else area))


def _methods(client: Client) -> tuple[str, ...]:
    """POST first, where the server offers it or does not say; then GET."""
    links = [link for link in client.links if link.rel == "search"]
    stated = {str(x.extra_fields["method"]).upper() for x in links if "method" in x.extra_fields}
    return ("GET",) if stated == {"GET"} else ("POST", "GET")


def _rtc_collections(client: Client) -> tuple[str, ...]:
    """The server's collections that look like Sentinel-1 RTC; none where it cannot say."""
    try:
        ids = sorted(collection.id for collection in client.get_collections())
    except Exception as cause:  # an optional endpoint; without it all collections are searched
        _log.info("no list of collections: %r", cause)
        return ()
    return tuple(name for name in ids if _RTC.search(name))


def _matched(page: dict[str, Any]) -> int | None:
    context = page.get("context")
    value = page.get("numberMatched", context.get("matched") if isinstance(context, dict) else None)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _address(root: str, item: dict[str, Any]) -> str:
    collection, name = quote(str(item.get("collection"))), quote(str(item.get("id")))
    return f"{root.rstrip('/')}/collections/{collection}/items/{name}"


def _first_line(error: Exception) -> str:
    status = getattr(error, "status_code", None)
    text = next(iter(str(error).splitlines()), "")[:300]
    return f"HTTP {status}: {text}" if status else text
