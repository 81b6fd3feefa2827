"""A STAC API over given items: landing page, collections, item search by GET and POST, paging.

Filters by collections, bbox or intersects (plain planar intersection, as most servers do) and
datetime. Pages hang together by ``next`` links.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import shapely
from shapely.geometry import shape

from tests.servers.base import LocalServer, Reply, Request

CONFORMS = [
    "https://api.stacspec.org/v1.0.0/core",
    "https://api.stacspec.org/v1.0.0/collections",
    "https://api.stacspec.org/v1.0.0/item-search",
    "https://api.stacspec.org/v1.0.0/ogcapi-features",
]


class StacApi(LocalServer):
    """
    Parameters
    ----------
    items
        STAC items, hrefs absolute.
    page_size
        Items per page at most, whatever the client asks for.
    methods
        Offered for the search.
    state_matched
        Whether pages have ``numberMatched``.
    overstate
        Added to ``numberMatched``: a server that loses items.
    empty_first
        Begin every search with an empty page that has a ``next`` link.
    circular
        Every page's ``next`` link is the first one's.
    """

    def __init__(
        self,
        items: Iterable[dict[str, Any]],
        *,
        page_size: int = 25,
        methods: tuple[str, ...] = ("GET", "POST"),
        state_matched: bool = True,
        overstate: int = 0,
        empty_first: bool = False,
        circular: bool = False,
    ) -> None:
        super().__init__()
        self.items = list(items)
        self.page_size = page_size
        self.methods = methods
        self.state_matched = state_matched
        self.overstate = overstate
        self.empty_first = empty_first
        self.circular = circular

    def reply(self, request: Request) -> Reply:
        path = request.path.rstrip("/")
        if path == "":
            return Reply.json(self._landing())
        if path == "/conformance":
            return Reply.json({"conformsTo": CONFORMS})
        if path == "/collections":
            return Reply.json({"collections": self._collections(), "links": []})
        if path == "/search":
            if request.method not in self.methods:
                return Reply.json({"code": "MethodNotAllowed"}, 405)
            return self._search(request)
        return Reply.json({"code": "NotFound"}, 404)

    def _landing(self) -> dict[str, Any]:
        links = [
            {"rel": "self", "href": self.url, "type": "application/json"},
            {"rel": "root", "href": self.url, "type": "application/json"},
            {"rel": "data", "href": f"{self.url}/collections", "type": "application/json"},
            {"rel": "conformance", "href": f"{self.url}/conformance", "type": "application/json"},
        ]
        links += [
            {
                "rel": "search",
                "href": f"{self.url}/search",
                "type": "application/geo+json",
                "method": method,
            }
            for method in self.methods
        ]
        return {
            "type": "Catalog",
            "stac_version": "1.0.0",
            "id": "local",
            "description": "A local STAC API",
            "conformsTo": CONFORMS,
            "links": links,
        }

    def _collections(self) -> list[dict[str, Any]]:
        return [
            {
                "type": "Collection",
                "stac_version": "1.0.0",
                "id": name,
                "description": name,
                "license": "proprietary",
                "extent": {
                    "spatial": {"bbox": [[-180, -90, 180, 90]]},
                    "temporal": {"interval": [["2014-01-01T00:00:00Z", None]]},
                },
                "links": [],
            }
            for name in sorted({str(item.get("collection")) for item in self.items})
        ]

    def _search(self, request: Request) -> Reply:
        parameters = request.body if request.method == "POST" else _from_query(request.query)
        matched = [item for item in self.items if _matches(item, parameters)]
        size = min(int(parameters.get("limit", 10)), self.page_size)
        offset = int(parameters.get("token", -1 if self.empty_first else 0))
        page = [] if offset < 0 else matched[offset : offset + size]
        after = 0 if offset < 0 else offset + size
        links = []
        if after < len(matched) or (offset < 0 and matched):
            links = [self._next(request, parameters, size if self.circular else after)]
        content: dict[str, Any] = {"type": "FeatureCollection", "features": page, "links": links}
        if self.state_matched:
            content["numberMatched"] = len(matched) + self.overstate
        return Reply.json(content)

    def _next(self, request: Request, parameters: dict[str, Any], after: int) -> dict[str, Any]:
        link = {"rel": "next", "type": "application/geo+json", "href": f"{self.url}/search"}
        if request.method == "POST":
            body = {**parameters, "token": after}
            return {**link, "method": "POST", "body": body}
        query = urlencode({**request.query, "token": str(after)})
        return {**link, "method": "GET", "href": f"{self.url}/search?{query}"}


def _from_query(query: dict[str, str]) -> dict[str, Any]:
    parameters: dict[str, Any] = dict(query)
    if "collections" in query:
        parameters["collections"] = query["collections"].split(",")
    if "bbox" in query:
        parameters["bbox"] = [float(n) for n in query["bbox"].split(",")]
    if "intersects" in query:
        parameters["intersects"] = json.loads(query["intersects"])
    return parameters


def _matches(item: dict[str, Any], parameters: dict[str, Any]) -> bool:
    if parameters.get("collections") and item.get("collection") not in parameters["collections"]:
        return False
    if "intersects" in parameters or "bbox" in parameters:
        area = (
            shape(parameters["intersects"])
            if "intersects" in parameters
            else shapely.box(*parameters["bbox"])
        )
        if not shape(item["geometry"]).intersects(area):
            return False
    if parameters.get("datetime"):
        start, _, end = parameters["datetime"].partition("/")
        moment = datetime.fromisoformat(item["properties"]["datetime"])
        if start not in ("", "..") and moment < datetime.fromisoformat(start):
            return False
        if end not in ("", "..") and moment > datetime.fromisoformat(end):
            return False
    return True
