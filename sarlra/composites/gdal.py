"""How GDAL is set up for reading assets, and how its messages are kept free of tokens."""

from __future__ import annotations

import logging
import os
import re

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
    # Headers are read again for every block; they are to come from memory.
    "VSI_CACHE": "TRUE",
    "VSI_CACHE_SIZE": "5000000",
    "CPL_VSIL_CURL_CACHE_SIZE": "67108864",
}

#: What an href may start with, apart from a plain path.
SCHEMES = frozenset({"file", "http", "https", "s3", "gs", "az", "abfs", "abfss"})

_QUERY = re.compile(r"(https?://[^\s'\"?]+)\?[^\s'\"]*")
_SCHEME = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*):(?=//)")


def settings() -> dict[str, str]:
    """The settings that the environment does not set itself."""
    return {name: value for name, value in SETTINGS.items() if name not in os.environ}


def without_query(text: str) -> str:
    """``text`` with the queries of its URLs removed: that is where tokens are."""
    return _QUERY.sub(r"\1", text)


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
