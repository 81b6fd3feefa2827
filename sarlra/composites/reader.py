"""Reads one asset onto a grid: signed when opened, masked before any warp.

This is the core under both loaders. A read has a file for itself, which stays open for the next
only while a composite is computed (:mod:`sarlra.composites.handles`): so it is safe from any thread
and there is nothing to pickle but names. An asset is named in errors and logs by its unsigned href.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from rasterio.errors import RasterioError

from sarlra.composites import gdal
from sarlra.composites.handles import Raster, opened
from sarlra.composites.pixels import PixelGrid
from sarlra.composites.raster_pixels import ALIGNED, read_pixels
from sarlra.errors import AssetError
from sarlra.scenes.signing import SigningPolicy, forget, sign

logger = logging.getLogger(__name__)

#: Unsigned hrefs that this process has read; GDAL's caches are used for these only.
_good: set[str] = set()

#: What rasterio says where the reason is in the exception's cause.
_POINTER = "See previous exception for details."
_STATUS = re.compile(r"HTTP response code: (\d+)")


@dataclass(frozen=True, slots=True)
class StatedGrid:
    """The grid that an item states for its assets: see :class:`sarlra.scenes.model.Slice`."""

    epsg: int
    transform: tuple[float, float, float, float, float, float]
    shape: tuple[int, int]


def read_asset(
    href: str, grid: PixelGrid, signing: SigningPolicy | None, stated: StatedGrid | None = None
) -> NDArray[np.float32]:
    """Read one band of linear power onto a grid.

    Where the file's pixels are the grid's (same CRS and pixel, offset a whole number of pixels)
    they are copied, else they are interpolated bilinearly: see :mod:`sarlra.composites.resample`.
    Not finite, no data and <= 0 are masked first.

    Parameters
    ----------
    href
        Unsigned.
    grid
        What to read.
    signing
        How to sign the href when the file is opened; None leaves it as it is.
    stated
        What the item says of the file's grid. The file's own grid is used; that the two differ
        is logged, once per href.

    Returns
    -------
    (rows, columns) of ``grid``, float32, linear power, NaN = no data; all NaN beside the image.

    Raises
    ------
    AssetError
        The file is missing, refused, truncated, or no raster of one real band on a known grid.
    SigningError
        No token could be had.
    """
    result = np.empty(grid.shape, np.float32)
    read_into(result, href, grid, signing, stated)
    return result


def read_into(
    result: NDArray[np.float32],
    href: str,
    grid: PixelGrid,
    signing: SigningPolicy | None,
    stated: StatedGrid | None = None,
) -> None:
    """The same into an array of the grid's shape, rows one behind the other in memory."""
    gdal.check_href(href)
    gdal.guard_logs()
    failure = _attempt(result, href, grid, signing, stated)
    if failure is not None and failure.status != 404 and _is_signed(href, signing):
        # The token may have run out between two reads, or been withdrawn.
        forget(href, signing)
        failure = _attempt(result, href, grid, signing, stated)
    if failure is not None:
        # Raised outside of the handler: the original exception names the signed URL.
        raise AssetError(
            f"asset {gdal.without_query(href)} cannot be read: {failure.reason}", hint=failure.hint
        )


@dataclass(frozen=True, slots=True)
class _Failure:
    """Why a read failed, without any token."""

    reason: str
    status: int | None

    @property
    def hint(self) -> str:
        if self.status == 404 or "No such file" in self.reason:
            return "it is gone: search again, or drop its item from the frozen search result"
        if self.status in (401, 403):
            return "access was refused: check the source's signing and its subscription key"
        return "it may be truncated or corrupt: fetch it again, or drop its item"


def _is_signed(href: str, signing: SigningPolicy | None) -> bool:
    return signing is not None and sign(href, signing) != href


def _attempt(
    result: NDArray[np.float32],
    href: str,
    grid: PixelGrid,
    signing: SigningPolicy | None,
    stated: StatedGrid | None,
) -> _Failure | None:
    """Open, read, close; errors of GDAL come back as a :class:`_Failure`."""
    signed = sign(href, signing)
    try:
        with opened(signed, cached=href in _good) as raster:
            _check(href, raster, stated)
            read_pixels(result, href, raster, grid)
        _good.add(href)
        return None
    except RasterioError as error:
        _good.discard(href)
        texts = [str(e).replace(_POINTER, "") for e in _chain(error)]
        status = next((int(m.group(1)) for t in texts if (m := _STATUS.search(t))), None)
        reason = "; ".join(dict.fromkeys(t.strip() for t in texts if t.strip()))
        reason = reason.replace(signed, href)
        return _Failure(gdal.without_query(reason) or type(error).__name__, status)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An exception and what caused it."""
    current: BaseException | None = error
    while current is not None:
        yield current
        current = current.__cause__ or current.__context__


def _check(href: str, raster: Raster, stated: StatedGrid | None) -> None:
    """Refuse what is no band of power on a grid; say where the item is wrong about the grid."""
    if len(raster.dtypes) != 1 or raster.dtypes[0].startswith(("complex", "c")):
        kinds = ", ".join(sorted(set(raster.dtypes)))
        raise AssetError(
            f"asset {gdal.without_query(href)} has {len(raster.dtypes)} bands of {kinds}",
            hint="an asset of backscatter is one band of real numbers",
        )
    if not raster.wkt or raster.transform.is_degenerate or raster.transform.is_identity:
        raise AssetError(
            f"asset {gdal.without_query(href)} has no CRS or no transform",
            hint="only terrain corrected scenes on a map grid can be composited",
        )
    if stated is not None:
        own = StatedGrid(raster.epsg, raster.transform[:6], raster.shape)
        if not _same_grid(own, stated):
            _warn_of_grid(gdal.without_query(href), own, stated)


@lru_cache(maxsize=4096)
def _same_grid(own: StatedGrid, stated: StatedGrid) -> bool:
    pixel = max(abs(own.transform[0]), abs(own.transform[4]), 1e-12)
    near = np.allclose(own.transform, stated.transform, rtol=0.0, atol=ALIGNED * pixel)
    return bool(near) and own.epsg == stated.epsg and own.shape == stated.shape


@lru_cache(maxsize=4096)
def _warn_of_grid(name: str, own: StatedGrid, stated: StatedGrid) -> None:
    """Cached, so that it is said once per process and not for every block."""
    logger.warning(
        "asset %s is on another grid than its item states; the file's is used: "
        "EPSG:%s %s %s, stated EPSG:%s %s %s",
        *(name, own.epsg, own.transform, own.shape),
        *(stated.epsg, stated.transform, stated.shape),
    )
