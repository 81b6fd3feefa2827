"""Heights from DEM items of a STAC source, put together by odc-stac on the DEM's own grid."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import odc.stac
import pystac
import rasterio
import shapely
from affine import Affine
from odc.geo.geobox import GeoBox
from rasterio.warp import transform_bounds
from shapely import MultiPolygon

from sarlra.errors import SarlraError, TerrainError
from sarlra.scenes.hrefs import absolute_href
from sarlra.scenes.items import FoundItem
from sarlra.scenes.search import open_search
from sarlra.scenes.signing import sign
from sarlra.scenes.sources import Source
from sarlra.terrain.ground import GroundGrid
from sarlra.terrain.native import MAX_PIXELS, NativeDem, coarser_by

ASSET = "data"
_MAX_ITEMS = 64
_RIM_DEG = 4 / 3600
_FIRST, _LAST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
#: Heights are fetched within a bounded time: no long pauses of GDAL's own.
_GDAL = {
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_HTTP_MAX_RETRY": "3",
    "GDAL_HTTP_RETRY_DELAY": "0.5",
    "GDAL_HTTP_CONNECTTIMEOUT": "10",
    "GDAL_HTTP_TIMEOUT": "60",
}


def read_native(source: Source, grid: GroundGrid, *, coarse: bool = False) -> NativeDem:
    """The heights around a grid, on the grid of the DEM's first item (by id).

    With ``coarse`` they are read about as coarsely as the grid is, from files' overviews.

    Raises
    ------
    TerrainError
        No item covers the area, or one cannot be used or read.
    """
    box = _box(grid)
    items = _find(source, box)
    if not items:
        raise TerrainError(
            f"the source {source.name} has no DEM over {tuple(round(v, 3) for v in box)}",
            hint="give a file or another source with --dem",
        )
    geobox = _geobox(items[0], box)
    if coarse:
        geobox = geobox.zoom_out(coarser_by((geobox.shape[0], geobox.shape[1]), grid))
    if geobox.shape[0] * geobox.shape[1] > MAX_PIXELS:
        raise TerrainError(f"the DEM of {source.name} has too many pixels in {box}")
    try:
        with rasterio.Env(**_GDAL):
            stack: Any = odc.stac.load(
                items,
                bands=[ASSET],
                geobox=geobox,
                resampling="cubic",
                dtype="float32",
                nodata=np.nan,
                groupby=lambda *_: 0,
                patch_url=lambda href: sign(href, source.signing),
            )
            heights = stack[ASSET].values[0]
    except SarlraError:
        raise
    except Exception as cause:  # odc-stac, rasterio and pystac raise what they like
        # The cause can name a signed address.
        text = str(cause).partition("?")[0]
        raise TerrainError(f"the DEM of {source.name} cannot be read: {text:.300}") from None
    return NativeDem(np.asarray(heights, np.float32), str(geobox.crs), geobox.affine)


def has_items(source: Source, grid: GroundGrid) -> bool:
    """Whether any item of the source lies around a grid; GLO-30 has none over open sea.

    Raises
    ------
    TerrainError
        The grid lies across the antimeridian.
    SearchError
        The search failed.
    """
    return bool(_find(source, _box(grid)))


def _box(grid: GroundGrid) -> tuple[float, float, float, float]:
    west, south, east, north = transform_bounds(grid.crs, 4326, *grid.bounds, densify_pts=21)
    if west > east:
        raise TerrainError("the area lies across the antimeridian, where no DEM is read")
    return (west - _RIM_DEG, south - _RIM_DEG, east + _RIM_DEG, north + _RIM_DEG)


def _find(source: Source, box: tuple[float, float, float, float]) -> list[pystac.Item]:
    area = MultiPolygon([shapely.box(*box)])
    found = open_search(source).find(area, _FIRST, _LAST)
    items = {item.id: item for item in map(_item, found) if item is not None}
    if len(items) > _MAX_ITEMS:
        raise TerrainError(f"the source {source.name} has {len(items)} DEM items there, too many")
    return [items[name] for name in sorted(items)]


def _item(found: FoundItem) -> pystac.Item | None:
    """The item as odc-stac reads it, addresses absolute; None where it is no DEM."""
    try:
        item = dict(found.item)
        asset = dict(item["assets"][ASSET])
        asset["href"] = absolute_href(asset["href"], found.base)
        made = pystac.Item.from_dict({**item, "links": [], "assets": {ASSET: asset}})
    except Exception:  # nobody vouches for the item
        return None
    made.assets[ASSET].media_type = pystac.MediaType.COG
    return made


def _geobox(item: pystac.Item, box: tuple[float, float, float, float]) -> GeoBox:
    """The pixels of the item's grid, carried on beyond it, that cover a box in degrees."""
    properties: dict[str, Any] = {**item.properties, **item.assets[ASSET].extra_fields}
    code = properties.get("proj:code") or f"EPSG:{properties.get('proj:epsg')}"
    numbers = properties.get("proj:transform")
    try:
        transform = Affine(*(float(v) for v in numbers[:6]))  # type: ignore[index]
        ok = code == "EPSG:4326" and transform.a > 0 > transform.e
        ok = ok and not (transform.b or transform.d)
    except (TypeError, ValueError):
        ok = False
    if not ok:
        raise TerrainError(
            f"the DEM item {item.id} states no north-up grid in EPSG:4326",
            hint="GLO-30 items do; give a file with --dem for other DEMs",
        )
    west, south, east, north = box
    col0, col1 = (
        np.floor((west - transform.c) / transform.a),
        np.ceil((east - transform.c) / transform.a),
    )
    row0, row1 = (
        np.floor((north - transform.f) / transform.e),
        np.ceil((south - transform.f) / transform.e),
    )
    shape = (int(row1 - row0), int(col1 - col0))
    return GeoBox(shape, transform @ Affine.translation(col0, row0), "EPSG:4326")
