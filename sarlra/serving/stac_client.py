"""What stac-fastapi asks for, answered from the index: collections, items, searches, queryables."""

from __future__ import annotations

from typing import Any

import attr
from stac_fastapi.extensions.filter.client import BaseFiltersClient
from stac_fastapi.types import stac
from stac_fastapi.types.core import BaseCoreClient
from stac_fastapi.types.errors import InvalidQueryParameter, NotFoundError
from stac_fastapi.types.links import CollectionLinks, ItemLinks
from stac_fastapi.types.requests import get_base_url
from starlette.requests import Request

from sarlra.errors import InputError
from sarlra.serving.fields import queryables
from sarlra.serving.index import Index
from sarlra.serving.links import with_assets_at
from sarlra.serving.live import Live
from sarlra.serving.query import make_query
from sarlra.serving.results import Entry, Results


@attr.s
class ResultsClient(BaseCoreClient):
    """What stac-fastapi asks for, answered from the index."""

    live: Live = attr.ib(kw_only=True)

    @property
    def results(self) -> Results:
        """Those of the newest reading."""
        return self.live.results

    @property
    def index(self) -> Index:
        """That of the newest reading."""
        return self.live.now.index

    def all_collections(self, **kwargs: Any) -> stac.Collections:
        """Every collection."""
        request: Request = kwargs["request"]
        base = get_base_url(request)
        found = [self._collection(entry, request) for entry in self.results.collections.values()]
        collections: Any = {
            "collections": found,
            "links": [
                {"rel": "root", "type": "application/json", "href": base},
                {"rel": "parent", "type": "application/json", "href": base},
                {"rel": "self", "type": "application/json", "href": f"{base}collections"},
            ],
            "numberMatched": len(found),
            "numberReturned": len(found),
        }
        return collections  # type: ignore[no-any-return]

    def get_collection(self, collection_id: str, **kwargs: Any) -> stac.Collection:
        """One collection."""
        return self._collection(self._known(collection_id), kwargs["request"])  # type: ignore[no-any-return]

    def get_item(self, item_id: str, collection_id: str, **kwargs: Any) -> stac.Item:
        """One item."""
        self._known(collection_id)
        entry = self.results.items.get(item_id)
        if entry is None or entry.document["collection"] != collection_id:
            raise NotFoundError(f"there is no item {item_id} in {collection_id}")
        return self._item(entry, kwargs["request"])  # type: ignore[no-any-return]

    def get_search(
        self,
        collections: list[str] | None = None,
        ids: list[str] | None = None,
        bbox: Any = None,
        intersects: Any = None,
        datetime: Any = None,
        limit: int | None = None,
        **kwargs: Any,
    ) -> stac.ItemCollection:
        """Items of all collections, by the query of a GET."""
        _refuse_text(kwargs)
        return self._search(
            kwargs["request"],
            collections=collections,
            ids=ids,
            bbox=bbox,
            intersects=intersects,
            interval=datetime,
            condition=kwargs.get("filter_expr"),
            limit=limit,
            token=kwargs.get("token"),
        )

    def post_search(self, search_request: Any, **kwargs: Any) -> stac.ItemCollection:
        """Items of all collections, by the body of a POST."""
        return self._search(
            kwargs["request"],
            body=search_request.model_dump(mode="json", by_alias=True, exclude_none=True),
            collections=search_request.collections,
            ids=search_request.ids,
            bbox=search_request.bbox,
            intersects=search_request.intersects,
            interval=search_request.datetime,
            condition=search_request.filter_expr,
            limit=search_request.limit,
            token=search_request.token,
        )

    def item_collection(
        self,
        collection_id: str,
        bbox: Any = None,
        datetime: Any = None,
        limit: int | None = None,
        token: str | None = None,
        **kwargs: Any,
    ) -> stac.ItemCollection:
        """Items of one collection."""
        self._known(collection_id)
        _refuse_text(kwargs)
        return self._search(
            kwargs["request"],
            collections=[collection_id],
            bbox=bbox,
            interval=datetime,
            condition=kwargs.get("filter_expr"),
            limit=limit,
            token=token,
        )

    def _known(self, collection_id: str) -> Entry:
        entry = self.results.collections.get(collection_id)
        if entry is None:
            raise NotFoundError(f"there is no collection {collection_id}")
        return entry

    def _search(
        self, request: Request, *, body: dict[str, Any] | None = None, **parts: Any
    ) -> stac.ItemCollection:
        try:
            page = self.index.search(make_query(**parts))
        except InputError as error:
            raise InvalidQueryParameter(str(error)) from error
        base = get_base_url(request)
        links: list[dict[str, Any]] = [
            {"rel": "root", "type": "application/json", "href": base},
            {"rel": "self", "type": "application/geo+json", "href": str(request.url)},
        ]
        if page.following is not None:
            links.append(_next_link(request, f"next:{page.following}", body))
        return {
            "type": "FeatureCollection",
            "features": [self._item(entry, request) for entry in page.entries],
            "links": links,
            "numberMatched": page.matched,
            "numberReturned": len(page.entries),
        }

    def _item(self, entry: Entry, request: Request) -> Any:
        document = with_assets_at(entry, f"{str(request.base_url).rstrip('/')}/assets")
        own = ItemLinks(
            collection_id=document["collection"],
            item_id=document["id"],
            base_url=get_base_url(request),
        )
        document["links"] = own.create_links() + document["links"]
        return document

    def _collection(self, entry: Entry, request: Request) -> Any:
        document = with_assets_at(entry, f"{str(request.base_url).rstrip('/')}/assets")
        base = get_base_url(request)
        own = CollectionLinks(collection_id=document["id"], base_url=base)
        queryable = {
            "rel": "http://www.opengis.net/def/rel/ogc/1.0/queryables",
            "type": "application/schema+json",
            "href": f"{base}collections/{document['id']}/queryables",
        }
        document["links"] = [*own.create_links(), queryable, *document["links"]]
        return document


def _refuse_text(kwargs: dict[str, Any]) -> None:
    # The default of stac-fastapi's GET is text; what is JSON in fact is read as JSON.
    text = str(kwargs.get("filter_expr") or "{").lstrip()
    if kwargs.get("filter_lang") == "cql2-text" and not text.startswith("{"):
        raise InvalidQueryParameter("filter-lang cql2-text is not understood: use cql2-json")


def _next_link(request: Request, token: str, body: dict[str, Any] | None) -> dict[str, Any]:
    link: dict[str, Any] = {"rel": "next", "type": "application/geo+json"}
    if body is None:
        href = str(request.url.include_query_params(token=token))
        return {**link, "method": "GET", "href": href}
    return {**link, "method": "POST", "href": str(request.url), "body": {**body, "token": token}}


@attr.s
class Queryables(BaseFiltersClient):
    """The fields that filters can name, from the same place as the table of fields."""

    live: Live = attr.ib(kw_only=True)

    def get_queryables(self, collection_id: str | None = None, **kwargs: Any) -> dict[str, Any]:
        """JSON schema of the queryable properties."""
        if collection_id is not None and collection_id not in self.live.results.collections:
            raise NotFoundError(f"there is no collection {collection_id}")
        return queryables(str(kwargs["request"].url))
