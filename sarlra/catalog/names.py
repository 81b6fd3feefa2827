"""Where everything lies in a catalogue, relative to its root, and what names may look like.

::

    catalog.json
    collections/EVENT/collection.json
    collections/EVENT/detections.parquet, detections.geojson     merged over tiles and tracks
    items/ITEM_ID/ITEM_ID.json                                   beside its assets
    composites/EVENT.zarr/VERSION/EPSG/TRACK                     a Zarr group
    collections/EVENT-watch/collection.json                      a watched event and its state
    collections/EVENT-watch/v0001/EVENT-watch-v0001.json         a version, beside its files
    collections/watch.atom.xml                                   news of the versions
    collections/not-watched/collection.json                      earthquakes that were looked up

Ids become names of files and parts of URLs, so they are letters, digits, ``-``, ``_`` and ``.``
only, and never start with a dot.
"""

from __future__ import annotations

import posixpath
import re
from urllib.parse import quote, unquote

from sarlra.errors import CatalogError, EventError, StoreError
from sarlra.events.event import Event
from sarlra.grid import Tile
from sarlra.scenes.model import Track

ROOT = "catalog.json"
ITEMS = "items"
COLLECTIONS = "collections"
COMPOSITES = "composites"
#: What the collection of a watched event is called after the event's id.
WATCH_SUFFIX = "-watch"
#: The collection of earthquakes that were looked up and are not watched.
NOT_WATCHED = "not-watched"

#: Asset key -> name of the file beside the item.
FILES = {
    "change": "change.tif",
    "scores": "scores.tif",
    "score-reasons": "score-reasons.tif",
    "visibility": "visibility.tif",
    "data": "data.tif",
    "hillshade": "hillshade.tif",
    "detections": "detections.parquet",
    "detections-geojson": "detections.geojson",
    "outlines": "outlines.parquet",
    "contributions": "contributions.tif",
    "quicklook": "quicklook.png",
}

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def is_name(text: str, longest: int = 200) -> bool:
    """Whether a text can be an id: 1 to ``longest`` of the allowed characters, no ``..``."""
    return len(text) <= longest and bool(_NAME.fullmatch(text)) and ".." not in text


def event_name(event_id: str) -> str:
    """The event's id, checked.

    Raises
    ------
    EventError
        It cannot be part of a file's name.
    """
    if not is_name(event_id, 80):
        raise EventError(
            f"event id {event_id!r} cannot be part of a file's name",
            hint="letters, digits, - and _ only, at most 80",
        )
    return event_id


def item_id(event: Event, tile: Tile, track: Track, version: str) -> str:
    """``EVENT_TILE_TRACK_VERSION``, such as ``us2000h8ty_32654E0013N0115_T046D_v1``.

    Raises
    ------
    EventError
        The event's id cannot be part of a file's name.
    CatalogError
        The version cannot.
    """
    if not is_name(version, 64):
        raise CatalogError(
            f"version {version!r} cannot be part of a file's name",
            hint="letters, digits, -, _ and . only, at most 64",
        )
    return f"{event_name(event.id)}_{tile.id}_{track.id}_{version}"


def item_path(identifier: str) -> str:
    """Path of an item's JSON.

    Raises
    ------
    CatalogError
        The id has other characters than an id may have.
    """
    if not is_name(identifier):
        raise CatalogError(f"item id {identifier!r} cannot be the name of a file")
    return f"{ITEMS}/{identifier}/{identifier}.json"


def asset_path(identifier: str, key: str) -> str:
    """Path of one of an item's own files, by asset key (see ``FILES``)."""
    return f"{posixpath.dirname(item_path(identifier))}/{FILES[key]}"


def store_and_group(path: str) -> tuple[str, str]:
    """Store and group of a composite, from its path ``composites/STORE/VERSION/EPSG/TRACK``.

    Raises
    ------
    CatalogError
        The path is no such one.
    """
    parts = path.split("/")
    if len(parts) < 3 or parts[0] != COMPOSITES:
        raise CatalogError(f"{path!r:.200} is no path of a composite")
    return "/".join(parts[:2]), "/".join(parts[2:])


def collection_path(event_id: str) -> str:
    """Path of an event's collection."""
    return f"{COLLECTIONS}/{event_name(event_id)}/collection.json"


def is_external(href: str) -> bool:
    """Whether an href points out of the catalogue: a URL or an absolute path."""
    return "://" in href or href.startswith("/")


def relative(target: str, base: str) -> str:
    """Href of ``target`` as seen from the file ``base``, both relative to the root.

    Hrefs that point out of the catalogue come back unchanged. The rest is percent-encoded.
    """
    if is_external(target):
        return target
    path, hash_sign, fragment = target.partition("#")
    href = posixpath.relpath(path, posixpath.dirname(base) or ".")
    href = quote(href if href.startswith("..") else f"./{href}")
    return f"{href}#{quote(fragment, safe='')}" if hash_sign else href


def resolved(href: str, base: str) -> str | None:
    """Path from the root of a relative href found in the file ``base``; None if it leads out.

    Raises
    ------
    CatalogError
        The href is none that this package writes.
    """
    if is_external(href):
        return None
    path = posixpath.normpath(posixpath.join(posixpath.dirname(base), unquote(href)))
    if path.startswith(".."):
        return None
    try:
        return inside(path)
    except StoreError as error:
        raise CatalogError(f"{base}: {href!r} leads nowhere") from error


def inside(rel: str) -> str:
    """A path relative to the root, checked.

    Raises
    ------
    StoreError
        It is absolute, empty, or has parts such as ``..``.
    """
    parts = rel.split("/")
    if "\\" in rel or "\0" in rel or any(part in ("", ".", "..") for part in parts):
        raise StoreError(f"{rel!r} is no path within the catalogue")
    return rel
