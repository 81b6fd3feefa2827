"""The STAC item of a job: one tile of one track.

The document is a function of its inputs alone: no time of writing, no name of the machine. Equal
inputs in an equal environment give equal bytes, so ``processing:datetime``, ``created`` and
``updated`` are left out. ``datetime`` is the last acquisition after the event, the moment as of
which the item speaks; ``start_datetime`` and ``end_datetime`` span all acquisitions.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from typing import TYPE_CHECKING, Any

import numpy as np
import rasterio

from sarlra import __version__
from sarlra.catalog import footprint
from sarlra.catalog.names import ROOT, collection_path, item_id, item_path, relative
from sarlra.errors import CatalogError
from sarlra.events.event import Event
from sarlra.grid import Bounds, Tile
from sarlra.recipe import Recipe
from sarlra.scenes.model import Acquisition, Slice, Track

if TYPE_CHECKING:
    from sarlra.models.registry import ModelInfo

EXTENSIONS = tuple(
    f"https://stac-extensions.github.io/{name}/schema.json"
    for name in (
        "file/v2.1.0",
        "processing/v1.2.0",
        "projection/v2.0.0",
        "raster/v2.0.0",
        "sar/v1.3.0",
        "sat/v1.2.0",
        "table/v1.2.0",
        "version/v1.2.0",
        "xarray-assets/v1.0.0",
    )
)

SCORE_MEANING = (
    "The model's raw output for a window, from 0 to 1: how much its radar change resembles the "
    "landslides that the model was trained on. Scores rank windows; they are no probabilities and "
    "no shares of area, and are not to be compared between models. A high score can also come from "
    "other change (fields, floods, snow, felling); a window without a score was not observed, "
    "which is not the same as no landslide. Where nothing happened, over_threshold_share in "
    "sarlra:statistics is the rate of false alarms."
)


@dataclass(frozen=True, slots=True)
class Provenance:
    """From what and by what choices a job's result was made.

    ``inputs_href`` (the frozen search result) and ``composite_href`` (the Zarr group) are relative
    to the sink's root, or absolute. ``job_id`` names all inputs and choices: an item with the same
    one need not be made again.
    """

    recipe: Recipe
    threshold: float
    model: ModelInfo
    source: str
    job_id: str
    version: str
    inputs_href: str
    composite_href: str


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
            **_processing(track, provenance),
            **_own(event, track, provenance),
            "sarlra:statistics": plain(statistics, identifier),
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


def _processing(track: Track, provenance: Provenance) -> dict[str, Any]:
    recipe, model = provenance.recipe, provenance.model
    return {
        "processing:level": "L4",
        "processing:lineage": (
            f"Median in dB of {len(track.pre)} acquisitions before and {len(track.post)} after the "
            f"event on a {recipe.resolution:g} m UTM grid; windows of {recipe.window_px} px every "
            f"{recipe.stride_px} px scored by {model.name}; scores over {provenance.threshold:g} "
            f"kept, the highest first, dropping windows that overlap a kept one by more than "
            f"{recipe.overlap:g} (IoU)."
        ),
        "processing:software": _software(),
        "version": provenance.version,
    }


def _software() -> dict[str, str]:
    found = {"sarlra": __version__, "gdal": rasterio.__gdal_version__}
    for name in ("keras", "tensorflow", "tensorflow-cpu"):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _own(event: Event, track: Track, provenance: Provenance) -> dict[str, Any]:
    recipe, model = provenance.recipe, provenance.model
    about = {
        f"sarlra:model_{name}": plain(model.card[name], model.name)
        for name in ("description", "limits", "licence")
        if model.card.get(name)
    }
    return {
        "sarlra:job_id": provenance.job_id,
        "sarlra:event": event.id,
        "sarlra:origins": [utc_text(origin) for origin in event.origins],
        "sarlra:source": provenance.source,
        "sarlra:recipe": recipe.model_dump(mode="json"),
        "sarlra:recipe_hash": recipe.hash(),
        "sarlra:threshold": float(provenance.threshold),
        "sarlra:model": model.name,
        "sarlra:model_sha256": model.sha256,
        "sarlra:model_architecture": model.architecture,
        **about,
        "sarlra:radiometry": model.radiometry,
        "sarlra:n_pre": len(track.pre),
        "sarlra:n_post": len(track.post),
        "sarlra:acquisitions_pre": [_acquisition(a) for a in track.pre],
        "sarlra:acquisitions_post": [_acquisition(a) for a in track.post],
        "sarlra:score_meaning": SCORE_MEANING,
    }


def _acquisition(acquisition: Acquisition) -> dict[str, Any]:
    return {
        "id": acquisition.id,
        "datetime": utc_text(acquisition.datetime),
        "platform": acquisition.platform,
        "slices": [part.item_id for part in acquisition.slices],
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


def utc_text(moment: datetime) -> str:
    """RFC 3339 in UTC with ``Z``, such as ``2018-09-05T18:07:58Z``."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def plain(value: Any, subject: str) -> Any:
    """A value as JSON holds it: NumPy's scalars and arrays become numbers and lists, NaN null.

    Raises
    ------
    CatalogError
        There is something in it that JSON cannot hold.
    """
    if isinstance(value, Mapping):
        return {str(key): plain(part, subject) for key, part in value.items()}
    if isinstance(value, np.generic | np.ndarray):
        return plain(value.tolist(), subject)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain(part, subject) for part in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, str | int | bool):
        return value
    raise CatalogError(f"{subject}: {value!r} ({type(value).__name__}) cannot be written as JSON")
