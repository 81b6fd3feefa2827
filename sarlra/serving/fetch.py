"""Fetching an item and its files from where they say they are, without trusting what they say."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urljoin, urlsplit

import httpx

from sarlra.catalog import checksums
from sarlra.catalog.names import item_path, resolved
from sarlra.catalog.validate import validate_item
from sarlra.errors import CatalogError, InputError
from sarlra.events.web import fetch
from sarlra.serving.limits import MAX_ASSET_BYTES, MAX_DOCUMENT_BYTES
from sarlra.serving.place import FolderPlace
from sarlra.serving.results import Document


class Origin(Protocol):
    """Where an item came from; reads only what lies beside it."""

    @property
    def remote(self) -> bool:
        """Whether the item came from another machine."""
        ...

    def read(self, href: str, most: int) -> bytes:
        """The file that the item names by ``href``; CatalogError where it may not be read."""
        ...


@dataclass(frozen=True, slots=True)
class WebOrigin:
    """An item at a URL: files of the same scheme, host and port only, no redirects."""

    url: str
    remote: bool = True

    def read(self, href: str, most: int) -> bytes:
        """See :class:`Origin`."""
        target = urljoin(self.url, href)
        if _place(target) != _place(self.url):
            raise CatalogError(f"{self.url} names {target!r:.200}, which lies elsewhere")
        return _get(target, most)


@dataclass(frozen=True, slots=True)
class FolderOrigin:
    """An item in a catalogue on this machine: files of the same catalogue only."""

    place: FolderPlace
    path: str
    remote: bool = False

    def read(self, href: str, most: int) -> bytes:
        """See :class:`Origin`."""
        target = resolved(href, self.path) if ":" not in href else None
        if target is None:
            raise CatalogError(f"{self.path} names {href!r:.200}, which lies elsewhere")
        with self.place.open(target) as stream:
            data = stream.read(most + 1)
        if len(data) > most:
            raise CatalogError(f"{target} has more than {most} bytes")
        return data


def fetch_item(url_or_path: str) -> tuple[Document, Origin]:
    """An item of this package, checked against its schemas, and where it came from.

    Raises
    ------
    InputError
        The address is none, or nothing is there.
    CatalogError
        What is there is no item of this package.
    """
    if urlsplit(url_or_path).scheme in ("http", "https"):
        data, origin = _get(url_or_path, MAX_DOCUMENT_BYTES), WebOrigin(url_or_path)
        return _parse(data, url_or_path), origin
    file = Path(url_or_path.removeprefix("file://")).expanduser().resolve()
    if "://" in url_or_path.removeprefix("file://") or not file.is_file():
        raise InputError(
            f"there is no item {url_or_path}", hint="give the URL or file of an item's JSON"
        )
    path = item_path(file.stem)
    place = FolderPlace(file.parents[2])
    if place.path(path) != file:
        raise InputError(f"{file} does not lie in a catalogue, as items/ID/ID.json")
    local = FolderOrigin(place, path)
    return _parse(local.read(f"./{file.name}", MAX_DOCUMENT_BYTES), url_or_path), local


def read_asset(document: Document, key: str, origin: Origin) -> bytes:
    """An item's file, of the size and checksum that the item says.

    Raises
    ------
    CatalogError
        It may not or cannot be read, or was changed.
    """
    asset: Mapping[str, Any] = document["assets"][key]
    size = asset.get("file:size")
    most = min(size, MAX_ASSET_BYTES) if isinstance(size, int) else MAX_ASSET_BYTES
    data = origin.read(str(asset["href"]), most)
    wanted = asset.get("file:checksum")
    if wanted is None or checksums.of_bytes(data) != wanted:
        raise CatalogError(
            f"asset {key} of {document['id']} is not what the item says: another checksum"
            if wanted is not None
            else f"asset {key} of {document['id']} has no checksum",
            hint="the file was changed after the item was written",
        )
    return data


def check_inputs(inputs: Document, *, remote: bool, local_files: bool) -> None:
    """Refuse frozen inputs of a stranger that would make this machine read its own files or nets.

    Raises
    ------
    CatalogError
        An asset has a scheme or host that may not be read.
    """
    if not remote:
        return
    for feature in inputs.get("features", []):
        for asset in feature.get("assets", {}).values():
            href = unquote(str(asset.get("href", "")))
            parts = urlsplit(href)
            web = parts.scheme in ("https", "http", "s3") and bool(parts.hostname)
            if (web and not _is_private(str(parts.hostname))) or (local_files and not parts.scheme):
                continue
            raise CatalogError(
                f"the inputs name {href!r:.200}, which an item from elsewhere may not",
                hint="--local-files lets them name files of this machine: only if you trust them",
            )


def _is_private(host: str) -> bool:
    if host == "localhost" or host.endswith((".localhost", ".local", ".internal")):
        return True
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return False


def _place(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port


def _get(url: str, most: int) -> bytes:
    try:
        answer = fetch(url, max_bytes=most, follow_redirects=False)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise CatalogError(f"{url} cannot be fetched: {error}") from error
    if answer.status != 200:
        raise CatalogError(f"{url} answers with HTTP {answer.status}")
    return answer.body


def _parse(data: bytes, name: str) -> Document:
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise CatalogError(f"{name} is no JSON: {error}") from error
    if not isinstance(document, dict):
        raise CatalogError(f"{name} is no item")
    _relative_for_schema(document)
    return document


def _relative_for_schema(document: Document) -> None:
    """Check an item against the schemas; an API has made its hrefs absolute, which is no fault."""
    checked = json.loads(json.dumps(document))
    for asset in checked.get("assets", {}).values() if isinstance(checked, dict) else []:
        if isinstance(asset, dict) and "://" in str(asset.get("href", "")):
            asset["href"] = "./" + str(asset["href"]).rsplit("/", 1)[-1]
    validate_item(checked)
