"""Documents as others see them: absolute addresses, and only of allowed schemes and hosts."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from sarlra.catalog.names import resolved
from sarlra.errors import SarlraError
from sarlra.serving.results import Document, Entry

#: Schemes that an address may have that points out of the catalogue.
SCHEMES = frozenset({"https", "http", "s3", "gs", "abfs", "abfss"})
_OWN = frozenset({"root", "parent", "collection", "item", "child", "self", "items"})


def with_assets_at(entry: Entry, assets_url: str) -> Document:
    """A copy whose assets and remaining links are absolute.

    Parameters
    ----------
    assets_url
        Where the catalogue's root is served, without a slash at the end.

    Notes
    -----
    Links of the static catalogue's tree are left out; whoever serves the document has its own.
    Assets and links of other schemes than :data:`SCHEMES` (``file``, ``javascript``, local paths)
    are left out too.
    """
    document = copy.deepcopy(entry.document)
    assets: dict[str, Any] = {}
    for key, asset in document.get("assets", {}).items():
        if (href := absolute(asset.get("href"), entry.path, assets_url)) is not None:
            assets[key] = {**asset, "href": href}
    document["assets"] = assets
    document["links"] = list(_links(document["links"], entry.path, assets_url))
    return document


def _links(
    links: Iterable[Mapping[str, Any]], path: str, assets_url: str
) -> Iterable[dict[str, Any]]:
    for link in links:
        if link.get("rel") in _OWN:
            continue
        if (href := absolute(link.get("href"), path, assets_url)) is not None:
            yield {**link, "href": href}


def absolute(href: Any, path: str, assets_url: str) -> str | None:
    """The address of an href found in the file ``path``; None where it may not be followed."""
    if not isinstance(href, str) or any(ord(c) < 32 for c in href):
        return None
    if "://" in href or ":" in href.split("/", 1)[0]:
        return href if is_allowed(href) else None
    target, hash_sign, fragment = href.partition("#")
    try:
        inner = resolved(target, path)
    except SarlraError:
        return None
    if inner is None:
        return None
    return f"{assets_url}/{quote(inner)}{hash_sign}{fragment}"


def is_allowed(href: str, hosts: frozenset[str] | None = None) -> bool:
    """Whether an absolute address has an allowed scheme, a host (of ``hosts``), no credentials."""
    try:
        parts = urlsplit(href)
        host = parts.hostname
    except ValueError:
        return False
    if parts.scheme not in SCHEMES or not host or parts.username or parts.password:
        return False
    return hosts is None or host in hosts
