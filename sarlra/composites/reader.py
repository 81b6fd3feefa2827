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
import rasterio
from affine import Affine
from numpy.typing import NDArray
from rasterio.errors import RasterioError
from rasterio.windows import Window

from sarlra.compiled import compiled
from sarlra.composites import gdal
from sarlra.composites.handles import Raster, opened
from sarlra.composites.pixels import PixelGrid
from sarlra.composites.resample import (
    LARGEST_REDUCTION,
    SourceWindow,
    bilinear,
    needed_window,
    reduction,
    source_places,
)
from sarlra.errors import AssetError
from sarlra.scenes.signing import SigningPolicy, forget, sign

logger = logging.getLogger(__name__)

#: Unsigned hrefs that this process has read; GDAL's caches are used for these only.
_good: set[str] = set()

#: Grids agree where an offset is this close to a whole number of pixels.
ALIGNED = 1e-6

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
            _read(result, href, raster, grid)
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


def _read(result: NDArray[np.float32], href: str, raster: Raster, grid: PixelGrid) -> None:
    transform, shape = raster.transform, raster.shape
    crs = _name_of(raster.wkt, grid.epsg)
    offset = _whole_offset(grid, crs, transform)
    if offset is not None:
        _copy(result, raster, grid, offset)
        return
    scale = reduction(grid.epsg, grid.resolution, crs, transform, shape)
    if scale > LARGEST_REDUCTION:
        raise AssetError(
            f"asset {gdal.without_query(href)} is {scale:.0f} times finer than the composite",
            hint=f"choose a resolution at most {LARGEST_REDUCTION:.0f} times that of the scenes",
        )
    places = source_places(grid, crs, transform)
    window = needed_window(places, scale, shape)
    if window is None:
        result[...] = np.nan
    else:
        result[...] = bilinear(_masked(raster, window), window, places, scale)


def _copy(
    result: NDArray[np.float32], raster: Raster, grid: PixelGrid, offset: tuple[int, int]
) -> None:
    """The grid's pixels where they are the file's own, ``offset`` rows and columns into it."""
    (row, col), (rows, cols) = offset, raster.shape
    row0, row1 = max(row, 0), min(row + grid.rows, rows)
    col0, col1 = max(col, 0), min(col + grid.cols, cols)
    window = SourceWindow(row0, row1, col0, col1)
    if (row0, row1, col0, col1) == (row, row + grid.rows, col, col + grid.cols):
        _masked(raster, window, result)
        return
    result[...] = np.nan
    if row0 < row1 and col0 < col1:
        result[row0 - row : row1 - row, col0 - col : col1 - col] = _masked(raster, window)


@lru_cache(maxsize=256)
def _name_of(wkt: str, epsg: int) -> str:
    """The CRS as ``EPSG:n`` where it is that of the grid, else as WKT."""
    same = rasterio.crs.CRS.from_wkt(wkt) == rasterio.crs.CRS.from_epsg(epsg)
    return f"EPSG:{epsg}" if same else wkt


def _whole_offset(grid: PixelGrid, crs: str, transform: Affine) -> tuple[int, int] | None:
    """Row and column of the image at the grid's corner, where the pixels of both agree."""
    r = grid.resolution
    parallel = transform.b == 0.0 and transform.d == 0.0
    # A pixel wrong by this much adds up to ALIGNED over the widest grid.
    same = abs(transform.a - r) <= ALIGNED * r / max(grid.shape) and abs(
        transform.e + r
    ) <= ALIGNED * r / max(grid.shape)
    if crs != f"EPSG:{grid.epsg}" or not parallel or not same:
        return None
    col = grid.left - transform.c / r
    row = transform.f / r - grid.top
    if abs(col - round(col)) > ALIGNED or abs(row - round(row)) > ALIGNED:
        return None
    return round(row), round(col)


def _masked(
    raster: Raster, window: SourceWindow, result: NDArray[np.float32] | None = None
) -> NDArray[np.float32]:
    """A window of the file as float32 with NaN for not finite, no data and <= 0.

    It is read straight into ``result``, where that is given and the file is of float32.
    """
    floats = raster.dtypes[0] == "float32"
    raw = raster.source.read(
        1,
        window=Window(
            window.col0, window.row0, window.col1 - window.col0, window.row1 - window.row0
        ),
        out=result if floats else None,
    )
    nodata = np.nan if raster.nodata is None else raster.nodata
    with np.errstate(invalid="ignore", over="ignore"):
        values: NDArray[np.float32] = raw.astype(np.float32, copy=False)
        if floats:
            mask(values, np.float32(nodata))
        else:
            mask(values, np.float32(np.nan))
            values[raw == nodata] = np.nan
            if result is not None:
                result[...] = values
    return values


@compiled
def mask(values, nodata):  # type: ignore[no-untyped-def]
    """Set to NaN what is not finite, not above 0, or ``nodata`` (NaN: there is none), in place."""
    infinite, nothing = np.float32(np.inf), np.float32(np.nan)
    flat = values.ravel()
    for index in range(flat.size):
        value = flat[index]
        good = (value > 0) & (value < infinite) & (value != nodata)
        flat[index] = value if good else nothing
