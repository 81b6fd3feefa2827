"""Addresses in items that nobody vouches for, made absolute, or refused."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
MAX_LENGTH = 8192


@dataclass(frozen=True, slots=True)
class Base:
    """Where an item was found: against what its relative hrefs are resolved.

    ``folder`` is the absolute folder of a local file (only such items may point at local files),
    ``url`` the item's own address on the web; one of the two at least.
    """

    folder: str | None = None
    url: str | None = None


def absolute_href(href: Any, base: Base) -> str:
    """An http, https or s3 URL, or an absolute local path.

    Raises
    ------
    ValueError
        The href is none, has another scheme or credentials, or an item from the web points at a
        local file.
    """
    if not isinstance(href, str) or not href.strip() or len(href) > MAX_LENGTH:
        raise ValueError("an href is missing or too long")
    if _CONTROL.search(href):
        raise ValueError("an href has control characters")
    scheme = _SCHEME.match(href)
    if scheme is not None:
        return _with_scheme(scheme.group(1).lower(), href, base)
    if href.startswith("/"):
        return _local(href, base)
    if base.folder is None:
        return _remote(urljoin(base.url or "", href))
    path = os.path.normpath(f"{base.folder}/{href}")
    if base.url is not None and not Path(path).exists():
        return _remote(urljoin(base.url, href))
    return _local(path, base)


def _with_scheme(scheme: str, href: str, base: Base) -> str:
    if scheme in ("http", "https", "s3"):
        return _remote(href)
    if scheme == "file":
        parts = urlsplit(href)
        if parts.netloc not in ("", "localhost"):
            raise ValueError(f"{href:.120} is on another machine")
        return _local(unquote(parts.path), base)
    raise ValueError(f"{href:.120} has the scheme {scheme}; http, https, s3 and files are read")


@lru_cache(maxsize=16384)  # every address is checked for the slice and for the frozen item
def _remote(href: str) -> str:
    parts = urlsplit(href)
    if parts.scheme.lower() not in ("http", "https", "s3") or not parts.hostname:
        raise ValueError(f"{href:.120} is no address")
    if parts.username is not None or parts.password is not None:
        raise ValueError("an href carries a user name or password")
    return href


def _local(path: str, base: Base) -> str:
    if base.folder is None:
        raise ValueError(f"{path:.120} is a local file, but the item is from the web")
    path = os.path.normpath(path)
    if path.startswith("//") or path == "/vsi" or path.startswith("/vsi"):
        raise ValueError(f"{path:.120} is no plain file")
    if not path.startswith("/"):
        raise ValueError(f"{path:.120} is no absolute path")
    return path
