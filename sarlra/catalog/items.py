"""The STAC item of a job: one tile of one track.

The document is a function of its inputs alone: no time of writing, no name of the machine. Equal
inputs in an equal environment give equal bytes, so ``processing:datetime``, ``created`` and
``updated`` are left out. ``datetime`` is the last acquisition after the event, the moment as of
which the item speaks; ``start_datetime`` and ``end_datetime`` span all acquisitions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sarlra.catalog import footprint
from sarlra.catalog.assets import COG
from sarlra.catalog.looks import renders_of
from sarlra.catalog.names import ROOT, collection_path, item_id, item_path, relative
from sarlra.catalog.provenance import Provenance, own_fields, plain, processing_fields, utc_text
from sarlra.events.event import Event
from sarlra.grid import Bounds, Tile
from sarlra.recipe import Recipe
from sarlra.scenes.model import Slice, Track

EXTENSIONS = tuple(
    f"https://stac-extensions.github.io/{name}/schema.json"
    for name in (
        "file/v2.1.0",
        "processing/v1.2.0",
        "projection/v2.0.0",
        "raster/v2.0.0",
        "render/v2.0.0",
        "sar/v1.3.0",
        "sat/v1.2.0",
        "table/v1.2.0",
        "version/v1.2.0",
        "xarray-assets/v1.0.0",
    )
)


def item_document(
    event: Event,
    tile: Tile,
    track: Track,
    bounds: Bounds,
    provenance: Provenance,
    statistics: Mapping[str, Any],
    assets: Mapping[str, dict[str, Any]],
) -> dict[str, Any]:
    """The item as a JSON document.

    Parameters
    ----------
    bounds
        (left, bottom, right, top) in metres of what the item shows of the tile.

    Raises
    ------
    CatalogError
        An id cannot be used, or a value cannot be written as JSON.
    """
    identifier = item_id(event, tile, track, provenance.version)
    shape = footprint.to_lonlat(bounds, tile.epsg)
    return {
        "type": "Feature",
        "stac_version": "1.1.0",
        "stac_extensions": list(EXTENSIONS),
        "id": identifier,
        "geometry": footprint.geojson(shape),
        "bbox": footprint.bbox(shape),
        "properties": {
            "title": f"{event.title}, tile {tile.id}, track {track.id}",
            **_when(track),
            **_sensor(track, provenance.recipe),
            **_where(tile, track, bounds),
            **processing_fields(track, provenance),
            **own_fields(event, track, provenance),
            "sarlra:statistics": plain(statistics, identifier),
            "renders": renders_of(assets, COG),
        },
        "links": _links(event, track, provenance, item_path(identifier)),
        "assets": dict(assets),
        "collection": event.id,
    }


def _when(track: Track) -> dict[str, Any]:
    last = utc_text(track.post[-1].datetime)
    return {
        "datetime": last,
        "start_datetime": utc_text(track.pre[0].datetime),
        "end_datetime": last,
    }


def _sensor(track: Track, recipe: Recipe) -> dict[str, Any]:
    platforms = sorted({a.platform for a in (*track.pre, *track.post)})
    # A common field holds one platform; where S1A and S1B went in, all are in sarlra:platforms.
    one = {"platform": platforms[0]} if len(platforms) == 1 else {}
    return {
        **one,
        "sarlra:platforms": platforms,
        "constellation": "sentinel-1",
        "instruments": ["c-sar"],
        "gsd": recipe.resolution,
        "sar:instrument_mode": "IW",
        "sar:frequency_band": "C",
        "sar:center_frequency": 5.405,
        "sar:polarizations": list(recipe.polarisations),
        "sar:product_type": "RTC",
        "sar:observation_direction": "right",
        "sat:orbit_state": track.orbit_state,
        "sat:relative_orbit": track.relative_orbit,
    }


def _where(tile: Tile, track: Track, bounds: Bounds) -> dict[str, Any]:
    return {
        "proj:code": f"EPSG:{tile.epsg}",
        "proj:bbox": list(bounds),
        "sarlra:tile": tile.id,
        "sarlra:tile_px": tile.size_px,
        "sarlra:track": track.id,
    }


def _links(event: Event, track: Track, provenance: Provenance, item: str) -> list[dict[str, Any]]:
    collection = relative(collection_path(event.id), item)
    up = {"type": "application/json"}
    links: list[dict[str, Any]] = [
        {"rel": "root", "href": relative(ROOT, item), **up},
        {"rel": "parent", "href": collection, **up, "title": event.title},
        {"rel": "collection", "href": collection, **up, "title": event.title},
    ]
    slices = [part for a in (*track.pre, *track.post) for part in a.slices]
    return links + [_derived_from(part, provenance.inputs_href, item) for part in slices]


def _derived_from(part: Slice, inputs: str, item: str) -> dict[str, Any]:
    # An item from a file has no address of its own that others could use: it is named as a part
    # of the frozen inputs.
    has_address = part.href is not None and part.href.partition("://")[0] in ("http", "https", "s3")
    href = part.href if has_address else relative(f"{inputs}#{part.item_id}", item)
    return {
        "rel": "derived_from",
        "href": href,
        "type": "application/geo+json",
        "title": part.item_id,
    }
