"""The entries of an item's ``assets``."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np

from sarlra.catalog import checksums
from sarlra.catalog.band_statistics import NODATA_BYTE
from sarlra.catalog.names import FILES, relative
from sarlra.catalog.rasters import Raster
from sarlra.catalog.vector import columns_of
from sarlra.recipe import Recipe

COG = "image/tiff; application=geotiff; profile=cloud-optimized"
PARQUET = "application/vnd.apache.parquet"
GEOJSON = "application/geo+json"
ZARR = "application/vnd.zarr; version=3"

#: Field of a band of the composite: the sum of its values on the item's tile.
SUM = "sarlra:values_sha256"

#: Asset key -> what is the same in every item; also the collection's ``item_assets``.
TEMPLATES: Mapping[str, dict[str, Any]] = {
    "composite": {
        "title": "Composite: medians after the event, change, and counts of acquisitions",
        "description": (
            "Zarr v3 group on the grid of the UTM zone, shared by the event's tiles of this track: "
            "post_* and diff_* in dB (NaN is no data), n_pre, n_post and visibility per pixel; "
            "dims y, x."
        ),
        "type": ZARR,
        "roles": ["data"],
    },
    "change": {
        "title": "Change of backscatter",
        "description": (
            "Median after minus median before in dB, this tile only, cropped to the box with data."
        ),
        "type": COG,
        "roles": ["data"],
    },
    "scores": {
        "title": "Scores of all windows",
        "description": "One cell per window, centred on it and as large as the stride.",
        "type": COG,
        "roles": ["data"],
    },
    "score-reasons": {
        "title": "Why windows have no score, and counts of acquisitions",
        "description": "On the cells of the scores.",
        "type": COG,
        "roles": ["data", "metadata"],
    },
    "visibility": {
        "title": "Where the radar could see",
        "description": (
            "Layover and shadow from a DEM and the track's geometry, on the pixels of the "
            "composite. No landslide is to be expected where nothing was seen."
        ),
        "type": COG,
        "roles": ["data"],
    },
    "data": {
        "title": "Where there is data",
        "description": "Before and after the event, on the pixels of the visibility.",
        "type": COG,
        "roles": ["data-mask"],
    },
    "hillshade": {
        "title": "Relief, shaded",
        "description": "Of the DEM, lit from the north-west: a ground for maps; not in every item.",
        "type": COG,
        "roles": ["visual"],
    },
    "detections": {
        "title": "Detected windows",
        "description": "Windows over the threshold that survive suppression; GeoParquet 1.1.",
        "type": PARQUET,
        "roles": ["data"],
    },
    "detections-geojson": {
        "title": "Detected windows (GeoJSON)",
        "description": "The same rows and columns.",
        "type": GEOJSON,
        "roles": ["data"],
    },
    "outlines": {
        "title": "Outlines of the change inside detected windows",
        "description": (
            "Polygons with their area, mean change, confidence, slope and a line of evidence; "
            "GeoParquet 1.1. They cluster change: not every one is a landslide."
        ),
        "type": PARQUET,
        "roles": ["data"],
    },
    "contributions": {
        "title": "What pixels contribute to the scores",
        "description": (
            "Of the windows that sarlra explain was asked for: over 0 raises the landslide score; "
            "mean over the bands, then each band; not in every item."
        ),
        "type": COG,
        "roles": ["data"],
    },
    "quicklook": {
        "title": "Detected windows over the change image",
        "type": "image/png",
        "roles": ["overview"],
    },
    "inputs": {
        "title": "Frozen search result: every item that went in",
        "description": "A STAC ItemCollection, from which the run can be repeated.",
        "type": GEOJSON,
        "roles": ["metadata"],
    },
}


def file_asset(key: str, path: Path) -> dict[str, Any]:
    """An asset that is a file beside the item, with its size and checksum."""
    return {
        "href": f"./{FILES[key]}",
        **TEMPLATES[key],
        "file:size": path.stat().st_size,
        "file:checksum": checksums.of_file(path),
    }


def raster_asset(key: str, path: Path, raster: Raster) -> dict[str, Any]:
    """:func:`file_asset` of a COG, with its grid and bands."""
    return {**file_asset(key, path), **raster_asset_of(raster)}


def raster_asset_of(raster: Raster) -> dict[str, Any]:
    """The grid and the bands of a raster, as its asset states them."""
    rows, columns = raster.values.shape[1:]
    return {
        "proj:code": f"EPSG:{raster.epsg}",
        "proj:bbox": list(raster.bounds),
        "proj:shape": [rows, columns],
        "proj:transform": list(raster.transform)[:6],
        "raster:spatial_resolution": raster.transform.a,
        "bands": [_band(raster, index) for index in range(len(raster.bands))],
    }


def _band(raster: Raster, index: int) -> dict[str, Any]:
    band, values = raster.bands[index], raster.values[index]
    entry: dict[str, Any] = {
        "name": band.name,
        "description": band.description,
        "data_type": values.dtype.name,
    }
    if np.issubdtype(values.dtype, np.floating):
        entry["nodata"] = "nan"
    elif values.dtype == np.uint8:
        entry["nodata"] = NODATA_BYTE
    if band.unit:
        entry["unit"] = band.unit
    if (found := raster.statistics[index]) is not None:
        entry["statistics"] = found
    return entry


def table_asset(key: str, path: Path, detections: gpd.GeoDataFrame) -> dict[str, Any]:
    """:func:`file_asset` of a table of detections, with its columns."""
    covered = key in ("detections", "outlines")
    columns = columns_of(detections)
    return {
        **file_asset(key, path),
        "table:columns": columns if covered else columns[:-1],
        "table:row_count": len(detections),
        "table:primary_geometry": "geometry",
    }


def composite_asset(
    group: str, item: str, recipe: Recipe, epsg: int, sums: Mapping[str, str]
) -> dict[str, Any]:
    """The Zarr group, of which the item's tile is a part.

    Parameters
    ----------
    group, item
        Paths of the group and of the item's JSON, relative to the root; ``group`` may be a URL.
    sums
        Of the values that each band has on the tile; the files are shared with other tiles and
        may be packed in another way by another version.
    """
    unit = {"unit": "dB", "nodata": "nan", "data_type": "float32"}
    bands: list[dict[str, Any]] = [{"name": name, **unit} for name in recipe.bands]
    bands += [{"name": name, "data_type": "uint16"} for name in ("n_pre", "n_post")]
    bands.append({"name": "visibility", "data_type": "uint8", "nodata": 255})
    for band in bands:
        if (found := sums.get(band["name"])) is not None:
            band[SUM] = found
    return {
        "href": relative(group, item),
        **TEMPLATES["composite"],
        "proj:code": f"EPSG:{epsg}",
        "raster:spatial_resolution": recipe.resolution,
        "xarray:open_kwargs": {"engine": "zarr", "chunks": {}},
        "bands": bands,
    }


def inputs_asset(href: str, item: str, content: bytes | None) -> dict[str, Any]:
    """The frozen search result; ``content`` is None where it lies out of the catalogue."""
    path = posixpath.basename(href)
    known = (
        {}
        if content is None
        else {"file:size": len(content), "file:checksum": checksums.of_bytes(content)}
    )
    kind = GEOJSON if path.endswith((".json", ".geojson")) else "application/octet-stream"
    return {"href": relative(href, item), **TEMPLATES["inputs"], "type": kind, **known}
