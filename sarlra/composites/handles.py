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
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

import rasterio
from affine import Affine

from sarlra.composites import gdal

#: Bytes of decoded blocks that GDAL keeps: those at the edges of what the threads are reading. With
#: 256 or 448 MiB images that lie askew to the tile's blocks took no less time (5.5 s each).
BLOCK_CACHE = 32 * 2**20
#: Files kept open at most; more are closed after each read.
MOST = 256

_lock = threading.Lock()
_idle: dict[str, list[Raster]] = {}
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
        for raster in left:
            raster.source.close()


@dataclass(frozen=True, slots=True)
class Raster:
    """An open file, and what is asked of it at every read; to ask GDAL takes its time."""

    source: rasterio.io.DatasetReader
    wkt: str
    epsg: int
    transform: Affine
    shape: tuple[int, int]
    dtypes: tuple[str, ...]
    nodata: float | None

    @classmethod
    def of(cls, source: rasterio.io.DatasetReader) -> Raster:
        """Ask once. ``wkt`` is empty where there is no CRS, ``epsg`` 0 where it has no number."""
        crs = source.crs
        return cls(
            source,
            "" if crs is None else str(crs.to_wkt()),
            0 if crs is None else crs.to_epsg() or 0,
            source.transform,
            source.shape,
            source.dtypes,
            source.nodata,
        )


@contextmanager
def opened(signed: str, *, cached: bool) -> Iterator[Raster]:
    """A GeoTIFF, and nothing else that GDAL could take it for, for one thread.

    A file whose reading failed is closed: it, or the token in its address, may be stale.

    Parameters
    ----------
    signed
        As GDAL is to open it.
    cached
        See :func:`sarlra.composites.gdal.settings`.
    """
    kept = _take(signed)
    # Settings matter where something is opened or fetched; to make them takes its time too.
    needed = kept is None or "://" in signed
    with rasterio.Env(**gdal.settings(cached=cached)) if needed else nullcontext():
        raster = kept or Raster.of(rasterio.open(signed, driver="GTiff", sharing=False))
        try:
            yield raster
        except BaseException:
            raster.source.close()
            raise
        if not _give_back(signed, raster):
            raster.source.close()


def _take(signed: str) -> Raster | None:
    with _lock:
        same = _idle.get(signed)
        return same.pop() if same else None


def _give_back(signed: str, raster: Raster) -> bool:
    with _lock:
        if not _users or sum(len(same) for same in _idle.values()) >= MOST:
            return False
        _idle.setdefault(signed, []).append(raster)
        return True
