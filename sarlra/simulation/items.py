"""STAC items as the Planetary Computer publishes them.

The Planetary Computer drops the last part of a product's name (its unique id) from item ids, so
that a reprocessed product replaces its predecessor under the same id, unless its times differ.
When both stand, ``s1:processing_datetime`` tells them apart (sentinel-1 extension v0.2.0; items
there rarely have it), and ``s1:product_identifier`` holds the full name.
"""

from __future__ import annotations

import zlib
from datetime import datetime
from typing import Any

from shapely import Polygon
from shapely.geometry import mapping

from sarlra.simulation.files import Written
from sarlra.simulation.footprint import NODATA, Frame
from sarlra.simulation.layout import Layout
from sarlra.simulation.timetable import Pass, SlicePlan

Pols = tuple[str, ...]
BOTH: Pols = ("vv", "vh")
EXTENSIONS = "https://stac-extensions.github.io/"
COG_TYPE = "image/tiff; application=geotiff; profile=cloud-optimized"
_LICENSE = {
    "rel": "license",
    "href": "https://sentinel.esa.int/documents/247904/690755/Sentinel_Data_Legal_Notice",
}
_TITLES = {
    "vv": ("VV: vertical transmit, vertical receive", "vertical"),
    "vh": ("VH: vertical transmit, horizontal receive", "horizontal"),
}


def links_of(collection: str, *more: dict[str, str]) -> list[dict[str, str]]:
    """Links of an item: to its collection (STAC asks for it), and what else there is."""
    href = f"https://planetarycomputer.microsoft.com/api/stac/v1/collections/{collection}"
    return [{"rel": "collection", "type": "application/json", "href": href}, *map(dict, more)]


def grd_id(overflight: Pass, part: SlicePlan, polarisations: Pols = BOTH) -> str:
    """Such as ``S1A_IW_GRDH_1SDV_20230830T085100_20230830T085125_050101_0606A2``."""
    form = "%Y%m%dT%H%M%S"
    kind = "1SDV" if len(polarisations) > 1 else "1SSV"
    return (
        f"S1A_IW_GRDH_{kind}_{part.start.strftime(form)}_{part.stop.strftime(form)}"
        f"_{overflight.absolute_orbit:06d}_{overflight.datatake:06X}"
    )


def rtc_id(overflight: Pass, part: SlicePlan, polarisations: Pols = BOTH) -> str:
    """The id of the terrain corrected product."""
    return grd_id(overflight, part, polarisations) + "_rtc"


def rtc_item(
    layout: Layout,
    overflight: Pass,
    part: SlicePlan,
    footprint: Polygon,
    frame: Frame,
    assets: dict[str, tuple[str, Written]],
    grd_href: str,
) -> dict[str, Any]:
    """The ``sentinel-1-rtc`` item; ``assets`` holds href and file facts by polarisation."""
    left, bottom, right, top = frame.bounds(layout)
    grid = {
        "proj:bbox": [left, bottom, right, top],
        "proj:epsg": layout.epsg,
        "proj:shape": [frame.rows, frame.cols],
        "proj:transform": [10, 0, left, 0, -10, top, 0, 0, 1],
    }
    link = {
        "rel": "derived_from",
        "href": grd_href,
        "type": "application/json",
        "title": "Sentinel 1 GRD Item",
    }
    pols = tuple(sorted(assets, reverse=True))
    name = rtc_id(overflight, part, pols)
    item = _item(name, "sentinel-1-rtc", footprint, overflight, part, pols)
    item["properties"].update(grid)
    item["links"] = links_of("sentinel-1-rtc", _LICENSE, link)
    item["assets"] = {name: _rtc_asset(name, *assets[name]) for name in sorted(assets)}
    item["stac_extensions"] += [
        f"{EXTENSIONS}file/v2.0.0/schema.json",
        f"{EXTENSIONS}raster/v1.1.0/schema.json",
    ]
    return item


def grd_item(
    overflight: Pass, part: SlicePlan, footprint: Polygon, hrefs: dict[str, str]
) -> dict[str, Any]:
    """The ``sentinel-1-grd`` item; ``hrefs`` are those of the annotation by polarisation.

    The detected images themselves are not simulated, so the item lists the annotation alone.
    """
    pols = tuple(sorted(hrefs, reverse=True))
    name = grd_id(overflight, part, pols)
    item = _item(name, "sentinel-1-grd", footprint, overflight, part, pols)
    item["links"] = links_of("sentinel-1-grd", _LICENSE)
    item["assets"] = {
        f"schema-product-{name}": {
            "href": hrefs[name],
            "type": "application/xml",
            "roles": ["metadata"],
            "title": "Product Schema",
            "description": f"Orbit, heading and geolocation grid of the {name.upper()} product.",
        }
        for name in sorted(hrefs)
    }
    return item


def _item(
    item_id: str,
    collection: str,
    footprint: Polygon,
    overflight: Pass,
    part: SlicePlan,
    polarisations: Pols,
) -> dict[str, Any]:
    extensions = ("sar/v1.0.0", "sat/v1.0.0", "projection/v1.1.0", "processing/v1.2.0")
    extra = ("product/v0.1.0", "sentinel-1/v0.2.0")
    return {
        "id": item_id,
        "bbox": list(footprint.bounds),
        "type": "Feature",
        "links": [],
        "assets": {},
        "geometry": mapping(footprint),
        "collection": collection,
        "properties": _properties(overflight, part, polarisations),
        "stac_extensions": [f"{EXTENSIONS}{name}/schema.json" for name in (*extensions, *extra)],
        "stac_version": "1.0.0",
    }


def _properties(overflight: Pass, part: SlicePlan, polarisations: Pols) -> dict[str, Any]:
    middle = part.start + (part.stop - part.start) / 2
    properties: dict[str, Any] = {
        "datetime": middle.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "platform": "SENTINEL-1A",
        "constellation": "Sentinel-1",
        "start_datetime": _spaced(part.start),
        "end_datetime": _spaced(part.stop),
        "s1:datatake_id": str(overflight.datatake),
        "s1:orbit_source": "RESORB" if part.reprocessed else "PREORB",
        "s1:slice_number": str(part.number),
        "s1:total_slices": "27",
        "s1:instrument_configuration_ID": "7",
        "sar:looks_range": 5,
        "sar:looks_azimuth": 1,
        "sar:looks_equivalent_number": 4.4,
        "sar:product_type": "GRD",
        "sar:polarizations": [p.upper() for p in polarisations],
        "sar:frequency_band": "C",
        "sar:center_frequency": 5.405,
        "sar:instrument_mode": "IW",
        "sar:resolution_range": 20,
        "sar:resolution_azimuth": 22,
        "sar:pixel_spacing_range": 10,
        "sar:pixel_spacing_azimuth": 10,
        "sar:observation_direction": "right",
        "sat:orbit_state": overflight.orbit_state,
        "sat:absolute_orbit": overflight.absolute_orbit,
        "sat:relative_orbit": overflight.relative_orbit,
        "sat:platform_international_designator": "2014-016A",
        "processing:level": "L1",
        "product:timeliness": "PT3H",
        "product:timeliness_category": "NRT-3h",
    }
    if part.superseded or part.reprocessed:
        name = grd_id(overflight, part, polarisations)
        unique = zlib.crc32(f"{name}{part.processed.isoformat()}".encode()) & 0xFFFF
        properties["s1:processing_datetime"] = part.processed.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        properties["s1:product_identifier"] = f"{name}_{unique:04X}"
    return properties


def _rtc_asset(name: str, href: str, written: Written) -> dict[str, Any]:
    title, received = _TITLES[name]
    return {
        "href": href,
        "file:size": written.size,
        "file:checksum": written.md5,
        "type": COG_TYPE,
        "roles": ["data"],
        "title": title,
        "description": "Simulated gamma naught (linear power) after terrain correction, sent "
        f"vertically and received in {received} polarisation.",
        "raster:bands": [{"nodata": int(NODATA), "data_type": "float32", "spatial_resolution": 10}],
    }


def _spaced(moment: datetime) -> str:
    """With a blank instead of T, as the Planetary Computer writes these two."""
    return moment.strftime("%Y-%m-%d %H:%M:%S.%f") + "+00:00"
