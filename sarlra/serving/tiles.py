"""Routes of map tiles: of items, of collections' own rasters, of all items of an event together."""

from __future__ import annotations

import re
from functools import lru_cache
from threading import BoundedSemaphore
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query
from rasterio.errors import RasterioError
from rio_tiler.errors import RioTilerError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sarlra.catalog.looks import Look, look_of
from sarlra.errors import SarlraError
from sarlra.serving.layers import around, band_of, entries_with, list_layers, minzoom
from sarlra.serving.limits import MAX_ZOOM, TILES_AT_ONCE, TILES_KEPT
from sarlra.serving.live import Live, Reading
from sarlra.serving.looks import legend, paint, rescaled
from sarlra.serving.mosaic import draw_tile, to_png, touching
from sarlra.serving.raster import patch_pixels

_RANGE = re.compile(r"-?\d{1,6}(\.\d{1,6})?,-?\d{1,6}(\.\d{1,6})?")
_FRESH = {"Cache-Control": "max-age=300"}
#: What is shown around a window of a detection, in pixels.
_MARGIN = 32

Band = Annotated[str | None, Query(max_length=40)]
AsOf = Annotated[str | None, Query(max_length=40)]
Tracks = Annotated[list[str] | None, Query(max_length=20)]


def tiles_router(live: Live) -> APIRouter:
    """Routes of ``/tiles/NAME/ASSET/Z/X/Y.png`` (web mercator), TileJSON, and patches.

    NAME is an item, a collection with a raster of its own, or an event whose items have it.
    """
    router = APIRouter(tags=["Tiles"])
    gate = BoundedSemaphore(TILES_AT_ONCE)

    @lru_cache(maxsize=TILES_KEPT)
    def draw(
        reading: Reading, names: tuple[str, ...], asset: str, band: str, look: Look,
        z: int, x: int, y: int,
    ) -> bytes | None:  # fmt: skip
        with gate:
            return draw_tile(reading, names, asset, band, look, z, x, y)

    @router.get("/tiles/{name}/layers.json")
    def layers(name: str, as_of: AsOf = None) -> JSONResponse:
        return JSONResponse({"layers": list_layers(live.now, name, as_of)})

    @router.get("/tiles/{name}/{asset}/tilejson.json")
    def tilejson(
        name: str, asset: str, request: Request, band: Band = None, as_of: AsOf = None
    ) -> JSONResponse:
        reading = live.now
        entries = entries_with(reading, name, asset, as_of, ())
        about = band_of(entries, asset, band)
        base = f"{request.base_url}tiles/{name}/{asset}"
        return JSONResponse(
            {
                "tilejson": "3.0.0",
                "name": f"{name} {asset}",
                "tiles": [f"{base}/{{z}}/{{x}}/{{y}}.png?band={about['name']}"],
                "bounds": around(entries, asset),
                "minzoom": minzoom(entries[0], asset),
                "maxzoom": 16,
                "legend": legend(look_of(about)),
            }
        )

    @router.get("/tiles/{name}/{asset}/{z}/{x}/{y}.png")
    def tile(
        name: str, asset: str, z: int, x: int, y: int, band: Band = None,
        rescale: str | None = None, as_of: AsOf = None, track: Tracks = None,
    ) -> Response:  # fmt: skip
        reading = live.now
        entries = entries_with(reading, name, asset, as_of, tuple(track or ()))
        if not (0 <= z <= MAX_ZOOM and 0 <= x < 2**z and 0 <= y < 2**z):
            raise HTTPException(404, f"there is no tile {z}/{x}/{y}")
        about = band_of(entries, asset, band)
        names = tuple(str(e.document["id"]) for e in touching(entries, asset, z, x, y))
        try:
            image = draw(
                reading, names, asset, about["name"], _look(about, rescale), z, x, y
            )  # fmt: skip
        except (RasterioError, RioTilerError, SarlraError, OSError, ValueError) as error:
            raise HTTPException(500, f"asset {asset} of {name} cannot be drawn") from error
        if image is None:
            raise HTTPException(404, "the tile lies outside the asset, or needs a higher zoom")
        return Response(image, media_type="image/png", headers=_FRESH)

    @router.get("/patches/{item}/{band}.png")
    def patch(
        item: str, band: str,
        x: Annotated[float, Query(ge=-1e7, le=1e7)], y: Annotated[float, Query(ge=-1e7, le=2e7)],
    ) -> Response:  # fmt: skip
        reading = live.now
        entry = reading.results.items.get(item)
        if entry is None:
            raise HTTPException(404, f"there is no item {item}")
        about = band_of([entry], "composite", band)
        size = int(entry.document["properties"]["sarlra:recipe"].get("window_px", 64))
        try:
            with gate:
                found = patch_pixels(reading.results, entry, band, (x, y), min(size, 512), _MARGIN)
        except (RasterioError, SarlraError, OSError, ValueError) as error:
            raise HTTPException(500, f"{band} of {item} cannot be drawn") from error
        if found is None:
            raise HTTPException(404, "the window lies outside the composite")
        return Response(
            to_png(paint(*found, look_of(about))), media_type="image/png", headers=_FRESH
        )

    return router


def _look(band: dict[str, Any], rescale: str | None) -> Look:
    look = look_of(band)
    if rescale is None:
        return look
    if not _RANGE.fullmatch(rescale):
        raise HTTPException(400, "rescale is LOW,HIGH")
    low, high = (float(part) for part in rescale.split(","))
    if low >= high:
        raise HTTPException(400, "rescale: LOW is not below HIGH")
    return rescaled(look, low, high)
