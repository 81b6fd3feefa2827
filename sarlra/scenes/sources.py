"""Where acquisitions are searched: a source of the catalogue, a STAC API, or a local file."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urldefrag, urlsplit

import httpx

from sarlra.catalogs import catalogs_folder
from sarlra.errors import SourceError
from sarlra.events.files import existing, parse_json, read_json_file
from sarlra.events.web import fetch
from sarlra.scenes.items import load_items
from sarlra.scenes.signing import SigningPolicy, covers

PARAMETERS = "sarlra:search"
"""The foreign member of a frozen ItemCollection that holds the search's parameters."""
_MAX_LANDING_BYTES = 8 * 2**20


@dataclass(frozen=True, slots=True)
class Source:
    """Where to search; hashable and picklable, holds no secret.

    Parameters
    ----------
    name
        Of the catalogue, or the URL or path as given.
    kind
        ``api``: a STAC API; ``file``: items in a local file or static catalogue.
    location
        The API's landing page, or the absolute path.
    collections
        Only items of these; empty for all.
    signing
        How hrefs are signed when they are opened; None where they need none.
    described
        For a frozen file the description (JSON) of the source that was searched; else empty.
    """

    name: str
    kind: Literal["api", "file"]
    location: str
    collections: tuple[str, ...] = ()
    signing: SigningPolicy | None = None
    described: str = ""

    def description(self) -> dict[str, Any]:
        """The source as JSON values, from which :func:`read_description` makes it again."""
        if self.described:
            return dict(json.loads(self.described))
        signing = None
        if self.signing is not None:
            signing = {"token_url": self.signing.token_url, "hosts": list(self.signing.hosts)}
        return {
            "name": self.name,
            "kind": self.kind,
            "location": self.location,
            "collections": list(self.collections),
            "signing": signing,
        }


def open_source(text: str) -> Source:
    """Find out which source is meant, and that it is one.

    Parameters
    ----------
    text
        A name in ``catalogs/sources``; the URL of a STAC API's landing page (``URL#COLLECTION``
        restricts it); or a path: a description as in ``catalogs/sources``, an ItemCollection (also
        a frozen one), one item, a static ``catalog.json`` or ``collection.json``, or a
        stac-geoparquet file. ``SARLRA_TOKEN_URL`` and ``SARLRA_TOKEN_HOSTS`` (patterns with commas
        between) replace what the source says about signing.

    Raises
    ------
    SourceError
        It is none of these, or cannot be read as one.
    """
    text = text.strip()
    if text.startswith(("http://", "https://")):
        return _with_environment(_api(text))
    named = catalogs_folder() / "sources" / f"{text}.json"
    if text in known_names():
        return _with_environment(read_description(read_json_file(named, SourceError), named))
    path = existing(text)
    if path is None:
        raise SourceError(
            f"the source {text!r:.200} is no name, no URL and no file",
            hint=f"names are {', '.join(known_names())}",
        )
    if path.is_dir():
        inside = ("catalog.json", "collection.json", "items.json")
        path = next((path / name for name in inside if (path / name).is_file()), path)
    return _with_environment(_file(path.resolve()))


def known_names() -> tuple[str, ...]:
    """The names of the sources in the catalogue."""
    return tuple(sorted(path.stem for path in (catalogs_folder() / "sources").glob("*.json")))


def read_description(content: Any, path: Path) -> Source:
    """A source from its description (``catalogs/sources/NAME.json``).

    Raises
    ------
    SourceError
        A part is missing or malformed.
    """
    try:
        kind, location, name = content["kind"], content["location"], content["name"]
        collections = tuple(content.get("collections", ()))
        if kind not in ("api", "file") or not all(
            isinstance(value, str) for value in (name, location, *collections)
        ):
            raise ValueError("kind, location, name or collections are malformed")
        if kind == "file":
            location = str((path.parent / location).resolve())
        elif not location.startswith(("http://", "https://")):
            raise ValueError(f"{location:.120} is no URL")
        signing = _policy(content.get("signing"))
    except (KeyError, TypeError, ValueError, AttributeError) as cause:
        raise SourceError(f"{path} is no description of a source: {cause!r}") from cause
    return Source(name, kind, location, collections, signing)


def _policy(content: Mapping[str, Any] | None) -> SigningPolicy | None:
    if content is None:
        return None
    url, hosts = content["token_url"], tuple(content["hosts"])
    if not isinstance(url, str) or urlsplit(url).scheme not in ("http", "https"):
        raise ValueError(f"the token_url {url!r:.120} is no URL")
    if not hosts or not all(isinstance(host, str) and host.strip("*?.") for host in hosts):
        raise ValueError("the hosts to sign for are missing or match everything")
    return SigningPolicy(url, hosts)


def _with_environment(source: Source) -> Source:
    url = os.environ.get("SARLRA_TOKEN_URL")
    hosts = tuple(h for h in os.environ.get("SARLRA_TOKEN_HOSTS", "").split(",") if h.strip())
    if not url or not (hosts or source.signing):
        return source
    stated = source.signing.hosts if source.signing else ()
    return replace(source, signing=SigningPolicy(url, hosts or stated))


def _api(text: str) -> Source:
    url, collection = urldefrag(text)
    for name in known_names():
        path = catalogs_folder() / "sources" / f"{name}.json"
        known = read_description(read_json_file(path, SourceError), path)
        if known.location.rstrip("/") == url.rstrip("/"):
            return replace(known, collections=(collection,)) if collection else known
    hint = "give the URL of a STAC API's landing page; save a static catalogue to a folder first"
    try:
        answer = fetch(url, max_bytes=_MAX_LANDING_BYTES, budget_s=30.0)
    except (httpx.HTTPError, httpx.InvalidURL) as cause:
        raise SourceError(f"the source {url} gives no answer: {cause}", hint=hint) from cause
    if answer.status != 200:
        raise SourceError(f"the source {url} answers with HTTP {answer.status}", hint=hint)
    landing = parse_json(answer.body, f"the source {url}", SourceError)
    links = landing.get("links") if isinstance(landing, dict) else None
    rels = [x.get("rel") for x in links if isinstance(x, dict)] if isinstance(links, list) else []
    if "search" not in rels and not (isinstance(landing, dict) and landing.get("conformsTo")):
        raise SourceError(
            f"the source {url} is no STAC API: its landing page has no search", hint=hint
        )
    return Source(text, "api", url, (collection,) if collection else ())


def _file(path: Path) -> Source:
    if path.suffix.lower() not in (".parquet", ".geoparquet"):
        content = read_json_file(path, SourceError)
        if isinstance(content, dict) and {"kind", "location"} <= content.keys():
            return read_description(content, path)
        if isinstance(content, dict) and PARAMETERS in content:
            return _frozen(content, path)
    load_items(path)
    return Source(str(path), "file", str(path), (), _known_policy(path))


def _frozen(content: Mapping[str, Any], path: Path) -> Source:
    load_items(path)
    try:
        described = content[PARAMETERS]["source"]
        signing = _policy(described["signing"])
        text = json.dumps(described, sort_keys=True)
    except (KeyError, TypeError, ValueError, AttributeError) as cause:
        raise SourceError(f"{path} is frozen, but its search is damaged: {cause!r}") from cause
    return Source(str(path), "file", str(path), (), signing, text)


def _known_policy(path: Path) -> SigningPolicy | None:
    """How the catalogue's sources sign, where the file holds items of one of them."""
    for name in known_names():
        config = catalogs_folder() / "sources" / f"{name}.json"
        known = read_description(read_json_file(config, SourceError), config)
        for found in load_items(path):
            assets = found.item.get("assets")
            if (
                known.signing is not None
                and found.item.get("collection") in known.collections
                and isinstance(assets, dict)
                and any(
                    isinstance(asset, dict) and covers(known.signing, str(asset.get("href")))
                    for asset in assets.values()
                )
            ):
                return known.signing
    return None
