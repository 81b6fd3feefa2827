"""Map tiles of items, of collections' own rasters, and of all items of an event together."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from functools import lru_cache
from threading import BoundedSemaphore
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, HTTPException, Query
from morecantile import Tile as MapTile
from PIL import Image
from rasterio.errors import RasterioError
from rio_tiler.constants import WEB_MERCATOR_TMS
from rio_tiler.errors import RioTilerError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sarlra.catalog.assets import ZARR
from sarlra.catalog.looks import Look, look_of
from sarlra.errors import InputError, SarlraError
from sarlra.serving.chosen import chosen
from sarlra.serving.limits import (
    MAX_MOSAIC,
    MAX_ZOOM,
    TILE_SIZE,
    TILES_AT_ONCE,
    TILES_KEPT,
)
from sarlra.serving.live import Live, Reading
from sarlra.serving.looks import UNSEEN, is_hatched, legend, paint, rescaled
from sarlra.serving.raster import drawable_bands, patch_pixels, path_of, tile_pixels
from sarlra.serving.results import Entry

_RANGE = re.compile(r"-?\d{1,6}(\.\d{1,6})?,-?\d{1,6}(\.\d{1,6})?")
_FRESH = {"Cache-Control": "max-age=300"}
#: What is shown around a window of a detection, in pixels.
_MARGIN = 32

#: From which zoom a composite is drawn.
STORE_ZOOM = 10

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
            return _draw(reading, names, asset, band, look, z, x, y)

    @router.get("/tiles/{name}/layers.json")
    def layers(name: str, as_of: AsOf = None) -> JSONResponse:
        return JSONResponse({"layers": list_layers(live.now, name, as_of)})

    @router.get("/tiles/{name}/{asset}/tilejson.json")
    def tilejson(
        name: str, asset: str, request: Request, band: Band = None, as_of: AsOf = None
    ) -> JSONResponse:
        reading = live.now
        entries = _entries(reading, name, asset, as_of, ())
        about = _band(entries, asset, band)
        base = f"{request.base_url}tiles/{name}/{asset}"
        return JSONResponse(
            {
                "tilejson": "3.0.0",
                "name": f"{name} {asset}",
                "tiles": [f"{base}/{{z}}/{{x}}/{{y}}.png?band={about['name']}"],
                "bounds": _around(entries),
                "minzoom": _minzoom(entries[0], asset),
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
        entries = _entries(reading, name, asset, as_of, tuple(track or ()))
        if not (0 <= z <= MAX_ZOOM and 0 <= x < 2**z and 0 <= y < 2**z):
            raise HTTPException(404, f"there is no tile {z}/{x}/{y}")
        about = _band(entries, asset, band)
        names = tuple(str(e.document["id"]) for e in _touching(entries, z, x, y))
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
        about = _band([entry], "composite", band)
        size = int(entry.document["properties"]["sarlra:recipe"].get("window_px", 64))
        try:
            with gate:
                found = patch_pixels(reading.results, entry, band, (x, y), min(size, 512), _MARGIN)
        except (RasterioError, SarlraError, OSError, ValueError) as error:
            raise HTTPException(500, f"{band} of {item} cannot be drawn") from error
        if found is None:
            raise HTTPException(404, "the window lies outside the composite")
        return Response(_png(paint(*found, look_of(about))), media_type="image/png", headers=_FRESH)

    return router


def list_layers(reading: Reading, event: str, as_of: str | None) -> list[dict[str, Any]]:
    """Every band of every raster that items of an event, or its collection, have."""
    results = reading.results
    if event not in results.collections:
        raise HTTPException(404, f"there is no event {event}")
    try:
        found = [*chosen(results, event, as_of), results.collections[event]]
    except InputError as error:
        raise HTTPException(400, error.message) from error
    having: dict[tuple[str, str], list[Entry]] = {}
    for entry in found:
        for key, asset in entry.document.get("assets", {}).items():
            for band in drawable_bands(asset):
                having.setdefault((key, str(band["name"])), []).append(entry)
    layers = []
    for (key, name), entries in sorted(having.items()):
        asset = entries[0].document["assets"][key]
        look = look_of(_band(entries, key, name))
        tracks = {str(e.document.get("properties", {}).get("sarlra:track")) for e in entries}
        layers.append({
            "asset": key, "band": name, "title": look.title or str(asset.get("title", key)),
            "roles": list(asset.get("roles", [])), "legend": legend(look),
            "bounds": _around(entries), "minzoom": _minzoom(entries[0], key),
            "tracks": sorted(tracks - {"None"}),
        })  # fmt: skip
    return layers


def _around(entries: Sequence[Entry]) -> list[float]:
    boxes = np.array([_box(entry) for entry in entries])
    return [*boxes[:, :2].min(axis=0).tolist(), *boxes[:, 2:].max(axis=0).tolist()]


def _minzoom(entry: Entry, asset: str) -> int:
    # A composite has no overviews: from far away too much of it would have to be read.
    return STORE_ZOOM if entry.document["assets"][asset].get("type") == ZARR else 0


def _entries(
    reading: Reading, name: str, asset: str, as_of: str | None, tracks: tuple[str, ...]
) -> list[Entry]:
    """The documents that have the raster: an item, a collection itself, or items of an event."""
    results = reading.results
    alone = results.items.get(name) or results.collections.get(name)
    if alone is not None and drawable_bands(alone.document.get("assets", {}).get(asset, {})):
        entries = [alone]
    elif name in results.collections:
        try:
            found = chosen(results, name, as_of, tracks)
        except InputError as error:
            raise HTTPException(400, error.message) from error
        entries = [e for e in found if drawable_bands(e.document["assets"].get(asset, {}))]
    else:
        entries = []
    try:
        for entry in entries:
            path_of(results, entry, asset)
    except SarlraError as error:
        raise HTTPException(404, "there is no such raster") from error
    if not entries:
        raise HTTPException(404, "there is no such raster")
    return entries


def _band(entries: Sequence[Entry], asset: str, band: str | None) -> dict[str, Any]:
    """The description of a band, by name or number from 1; the first if none is named."""
    bands = drawable_bands(entries[0].document["assets"].get(asset, {}))
    for number, about in enumerate(bands, 1):
        if band in (None, about["name"], str(number)):
            return about
    raise HTTPException(404, f"there is no band {band} of {asset}")


def _box(entry: Entry) -> tuple[float, float, float, float]:
    document = entry.document
    west, south, east, north = document.get("bbox") or document["extent"]["spatial"]["bbox"][0]
    return (west, south, east, north)


def _touching(entries: Sequence[Entry], z: int, x: int, y: int) -> list[Entry]:
    """Those whose box meets the tile, at most as many as one tile may be made of."""
    west, south, east, north = WEB_MERCATOR_TMS.bounds(MapTile(x, y, z))
    found = []
    for entry in entries:
        left, bottom, right, top = _box(entry)
        across = left > right or (left < east and right > west)
        if across and bottom < north and top > south:
            found.append(entry)
    return found[:MAX_MOSAIC]


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


def _draw(
    reading: Reading, names: tuple[str, ...], asset: str, band: str, look: Look,
    z: int, x: int, y: int,
) -> bytes | None:  # fmt: skip
    """The tile as PNG, the first that has data at a pixel on top; None where none can be read."""
    results = reading.results
    values, valid = None, np.zeros((TILE_SIZE, TILE_SIZE), bool)
    for name in names:
        entry = results.items.get(name) or results.collections[name]
        found = tile_pixels(results, entry, asset, band, z, x, y)
        if found is None:
            continue
        values = found[0].copy() if values is None else values
        fresh = found[1] & ~valid
        if is_hatched(look):
            # What one track could not see, another may have seen.
            unseen = list(UNSEEN)
            fresh |= found[1] & np.isin(values, unseen) & ~np.isin(found[0], unseen)
        values[fresh] = found[0][fresh]
        valid |= found[1]
        if valid.all() and not is_hatched(look):
            break
    return None if values is None else _png(paint(values, valid, look))


def _png(image: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.moveaxis(image, 0, 2)).save(stream, "PNG", compress_level=1)
    return stream.getvalue()
