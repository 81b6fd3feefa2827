"""STAC items for servers and files: the real ones with absolute hrefs, and synthetic ones."""

from __future__ import annotations

import copy
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import shapely
from shapely.geometry import mapping


def opera_items(shared_data: Path, root: str | None = None) -> list[dict[str, Any]]:
    """The real OPERA items; hrefs below ``root`` (default: absolute local paths)."""
    folder = shared_data / "opera-rtc-s1"
    items = json.loads((folder / "items.json").read_text())["features"]
    for item in items:
        for asset in item["assets"].values():
            asset["href"] = f"{root or folder}/{asset['href'].removeprefix('./')}"
    return items


def make_item(
    start: datetime,
    *,
    platform: str = "SENTINEL-1A",
    track: int = 37,
    state: str = "descending",
    orbit: int | None = 53134,
    datatake: str | None = "421828",
    footprint: shapely.Geometry | None = None,
    polarisations: tuple[str, ...] = ("vv", "vh"),
    suffix: str = "F9DE",
    item_id: str | None = None,
    **properties: Any,
) -> dict[str, Any]:
    """An item in the form of the Planetary Computer's ``sentinel-1-rtc``; a slice of 25 s."""
    end = start + timedelta(seconds=25)
    letter = platform[-1]
    name = f"S1{letter}_IW_GRDH_1SDV_{start:%Y%m%dT%H%M%S}_{end:%Y%m%dT%H%M%S}_{orbit}_{datatake}"
    shape = shapely.box(10, 45, 12, 46) if footprint is None else footprint
    blob = f"https://sentinel1euwestrtc.blob.core.windows.net/sentinel1-grd-rtc/{name}_{suffix}"
    stated: dict[str, Any] = {
        "datetime": (start + (end - start) / 2).isoformat().replace("+00:00", "Z"),
        "start_datetime": str(start),
        "end_datetime": str(end),
        "platform": platform,
        "constellation": "Sentinel-1",
        "sar:instrument_mode": "IW",
        "sar:product_type": "GRD",
        "sar:polarizations": [p.upper() for p in polarisations],
        "sat:orbit_state": state,
        "sat:relative_orbit": track,
        "sat:absolute_orbit": orbit,
        "s1:datatake_id": datatake,
        "proj:epsg": 32632,
        "proj:shape": [100, 200],
        "proj:transform": [10, 0, 600000, 0, -10, 5100000, 0, 0, 1],
        **properties,
    }
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "stac_extensions": [],
        "id": item_id or f"{name}_rtc",
        "collection": "sentinel-1-rtc",
        "geometry": json.loads(json.dumps(mapping(shape))),
        "bbox": list(shape.bounds),
        "properties": {key: value for key, value in stated.items() if value is not None},
        "links": [],
        "assets": {
            p: {"href": f"{blob}/measurement/iw-{p.lower()}.rtc.tiff", "type": "image/tiff"}
            for p in polarisations
        },
    }


def changed(item: dict[str, Any], **properties: Any) -> dict[str, Any]:
    """A copy with other properties; None removes one."""
    other = copy.deepcopy(item)
    other["properties"] = {
        key: value
        for key, value in {**other["properties"], **properties}.items()
        if value is not None
    }
    return other


def write_items(path: Path, items: list[dict[str, Any]]) -> Path:
    """An ItemCollection file."""
    path.write_text(json.dumps({"type": "FeatureCollection", "features": items}))
    return path
