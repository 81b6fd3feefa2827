"""Pixels of an item's rasters: COGs by their overviews, composites from their Zarr group."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import rasterio
import zarr
from affine import Affine
from morecantile import Tile as MapTile
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.warp import Resampling, reproject, transform_bounds
from rio_tiler.constants import WEB_MERCATOR_TMS
from rio_tiler.errors import TileOutsideBounds
from rio_tiler.io import Reader

from sarlra.catalog.assets import ZARR
from sarlra.catalog.names import resolved
from sarlra.composites.access import open_store
from sarlra.errors import CatalogError
from sarlra.serving.limits import MAX_FLAT_PIXELS, MAX_STORE_PIXELS, TILE_SIZE
from sarlra.serving.looks import NO_DATA
from sarlra.serving.results import Entry, Results

Pixels = tuple[NDArray[Any], NDArray[np.bool_]]
COG_TYPE = "image/tiff"


def drawable_bands(asset: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The bands of an asset that can be drawn, with those that follow from others.

    A composite has the state before the event too: after minus change, both medians in dB.
    """
    kind = str(asset.get("type", ""))
    if kind != ZARR and not kind.startswith(COG_TYPE):
        return []
    bands = [b for b in asset.get("bands", []) if isinstance(b, dict) and b.get("name")]
    if kind == ZARR:
        names = {band["name"] for band in bands}
        bands += [
            {**band, "name": band["name"].replace("post_", "pre_", 1)}
            for band in list(bands)
            if band["name"].startswith("post_")
            and band["name"].replace("post_", "diff_", 1) in names
        ]
    return bands


def path_of(results: Results, entry: Entry, key: str) -> str:
    """The path of an item's own raster: never anything that a request names by itself.

    Raises
    ------
    CatalogError
        There is no such asset, or it does not lie in the catalogue.
    """
    asset = entry.document.get("assets", {}).get(key)
    path = resolved(asset["href"], entry.path) if asset and drawable_bands(asset) else None
    if path is None or not (results.is_served(path) or path in results.stores):
        raise CatalogError(f"there is no raster {key} of {entry.document['id']}")
    return path


def tile_pixels(
    results: Results, entry: Entry, key: str, band: str, z: int, x: int, y: int
) -> Pixels | None:
    """A band on a tile of web mercator: values and whether they are data, both (256, 256).

    Outside the raster there is no data. None without such a band, or where too much would have to
    be read.

    Raises
    ------
    CatalogError
        There is no such raster in the catalogue.
    """
    path, asset = path_of(results, entry, key), entry.document["assets"][key]
    if asset["type"] == ZARR:
        bounds = WEB_MERCATOR_TMS.xy_bounds(MapTile(x, y, z))
        step = (bounds.right - bounds.left) / TILE_SIZE
        grid = Affine(step, 0, bounds.left, 0, -step, bounds.top)
        shape = (TILE_SIZE, TILE_SIZE)
        crs = CRS.from_string(entry.document["properties"]["proj:code"])
        return _from_store(
            results, path, band, grid, (crs, CRS.from_epsg(3857)), tuple(bounds), shape
        )
    names = [about["name"] for about in drawable_bands(asset)]
    if band not in names:
        return None
    found = _from_cog(results, path, names.index(band) + 1, z, x, y)
    beside = entry.document["assets"].get("data")
    if band != "visibility" or found is None or not drawable_bands(beside or {}):
        return found
    # Where there is no data, nothing was seen either.
    data = _from_cog(results, path_of(results, entry, "data"), 1, z, x, y)
    if data is None:
        return found
    (values, valid), (there, known) = found, data
    empty = (there == 0) & known
    return np.where(empty, NO_DATA, values), valid | empty


def _from_cog(results: Results, path: str, band: int, z: int, x: int, y: int) -> Pixels | None:
    """A band by number."""
    # Opened by GDAL's GeoTIFF driver alone, from a stream: what is in the file names no other.
    with (
        results.place.open(path) as stream,
        rasterio.open(stream, driver="GTiff") as source,
    ):
        if source.width * source.height > MAX_FLAT_PIXELS and not source.overviews(1):
            return None
        if band > source.count:
            return None
        try:
            with Reader(path, dataset=source) as reader:
                image = reader.tile(x, y, z, indexes=[band], tilesize=TILE_SIZE)
        except TileOutsideBounds:
            # The box around a raster in degrees is larger than the raster: nothing is there.
            nothing = np.zeros((TILE_SIZE, TILE_SIZE), source.dtypes[band - 1])
            return nothing, np.zeros(nothing.shape, bool)
    values, hidden = image.array.data, np.ma.getmaskarray(image.array)
    return np.asarray(values[0]), ~hidden[0]


def _from_store(
    results: Results, path: str, band: str, grid: Affine, crs: tuple[CRS, CRS],
    bounds: tuple[float, ...], shape: tuple[int, int],
) -> Pixels | None:  # fmt: skip
    """A band on a grid; ``crs`` are those of the group and of the grid with its bounds."""
    group = zarr.open_group(
        open_store(f"{results.place.root}/{path}", read_only=True), mode="r", zarr_format=3
    )
    base = band.replace("pre_", "post_", 1) if band.startswith("pre_") else band
    xs, ys = (np.asarray(_array(group, name)[:], np.float64) for name in ("x", "y"))
    resolution = float(xs[1] - xs[0])
    own = Affine(resolution, 0, xs[0] - resolution / 2, 0, -resolution, ys[0] + resolution / 2)
    left, bottom, right, top = transform_bounds(crs[1], crs[0], *bounds[:4], densify_pts=5)
    col0, row0 = (max(0, math.floor(v) - 1) for v in ~own @ (left, top))
    col1, row1 = (math.ceil(v) + 1 for v in ~own @ (right, bottom))
    row1, col1 = min(row1, ys.size), min(col1, xs.size)
    if row1 <= row0 or col1 <= col0 or (row1 - row0) * (col1 - col0) > MAX_STORE_PIXELS:
        return None
    part = (slice(row0, row1), slice(col0, col1))
    source = np.asarray(_array(group, base)[part], np.float32)
    if base != band:
        change = _array(group, base.replace("post_", "diff_", 1))
        source = source - np.asarray(change[part], np.float32)
    values = np.full(shape, np.nan, np.float32)
    reproject(
        source, values, src_transform=own @ Affine.translation(col0, row0), src_crs=crs[0],
        dst_transform=grid, dst_crs=crs[1], src_nodata=np.nan, dst_nodata=np.nan,
        resampling=Resampling.average if (row1 - row0) > 2 * shape[0] else Resampling.nearest,
    )  # fmt: skip
    return values, np.isfinite(values)


def patch_pixels(
    results: Results, entry: Entry, band: str, corner: tuple[float, float], size: int, margin: int
) -> Pixels | None:
    """A window of an item's composite with a margin, pixel by pixel, north up.

    Parameters
    ----------
    corner
        Easting and northing of the window's upper left corner, metres in the item's UTM zone.
    size, margin
        Edge of the window, and what is shown around it, in pixels.

    Raises
    ------
    CatalogError
        The item has no composite in the catalogue.
    """
    path = path_of(results, entry, "composite")
    crs = CRS.from_string(entry.document["properties"]["proj:code"])
    step = float(entry.document["properties"]["gsd"])
    edge = size + 2 * margin
    left, top = corner[0] - margin * step, corner[1] + margin * step
    grid = Affine(step, 0, left, 0, -step, top)
    bounds = (left, top - edge * step, left + edge * step, top)
    return _from_store(results, path, band, grid, (crs, crs), bounds, (edge, edge))


def _array(group: zarr.Group, name: str) -> zarr.Array[Any]:
    found = group.get(name)
    if not isinstance(found, zarr.Array):
        raise CatalogError(f"the composite has no {name}")
    if math.prod(found.chunks) > MAX_STORE_PIXELS or found.ndim > 2:
        raise CatalogError(f"the composite's {name} has chunks that are too large")
    return found
