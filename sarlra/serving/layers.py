"""The rasters that can be drawn of an item, a collection or an event, and what is said of them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from fastapi import HTTPException
from rasterio.errors import CRSError, RasterioError
from rasterio.warp import transform_bounds

from sarlra.catalog.assets import ZARR
from sarlra.catalog.looks import look_of
from sarlra.errors import InputError, SarlraError
from sarlra.serving.chosen import chosen
from sarlra.serving.live import Reading
from sarlra.serving.looks import legend
from sarlra.serving.raster import drawable_bands, path_of
from sarlra.serving.results import Entry

#: From which zoom a composite is drawn.
STORE_ZOOM = 10


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
        look = look_of(band_of(entries, key, name))
        tracks = {str(e.document.get("properties", {}).get("sarlra:track")) for e in entries}
        layers.append({
            "asset": key, "band": name, "title": look.title or str(asset.get("title", key)),
            "roles": list(asset.get("roles", [])), "legend": legend(look),
            "bounds": around(entries, key), "minzoom": minzoom(entries[0], key),
            "tracks": sorted(tracks - {"None"}),
        })  # fmt: skip
    return layers


def around(entries: Sequence[Entry], asset: str) -> list[float]:
    """West, south, east, north around a raster of several, degrees."""
    boxes = np.array([box_of(entry, asset) for entry in entries])
    return [*boxes[:, :2].min(axis=0).tolist(), *boxes[:, 2:].max(axis=0).tolist()]


def minzoom(entry: Entry, asset: str) -> int:
    """The lowest zoom at which a raster is drawn."""
    # A composite has no overviews: from far away too much of it would have to be read.
    return STORE_ZOOM if entry.document["assets"][asset].get("type") == ZARR else 0


def entries_with(
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


def band_of(entries: Sequence[Entry], asset: str, band: str | None) -> dict[str, Any]:
    """The description of a band, by name or number from 1; the first if none is named."""
    bands = drawable_bands(entries[0].document["assets"].get(asset, {}))
    for number, about in enumerate(bands, 1):
        if band in (None, about["name"], str(number)):
            return about
    raise HTTPException(404, f"there is no band {band} of {asset}")


def box_of(entry: Entry, asset: str) -> tuple[float, float, float, float]:
    """West, south, east, north of a raster, degrees.

    Those of its own grid, where it states one: it can be a small part of its item, or larger.
    """
    about = entry.document["assets"][asset]
    try:
        own = _degrees(about["proj:code"], tuple(map(float, about["proj:bbox"])))
    except (KeyError, TypeError, ValueError, CRSError, RasterioError):
        own = None
    return own or _whole(entry)


@lru_cache(maxsize=1 << 17)
def _degrees(crs: str, box: tuple[float, ...]) -> tuple[float, float, float, float] | None:
    """A box in degrees; None for none, or across 180 degrees. Cached: each tile asks for all."""
    west, south, east, north = transform_bounds(crs, "EPSG:4326", *box, densify_pts=5)
    sound = np.isfinite([west, south, east, north]).all() and west < east and south < north
    return (west, south, east, north) if sound else None


def _whole(entry: Entry) -> tuple[float, float, float, float]:
    """West, south, east, north of an item or a collection, degrees."""
    document = entry.document
    west, south, east, north = document.get("bbox") or document["extent"]["spatial"]["bbox"][0]
    return (west, south, east, north)
