"""The pixels of an open raster on a grid: copied where grids agree, else interpolated."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from rasterio.windows import Window

from sarlra.compiled import compiled
from sarlra.composites import gdal
from sarlra.composites.handles import Raster
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

#: Grids agree where an offset is this close to a whole number of pixels.
ALIGNED = 1e-6


def read_pixels(result: NDArray[np.float32], href: str, raster: Raster, grid: PixelGrid) -> None:
    """Fill ``result`` with the grid's pixels; all NaN beside the image.

    Parameters
    ----------
    result
        (rows, columns) of ``grid``: linear power, NaN where not finite, no data or <= 0.
    href
        Of the raster, to name it.

    Raises
    ------
    AssetError
        The raster is far finer than the grid.
    """
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
