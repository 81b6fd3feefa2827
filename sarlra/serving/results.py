"""All collections and items of a catalogue, found by its links, checked, and what they name."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sarlra.catalog.assets import ZARR
from sarlra.catalog.names import COMPOSITES, ROOT, WATCH_SUFFIX, is_name, resolved, store_and_group
from sarlra.catalog.validate import validate_document, validate_item
from sarlra.errors import CatalogError, SarlraError
from sarlra.serving.limits import MAX_COLLECTIONS, MAX_ITEMS
from sarlra.serving.place import Place, read_document

log = logging.getLogger(__name__)

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Entry:
    """A collection or item as it stands, and its path from the root."""

    document: Document
    path: str


@dataclass(frozen=True, slots=True)
class Results:
    """A catalogue that was read.

    ``rejected`` are (path, reason) of what was found and left out. ``files`` are the paths of all
    files that collections and items name, ``stores`` those of the Zarr groups.
    """

    place: Place
    collections: Mapping[str, Entry]
    items: Mapping[str, Entry]
    rejected: tuple[tuple[str, str], ...]
    files: frozenset[str]
    stores: frozenset[str]

    @property
    def events(self) -> tuple[str, ...]:
        """Ids of the collections of results, sorted: not those of a watch."""
        return tuple(
            sorted(name for name, e in self.collections.items() if "sarlra:event" in e.document)
        )

    def composite_at(self, entry: Entry) -> tuple[str, str]:
        """Address of the store, and the group in it, of an item's composite.

        Raises
        ------
        CatalogError
            The item names none within the catalogue.
        """
        href = entry.document["assets"].get("composite", {}).get("href")
        path = resolved(href, entry.path) if isinstance(href, str) else None
        if path is None or path not in self.stores:
            name = entry.document["id"]
            raise CatalogError(f"item {name} names no composite within the catalogue")
        store, group = store_and_group(path)
        return f"{self.place.root}/{store}", group

    def is_served(self, rel: str) -> bool:
        """Whether a path is named by the catalogue: nothing else in the folder is handed out."""
        if any(part.startswith(".") for part in rel.split("/")):
            return False
        return rel in self.files or any(rel.startswith(f"{store}/") for store in self.stores)


def read_results(place: Place) -> Results:
    """Read every collection that the root links to, and every item that those link to.

    Raises
    ------
    CatalogError
        The root cannot be read, or there is more than can be served.
    """
    rejected: list[tuple[str, str]] = []
    collections: dict[str, Entry] = {}
    items: dict[str, Entry] = {}
    root = _load(place, ROOT)
    for path in _linked(root, ROOT, "child"):
        if (entry := _entry(place, path, rejected)) is None:
            continue
        collections[entry.document["id"]] = entry
        _bound(collections, MAX_COLLECTIONS, "collections")
        for item_path in _linked(entry.document, path, "item"):
            item = _entry(place, item_path, rejected, entry.document["id"])
            if item is not None:
                items[item.document["id"]] = item
                _bound(items, MAX_ITEMS, "items")
    files: set[str] = {ROOT}
    stores: set[str] = set()
    for entry in (*collections.values(), *items.values()):
        files.add(entry.path)
        for href, is_store in _named(entry):
            (stores if is_store else files).add(href)
    return Results(place, collections, items, tuple(rejected), frozenset(files), frozenset(stores))


def _bound(found: Mapping[str, Entry], most: int, what: str) -> None:
    if len(found) > most:
        raise CatalogError(f"the catalogue has more than {most} {what}")


def _load(place: Place, path: str) -> Document:
    try:
        document = json.loads(read_document(place, path))
    except (ValueError, RecursionError) as error:
        raise CatalogError(f"{path} is no JSON: {error}") from error
    if not isinstance(document, dict):
        raise CatalogError(f"{path} is no JSON object")
    return document


def _linked(document: Document, path: str, rel: str) -> Iterator[str]:
    """Paths within the catalogue that a document links to."""
    links = document.get("links")
    for link in links if isinstance(links, list) else []:
        if not isinstance(link, dict) or link.get("rel") != rel:
            continue
        href = link.get("href")
        try:
            target = resolved(href, path) if isinstance(href, str) else None
        except SarlraError:
            target = None
        if target is None:
            log.warning("%s: the link to %r leads nowhere", path, href)
        else:
            yield target


def _entry(
    place: Place, path: str, rejected: list[tuple[str, str]], parent: str | None = None
) -> Entry | None:
    """A collection, or an item of the collection ``parent``; None where it cannot be served."""
    try:
        document = _load(place, path)
        identifier = document.get("id")
        if not isinstance(identifier, str) or not is_name(identifier):
            raise CatalogError(f"{path}: the id {identifier!r} cannot be part of an address")
        if parent is None:
            validate_document(document)
            if document["type"] != "Collection":
                raise CatalogError(f"{path} is no collection")
        else:
            # Versions of a watched event are of the whole area, not of a tile and track.
            (validate_document if parent.endswith(WATCH_SUFFIX) else validate_item)(document)
            if document.get("collection") != parent:
                raise CatalogError(f"{path} is not of the collection {parent}")
    except SarlraError as error:
        log.warning("%s is not served: %s", path, error)
        rejected.append((path, error.message))
        return None
    return Entry(document, path)


def _named(entry: Entry) -> Iterator[tuple[str, bool]]:
    """(path, whether it is a Zarr group) of each asset that lies within the catalogue."""
    for asset in entry.document.get("assets", {}).values():
        try:
            target = resolved(asset["href"], entry.path)
        except SarlraError:
            continue
        if target is None:
            continue
        # Naming another folder as a store must not hand out all that lies in it.
        is_store = asset.get("type") == ZARR
        if is_store and not target.startswith(f"{COMPOSITES}/"):
            continue
        yield target, is_store
