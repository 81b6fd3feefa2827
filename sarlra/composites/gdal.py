"""How GDAL is set up for reading assets, and how its messages are kept free of tokens."""

from __future__ import annotations

import logging
import os
import re
from urllib.parse import urlsplit

from sarlra.errors import AssetError

#: Settings of GDAL while an asset is open; what the environment sets wins.
SETTINGS = {
    # Sidecar files and folder listings cost a request each and are never there.
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_HTTP_MAX_RETRY": "5",
    "GDAL_HTTP_RETRY_DELAY": "0.5",
    "GDAL_HTTP_CONNECTTIMEOUT": "20",
    "GDAL_HTTP_TIMEOUT": "120",
    "GDAL_HTTP_MERGE_CONSECUTIVE_RANGES": "YES",
    "GDAL_INGESTED_BYTES_AT_OPEN": "32768",
    "CPL_VSIL_CURL_CACHE_SIZE": "67108864",
}

#: What an href may start with, apart from a plain path.
SCHEMES = frozenset({"file", "http", "https", "s3", "gs", "az"})

# A query up to the next blank or quote, but not the punctuation before it. GDAL names files by
# their last part too (``scene.tif?sig=...``), so this is not only about whole URLs.
_QUERY = re.compile(r"\?(?=[^\s'\"]*=)[^\s'\"]*?(?=[,:;.)]*(?:[\s'\"]|$))")
_SCHEME = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*):(?=//)")


# GDAL remembers for the life of a process that an address gave nothing. What was read before is
# read through its caches; what was not, past them, so that a worker can try again later.
_UNCACHED = {"CPL_VSIL_CURL_NON_CACHED": "/vsicurl/http:/vsis3/:/vsigs/:/vsiaz/:/vsiadls/"}


def settings(*, cached: bool) -> dict[str, str]:
    """The settings that the environment does not set itself.

    With ``cached`` False nothing that is learnt about the file outlives its closing.
    """
    chosen = SETTINGS | _endpoint() | ({} if cached else _UNCACHED)
    return {name: value for name, value in chosen.items() if name not in os.environ}


def _endpoint() -> dict[str, str]:
    """The endpoint of S3 in GDAL's words, from the variable that all other libraries read."""
    parts = urlsplit(os.environ.get("AWS_ENDPOINT_URL", ""))
    if not parts.netloc:
        return {}
    https = "YES" if parts.scheme == "https" else "NO"
    return {
        "AWS_S3_ENDPOINT": parts.netloc,
        "AWS_HTTPS": https,
        "AWS_VIRTUAL_HOSTING": "FALSE",
    }


def without_query(text: str) -> str:
    """``text`` with the queries of its URLs and files removed: that is where tokens are."""
    return _QUERY.sub("", text)


def check_href(href: str) -> str:
    """Refuse what is no address of a file.

    GDAL takes a whole virtual dataset as a "name", and ``/vsi...`` chains that read other files:
    an item from outside must not reach them.

    Raises
    ------
    AssetError
        The href is neither a path nor a URL of a known kind.
    """
    scheme = _SCHEME.match(href)
    if scheme is not None:
        if scheme.group(1).lower() in SCHEMES:
            return href
    elif href.strip() and not href.lstrip().startswith(("<", "/vsi")) and "\x00" not in href:
        return href
    raise AssetError(
        f"asset {without_query(href)[:200]!r} is no address that is read",
        hint="hrefs are paths or URLs of " + ", ".join(sorted(SCHEMES)),
    )


class _TokenFilter(logging.Filter):
    """Removes queries of URLs from what rasterio passes on from GDAL."""

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        if "?" in message:
            record.msg, record.args = without_query(message), ()
        return True


def guard_logs() -> None:
    """Keep tokens out of rasterio's log records; once per process, repeating it is harmless."""
    for name in ("rasterio", "rasterio._env", "rasterio._err", "rasterio._base", "rasterio._io"):
        logger = logging.getLogger(name)
        if not any(isinstance(f, _TokenFilter) for f in logger.filters):
            logger.addFilter(_TokenFilter())
