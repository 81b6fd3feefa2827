"""Heights on a grid, from a file or from a STAC source.

Copernicus GLO-30 gives heights over the EGM2008 geoid. They are used as they are: slopes over the
geoid and over the ellipsoid differ by the geoid's own slope (under 1e-4), and incidences by 0.005
deg for 100 m of undulation, so nothing here is corrected for it.

Heights are interpolated by cubic convolution, so that slopes have no facets. Voids up to
:data:`FILLED_PX` pixels wide are filled from around them; where the DEM has nothing, the height is
NaN (unknown, also at sea where GLO-30 has no tile).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from rasterio.errors import RasterioError
from rasterio.fill import fillnodata
from rasterio.warp import Resampling, reproject, transform_bounds
from rasterio.windows import Window

from sarlra.errors import TerrainError
from sarlra.terrain.choice import DemSource
from sarlra.terrain.dem_stac import read_native
from sarlra.terrain.ground import GroundGrid
from sarlra.terrain.native import MAX_PIXELS, NativeDem, coarser_by

F32 = NDArray[np.float32]

FILLED_PX = 16
"""Voids are filled from valid heights up to this far away."""
LOWEST_M, HIGHEST_M = -500.0, 9000.0
"""Heights beyond these are voids: the Dead Sea lies at -430 m, Mount Everest at 8,849 m."""
_RIM_PX = 4


def read_dem(dem: DemSource, grid: GroundGrid) -> F32:
    """Heights on a grid: (rows, columns) float32, metres, NaN where there are none.

    Raises
    ------
    TerrainError
        The DEM cannot be read, does not cover any of the grid, or has only voids there.
    """
    if dem.file is None and dem.source is not None:
        native = read_native(dem.source, grid)
    else:
        native = read_file(dem.file or Path(), grid)
    heights = onto(native, grid)
    if not np.isfinite(heights).any():
        raise TerrainError(
            f"the DEM {dem.name} has no height in the area",
            hint="all of it is void there: give another with --dem",
        )
    return heights


def onto(native: NativeDem, grid: GroundGrid) -> F32:
    """Interpolate heights onto a grid by cubic convolution; voids are filled first."""
    heights = fill_voids(native.heights)
    if (native.crs, native.transform, heights.shape) == (grid.crs, grid.transform, grid.shape):
        return heights
    result = np.full(grid.shape, np.nan, dtype=np.float32)
    reproject(
        heights,
        result,
        src_transform=native.transform,
        src_crs=native.crs,
        src_nodata=np.nan,
        dst_transform=grid.transform,
        dst_crs=grid.crs,
        dst_nodata=np.nan,
        resampling=Resampling.cubic,
        num_threads=2,
        # In source pixels: a tenth of a metre or so.
        tolerance=0.005,
    )
    return result


def fill_voids(heights: F32) -> F32:
    """Fill voids from around them, up to :data:`FILLED_PX` away; impossible heights are voids."""
    with np.errstate(invalid="ignore"):
        good = (heights >= LOWEST_M) & (heights <= HIGHEST_M)
    if good.all():
        return heights
    if not good.any():
        return np.full_like(heights, np.nan)
    filled: F32 = fillnodata(
        np.where(good, heights, 0.0).astype(np.float32),
        mask=good.astype(np.uint8),
        max_search_distance=FILLED_PX,
    )
    # What is too far from any height stays as it was given.
    from scipy.ndimage import distance_transform_edt

    filled[distance_transform_edt(~good) > FILLED_PX] = np.nan
    return filled


def read_file(path: Path, grid: GroundGrid, *, coarse: bool = False) -> NativeDem:
    """The part of a DEM file around a grid, with a rim for interpolation.

    With ``coarse`` it is read about as coarsely as the grid is, from the file's overviews.

    Raises
    ------
    TerrainError
        It cannot be read, has no CRS, or lies elsewhere.
    """
    return _opened(path, lambda dataset: _window(dataset, path, grid, coarse))


def read_whole(path: Path) -> NativeDem:
    """A whole DEM file.

    Raises
    ------
    TerrainError
        It cannot be read, has no CRS, or is too large.
    """

    def whole(dataset: rasterio.io.DatasetReader) -> NativeDem:
        return _read(dataset, Window(0, 0, dataset.width, dataset.height), str(path))

    return _opened(path, whole)


def _opened(path: Path, read: Callable[[rasterio.io.DatasetReader], NativeDem]) -> NativeDem:
    try:
        with rasterio.open(path) as dataset:
            if dataset.crs is None or dataset.transform.is_identity:
                raise TerrainError(f"the DEM {path} has no CRS", hint="it is no map: assign one")
            if dataset.count != 1 or dataset.dtypes[0].startswith("c"):
                raise TerrainError(f"the DEM {path} has {dataset.count} bands; heights are one")
            if dataset.transform.b or dataset.transform.d or dataset.transform.e >= 0:
                raise TerrainError(f"the DEM {path} is not north up", hint="warp it first")
            return read(dataset)
    except RasterioError as cause:
        raise TerrainError(
            f"the DEM {path} cannot be read: {cause}", hint="give a GeoTIFF of heights in metres"
        ) from cause


def _window(
    dataset: rasterio.io.DatasetReader, path: Path, grid: GroundGrid, coarse: bool
) -> NativeDem:
    left, bottom, right, top = transform_bounds(grid.crs, dataset.crs, *grid.bounds, densify_pts=21)
    t = dataset.transform
    col0, col1 = int(np.floor((left - t.c) / t.a)), int(np.ceil((right - t.c) / t.a))
    row0, row1 = int(np.floor((top - t.f) / t.e)), int(np.ceil((bottom - t.f) / t.e))
    by = coarser_by((row1 - row0, col1 - col0), grid) if coarse else 1
    col0, row0 = max(col0 - _RIM_PX, 0), max(row0 - _RIM_PX, 0)
    col1, row1 = min(col1 + _RIM_PX, dataset.width), min(row1 + _RIM_PX, dataset.height)
    if col1 - col0 < 2 or row1 - row0 < 2:
        raise TerrainError(
            f"the DEM {path} does not cover the area: it spans {tuple(dataset.bounds)} of "
            f"{dataset.crs}, the area is {(left, bottom, right, top)} there",
            hint="give one that does with --dem, or none",
        )
    return _read(dataset, Window(col0, row0, col1 - col0, row1 - row0), str(path), by)


def _read(
    dataset: rasterio.io.DatasetReader, window: Window, name: str, coarser: int = 1
) -> NativeDem:
    if window.width * window.height > MAX_PIXELS * coarser**2:
        raise TerrainError(
            f"the DEM {name} has {window.width:.0f} x {window.height:.0f} pixels there, too many",
            hint="cut it to the area, or make it coarser",
        )
    shape = (max(1, int(window.height) // coarser), max(1, int(window.width) // coarser))
    values = dataset.read(1, window=window, masked=True, out_shape=shape).astype(np.float32)
    heights = np.asarray(np.ma.filled(values, np.nan), dtype=np.float32)
    crs = dataset.crs.to_epsg()
    return NativeDem(
        heights,
        f"EPSG:{crs}" if crs else dataset.crs.to_wkt(),
        dataset.window_transform(window)
        @ Affine.scale(window.width / shape[1], window.height / shape[0]),
    )
