"""Map tiles of the catalogue's rasters, drawn by rio-tiler from overviews, at a bounded cost."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from threading import BoundedSemaphore
from typing import Any

import rasterio
from fastapi import APIRouter, HTTPException
from rasterio.errors import RasterioError
from rio_tiler.colormap import cmap
from rio_tiler.errors import RioTilerError, TileOutsideBounds
from rio_tiler.io import Reader
from rio_tiler.models import ImageData
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sarlra.catalog.names import resolved
from sarlra.errors import SarlraError
from sarlra.serving.limits import (
    MAX_FLAT_PIXELS,
    MAX_ZOOM,
    TILE_SIZE,
    TILES_AT_ONCE,
    TILES_KEPT,
)
from sarlra.serving.results import Results


@dataclass(frozen=True, slots=True)
class Look:
    """How an asset is drawn: values between ``low`` and ``high`` over a colour map."""

    low: float
    high: float
    colours: str


#: Assets that can be drawn.
LOOKS: Mapping[str, Look] = {
    "change": Look(-6.0, 6.0, "rdbu"),
    "scores": Look(0.0, 1.0, "magma"),
    "score-reasons": Look(0.0, 3.0, "greys"),
    "visibility": Look(0.0, 5.0, "viridis"),
}
_RANGE = re.compile(r"-?\d{1,6}(\.\d{1,6})?,-?\d{1,6}(\.\d{1,6})?")


def tiles_router(results: Results) -> APIRouter:
    """Routes of ``/tiles/ITEM/ASSET/Z/X/Y.png`` (web mercator) and of their TileJSON."""
    router = APIRouter(prefix="/tiles", tags=["Tiles"])
    gate = BoundedSemaphore(TILES_AT_ONCE)

    @lru_cache(maxsize=TILES_KEPT)
    def draw(path: str, band: int, look: Look, z: int, x: int, y: int) -> bytes | None:
        with gate:
            return _draw(results, path, band, look, z, x, y)

    @router.get("/{item}/{asset}/tilejson.json")
    def tilejson(item: str, asset: str, request: Request) -> JSONResponse:
        _path(results, item, asset)
        base = f"{request.base_url}tiles/{item}/{asset}"
        document = results.items[item].document
        return JSONResponse(
            {
                "tilejson": "3.0.0",
                "name": f"{item} {asset}",
                "tiles": [f"{base}/{{z}}/{{x}}/{{y}}.png"],
                "bounds": document["bbox"],
                "minzoom": 0,
                "maxzoom": 16,
            }
        )

    @router.get("/{item}/{asset}/{z}/{x}/{y}.png")
    def tile(
        item: str, asset: str, z: int, x: int, y: int, band: int = 1, rescale: str | None = None
    ) -> Response:
        path = _path(results, item, asset)
        if not (0 <= z <= MAX_ZOOM and 0 <= x < 2**z and 0 <= y < 2**z):
            raise HTTPException(404, f"there is no tile {z}/{x}/{y}")
        try:
            image = draw(path, band, _look(asset, rescale), z, x, y)
        except (RasterioError, RioTilerError, SarlraError) as error:
            raise HTTPException(500, f"asset {asset} of {item} cannot be drawn") from error
        if image is None:
            raise HTTPException(404, "the tile lies outside the asset, or there is no such band")
        return Response(image, media_type="image/png", headers={"Cache-Control": "max-age=300"})

    return router


def _path(results: Results, item: str, asset: str) -> str:
    """The path of an item's own raster: never anything that a request names by itself."""
    entry = results.items.get(item)
    described: Mapping[str, Any] = entry.document["assets"] if entry is not None else {}
    if entry is None or asset not in LOOKS or asset not in described:
        raise HTTPException(404, "there is no such raster")
    path = resolved(described[asset]["href"], entry.path)
    if path is None or not results.is_served(path):
        raise HTTPException(404, "there is no such raster")
    return path


def _look(asset: str, rescale: str | None) -> Look:
    look = LOOKS[asset]
    if rescale is None:
        return look
    if not _RANGE.fullmatch(rescale):
        raise HTTPException(400, "rescale is LOW,HIGH")
    low, high = (float(part) for part in rescale.split(","))
    if low >= high:
        raise HTTPException(400, "rescale: LOW is not below HIGH")
    return Look(low, high, look.colours)


def _draw(
    results: Results, path: str, band: int, look: Look, z: int, x: int, y: int
) -> bytes | None:
    """The tile as PNG; None outside the raster or without such a band."""
    # Opened by GDAL's GeoTIFF driver alone, from a stream: what is in the file names no other.
    with (
        results.place.open(path) as stream,
        rasterio.open(stream, driver="GTiff") as source,
    ):
        if source.width * source.height > MAX_FLAT_PIXELS and not source.overviews(1):
            return None
        if not 1 <= band <= source.count:
            return None
        try:
            with Reader(path, dataset=source) as reader:
                image: ImageData = reader.tile(x, y, z, indexes=band, tilesize=TILE_SIZE)
        except TileOutsideBounds:
            return None
    image.rescale(in_range=((look.low, look.high),))
    drawn: bytes = image.render(img_format="PNG", colormap=cmap.get(look.colours))
    return drawn
