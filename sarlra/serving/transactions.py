"""Publishing to a STAC API with the Transactions extension, and withdrawing from it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

import httpx

from sarlra.catalog.names import is_name
from sarlra.errors import CatalogError, InputError
from sarlra.serving.limits import MAX_DOCUMENT_BYTES
from sarlra.serving.links import with_assets_at
from sarlra.serving.results import Document, Results
from sarlra.serving.versions import published

_TIMEOUT = httpx.Timeout(60.0, connect=10.0)
#: Links that an API makes itself.
_INFERRED = frozenset({"self", "item", "parent", "collection", "root", "items", "queryables",
                       "http://www.opengis.net/def/rel/ogc/1.0/queryables"})  # fmt: skip
_TRANSACTION = "collections/extensions/transaction"


@dataclass(slots=True)
class Published:
    """Ids of what was added, changed, and found to be as it should be already."""

    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)


class Api:
    """A STAC API that can be written to.

    Parameters
    ----------
    token
        Sent as ``Authorization: Bearer``; only over https or to this machine.

    Raises
    ------
    InputError
        The URL is none, a token would go out in the clear, or the API takes no transactions.
    """

    def __init__(self, url: str, token: str | None = None) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
            raise InputError(f"{url!r} is no URL of an API", hint="such as https://host/stac")
        if token and parts.scheme != "https" and parts.hostname not in ("localhost", "127.0.0.1"):
            raise InputError(f"{url}: a token is only sent over https")
        self.url = url.rstrip("/")
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._http = httpx.Client(timeout=_TIMEOUT, headers=headers, follow_redirects=False)
        classes = (self._call("GET", "/conformance") or {}).get("conformsTo", [])
        if not any(_TRANSACTION in str(name) for name in classes):
            raise InputError(f"{url} does not take transactions", hint="enable that extension")

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def get(self, path: str) -> Document | None:
        """A document; None where there is none."""
        return self._call("GET", path)

    def put(self, path: str, document: Document) -> None:
        """Replace a document that stands."""
        self._call("PUT", path, document)

    def post(self, path: str, document: Document) -> None:
        """Add a document."""
        self._call("POST", path, document)

    def delete(self, path: str) -> bool:
        """Remove a document; whether it was there."""
        return self._call("DELETE", path) is not None

    def _call(self, method: str, path: str, body: Document | None = None) -> Document | None:
        try:
            with self._http.stream(method, f"{self.url}{path}", json=body) as answer:
                data = b""
                for block in answer.iter_bytes():
                    data += block
                    if len(data) > MAX_DOCUMENT_BYTES:
                        raise CatalogError(f"{self.url}{path}: the answer is too large")
        except httpx.HTTPError as error:
            raise CatalogError(f"{self.url} gives no answer: {error}") from error
        if answer.status_code == 404 and method in ("GET", "DELETE"):
            return None
        if not answer.is_success:
            text = data[:300].decode(errors="replace")
            raise CatalogError(
                f"{method} {self.url}{path} answers with HTTP {answer.status_code}: {text}",
                hint="a token can be given in SARLRA_API_TOKEN" if answer.status_code in (401, 403)
                else None,
            )  # fmt: skip
        try:
            found = json.loads(data) if data else {}
        except (ValueError, RecursionError) as error:
            raise CatalogError(f"{self.url}{path} answers with no JSON") from error
        return found if isinstance(found, dict) else {}


def publish(
    results: Results, api: Api, assets_url: str, on_item: Callable[[str], None] = lambda _: None
) -> Published:
    """Write collections and items that differ from what the API holds.

    Superseded items first, so that no search finds two current ones of a tile and track longer
    than it must: old items are changed after the new one was added, never removed.

    Raises
    ------
    CatalogError
        The API refused something; what was written before stands, and publishing again goes on.
    """
    done = Published()
    for name, entry in sorted(results.collections.items()):
        _write(api, "/collections", name, with_assets_at(entry, assets_url), done)
        items = published(results, name, assets_url, api.url)
        for document in sorted(items, key=_superseded):
            _write(api, f"/collections/{name}/items", str(document["id"]), document, done)
            on_item(str(document["id"]))
    return done


def _superseded(document: Document) -> tuple[bool, str]:
    return bool(document["properties"].get("deprecated")), str(document["id"])


def _write(api: Api, folder: str, name: str, document: Document, done: Published) -> None:
    standing = api.get(f"{folder}/{quote(name)}")
    if standing is None:
        api.post(folder, document)
        done.added.append(name)
    elif comparable(standing) != comparable(document):
        api.put(f"{folder}/{quote(name)}", document)
        done.changed.append(name)
    else:
        done.unchanged.append(name)


def comparable(document: Document) -> Any:
    """A document without what an API adds to it or leaves out."""
    kept = {key: value for key, value in document.items() if value not in (None, [], {})}
    kept["links"] = [link for link in document.get("links", []) if link["rel"] not in _INFERRED]
    return _plain(kept)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in sorted(value.items()) if part is not None}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def withdraw(api: Api, collection: str, item: str) -> bool:
    """Take an item out of an API; False where it is not there.

    Raises
    ------
    InputError
        An id cannot be one.
    CatalogError
        The API refuses.
    """
    for name in (collection, item):
        if not is_name(name):
            raise InputError(f"{name!r} is no id")
    path = f"/collections/{collection}/items/{item}"
    if api.get(path) is None:
        return False
    return api.delete(path)
