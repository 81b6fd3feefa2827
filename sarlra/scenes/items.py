"""STAC items from files: an ItemCollection, one item, a static catalogue, or stac-geoparquet."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from sarlra.errors import SourceError
from sarlra.events.files import read_json_file
from sarlra.scenes.hrefs import Base, absolute_href

MAX_FILE_BYTES = 512 * 2**20
MAX_ITEMS = 200_000
MAX_CATALOG_FILES = 50_000
MAX_DEPTH = 16
_MAX_NODE_BYTES = 16 * 2**20


@dataclass(frozen=True, slots=True)
class FoundItem:
    """A STAC item as it was found (unchecked), and where."""

    item: Mapping[str, Any]
    base: Base


def load_items(path: Path) -> tuple[FoundItem, ...]:
    """All items of a file or static catalogue, in the order of the file.

    Raises
    ------
    SourceError
        The file is missing, too large, or none of the four forms.
    """
    try:
        path = path.resolve(strict=True)
        state = path.stat()
    except OSError as cause:
        raise SourceError(f"the source {path} cannot be read: {cause.strerror}") from cause
    return _load(path, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=4)
def _load(path: Path, _changed: int, _size: int) -> tuple[FoundItem, ...]:
    if path.suffix.lower() in (".parquet", ".geoparquet"):
        return tuple(_bounded(_from_parquet(path), path))
    content = read_json_file(path, SourceError, max_bytes=MAX_FILE_BYTES)
    kind = content.get("type") if isinstance(content, dict) else None
    if kind == "FeatureCollection":
        return tuple(_bounded(_from_collection(content, path), path))
    if kind == "Feature" and "assets" in content:
        return (found_in_file(content, path),)
    if kind in ("Catalog", "Collection"):
        return tuple(_bounded(_walk(content, path), path))
    raise SourceError(
        f"the source {path} is neither items nor a catalogue (type {kind!r:.60})",
        hint="give an ItemCollection, a catalog.json or collection.json, or stac-geoparquet",
    )


def found_in_file(item: Mapping[str, Any], path: Path) -> FoundItem:
    """An item read from a file; its ``self`` link helps where a relative href is no local file."""
    return FoundItem(item, Base(folder=str(path.parent), url=self_url(item)))


def self_url(item: Mapping[str, Any]) -> str | None:
    """The item's ``self`` link if it is an http(s) URL."""
    links = item.get("links")
    for link in links if isinstance(links, list) else []:
        if isinstance(link, dict) and link.get("rel") == "self":
            href = link.get("href")
            if isinstance(href, str) and href.startswith(("http://", "https://")):
                return href
    return None


def _bounded(items: Iterator[FoundItem], path: Path) -> Iterator[FoundItem]:
    for count, found in enumerate(items):
        if count >= MAX_ITEMS:
            raise SourceError(f"the source {path} has more than {MAX_ITEMS} items")
        yield found


def _from_collection(content: Mapping[str, Any], path: Path) -> Iterator[FoundItem]:
    features = content.get("features")
    if not isinstance(features, list):
        raise SourceError(f"the source {path} has no list of features")
    dicts = [feature for feature in features if isinstance(feature, dict)]
    if features and not any("assets" in feature for feature in dicts):
        raise SourceError(
            f"the source {path} is a FeatureCollection without STAC items",
            hint="an ItemCollection's features have assets",
        )
    for feature in features:
        yield found_in_file(feature if isinstance(feature, dict) else {}, path)


def _walk(root: Mapping[str, Any], path: Path) -> Iterator[FoundItem]:
    waiting: deque[tuple[Mapping[str, Any], Path, int]] = deque([(root, path, 0)])
    seen = {path}
    while waiting:
        node, where, depth = waiting.popleft()
        for child in _children(node, where):
            if child in seen:
                continue
            seen.add(child)
            if len(seen) > MAX_CATALOG_FILES or depth >= MAX_DEPTH:
                raise SourceError(f"the catalogue {path} is too large or too deep")
            content = read_json_file(child, SourceError, max_bytes=_MAX_NODE_BYTES)
            kind = content.get("type") if isinstance(content, dict) else None
            if kind == "FeatureCollection":
                yield from _from_collection(content, child)
            elif kind == "Feature":
                yield found_in_file(content, child)
            elif kind in ("Catalog", "Collection"):
                waiting.append((content, child, depth + 1))
            else:
                raise SourceError(f"the catalogue {path} links {child}, which is no STAC")


def _children(node: Mapping[str, Any], where: Path) -> Iterator[Path]:
    links = node.get("links")
    for link in links if isinstance(links, list) else []:
        if not isinstance(link, dict) or link.get("rel") not in ("child", "item", "items"):
            continue
        try:
            href = absolute_href(link.get("href"), Base(folder=str(where.parent)))
        except ValueError as cause:
            raise SourceError(f"the catalogue {where} has a bad link: {cause}") from cause
        if not href.startswith("/"):
            raise SourceError(
                f"the catalogue {where} links {href:.200}, which is not local",
                hint="only the URL of a STAC API is searched on the web",
            )
        yield Path(href).resolve()


def _from_parquet(path: Path) -> Iterator[FoundItem]:
    import pyarrow.parquet
    from stac_geoparquet.arrow import stac_table_to_items

    if path.stat().st_size > MAX_FILE_BYTES:
        raise SourceError(f"the source {path} is larger than {MAX_FILE_BYTES // 2**20} MiB")
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            rows, columns = file.metadata.num_rows, set(file.schema_arrow.names)
            if rows > MAX_ITEMS:
                raise SourceError(f"the source {path} has more than {MAX_ITEMS} items")
            if not {"id", "geometry", "assets"} <= columns:
                raise SourceError(f"the source {path} is Parquet, but not stac-geoparquet")
            items = [_without_nulls(item) for item in stac_table_to_items(file.read())]
    except SourceError:
        raise
    except Exception as cause:  # pyarrow and stac-geoparquet raise what they like
        raise SourceError(
            f"the source {path} cannot be read as stac-geoparquet: {cause}"
        ) from cause
    for item in items:
        yield found_in_file(item, path)


def _without_nulls(item: dict[str, Any]) -> dict[str, Any]:
    """Drop what a table has to fill with null where other items have a value."""
    assets = item.get("assets") or {}
    item["assets"] = {
        key: {name: value for name, value in asset.items() if value is not None}
        for key, asset in assets.items()
        if asset is not None and asset.get("href") is not None
    }
    properties = item.get("properties") or {}
    item["properties"] = {
        name: value for name, value in properties.items() if value is not None or name == "datetime"
    }
    return item
