"""Open files, kept while a composite is computed.

A file is read in many windows, one after the other and from several threads. To open it costs a
millisecond, or a request or two over a network, and GDAL forgets the blocks that it decoded when a
file is closed; blocks that lie across the edge of a window would be decoded again. So within
:func:`kept_open` a file that was read stays open for the next reader, one thread at a time.
Outside of it nothing stays open.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import rasterio

from sarlra.composites import gdal

#: Bytes of decoded blocks that GDAL keeps: what a row of blocks of some dozens of files takes.
BLOCK_CACHE = 256 * 2**20
#: Files kept open at most; more are closed after each read.
MOST = 256

_lock = threading.Lock()
_idle: dict[str, list[rasterio.io.DatasetReader]] = {}
_users = 0


@contextmanager
def kept_open() -> Iterator[None]:
    """Keep what is read open until this ends; several may overlap."""
    global _users
    with _lock:
        _users += 1
    try:
        with rasterio.Env(GDAL_CACHEMAX=BLOCK_CACHE):
            yield
    finally:
        with _lock:
            _users -= 1
            left = [] if _users else [one for same in _idle.values() for one in same]
            if not _users:
                _idle.clear()
        for source in left:
            source.close()


@contextmanager
def opened(signed: str, *, cached: bool) -> Iterator[rasterio.io.DatasetReader]:
    """A GeoTIFF, and nothing else that GDAL could take it for, for one thread.

    A file whose reading failed is closed: it, or the token in its address, may be stale.

    Parameters
    ----------
    signed
        As GDAL is to open it.
    cached
        See :func:`sarlra.composites.gdal.settings`.
    """
    with rasterio.Env(**gdal.settings(cached=cached, remote="://" in signed)):
        source = _take(signed) or rasterio.open(signed, driver="GTiff", sharing=False)
        try:
            yield source
        except BaseException:
            source.close()
            raise
        if not _give_back(signed, source):
            source.close()


def _take(signed: str) -> rasterio.io.DatasetReader | None:
    with _lock:
        same = _idle.get(signed)
        return same.pop() if same else None


def _give_back(signed: str, source: rasterio.io.DatasetReader) -> bool:
    with _lock:
        if not _users or sum(len(same) for same in _idle.values()) >= MOST:
            return False
        _idle.setdefault(signed, []).append(source)
        return True
