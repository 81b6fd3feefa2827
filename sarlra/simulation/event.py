"""The earthquake as the U.S. Geological Survey would tell of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sarlra.simulation.ground import Ground

MAGNITUDE = 6.6
DEPTH_KM = 12.0
_MARGIN_M = 100.0


def event_id(seed: int) -> str:
    """Such as ``sim00000007``: no real network has this prefix."""
    return f"sim{seed:08d}"


def make_event(ground: Ground, origin: datetime) -> dict[str, Any]:
    """The event in the form of a USGS event detail (GeoJSON Feature).

    The bounds of its ``shakemap`` product are the box of longitude and latitude that the world
    holds: the area to look at. Addresses of contents are left out: there is nothing behind them.
    """
    lon, lat = (round(float(v), 4) for v in ground.layout.to_lonlat(*ground.epicentre))
    west, south, east, north = ground.layout.inner_lonlat(_MARGIN_M)
    code = f"{ground.seed:08d}"
    name = event_id(ground.seed)
    milliseconds = round(origin.timestamp() * 1000)
    iso = origin.strftime("%Y-%m-%dT%H:%M:%S.") + f"{origin.microsecond // 1000:03d}Z"
    common = {
        "depth": str(DEPTH_KM),
        "eventsource": "sim",
        "eventsourcecode": code,
        "eventtime": iso,
        "latitude": f"{lat:.4f}",
        "longitude": f"{lon:.4f}",
        "magnitude": str(MAGNITUDE),
    }
    shaking = {
        "event-description": "SIMULATED WORLD",
        "event-type": "SCENARIO",
        "map-status": "RELEASED",
        "maxmmi": "8.6",
        "minimum-longitude": f"{west:.4f}",
        "minimum-latitude": f"{south:.4f}",
        "maximum-longitude": f"{east:.4f}",
        "maximum-latitude": f"{north:.4f}",
        "version": "1",
    }
    title = f"M {MAGNITUDE} - Simulated world {ground.seed}"
    products = {
        "origin": [_product(name, "origin", milliseconds, {**common, "depth-type": "set"})],
        "shakemap": [_product(name, "shakemap", milliseconds, {**common, **shaking})],
    }
    properties: dict[str, Any] = {
        "mag": MAGNITUDE,
        "place": f"Simulated world {ground.seed}",
        "time": milliseconds,
        "updated": milliseconds,
        "tz": None,
        "url": None,
        "felt": None,
        "cdi": None,
        "mmi": 8.6,
        "alert": None,
        "status": "reviewed",
        "tsunami": 0,
        "sig": 700,
        "net": "sim",
        "code": code,
        "ids": f",{name},",
        "sources": ",sim,",
        "types": ",origin,shakemap,",
        "nst": None,
        "dmin": None,
        "rms": None,
        "gap": None,
        "magType": "mww",
        "type": "earthquake",
        "title": title,
        "products": products,
    }
    geometry = {"type": "Point", "coordinates": [lon, lat, DEPTH_KM]}
    return {"type": "Feature", "properties": properties, "geometry": geometry, "id": name}


def _product(name: str, kind: str, milliseconds: int, properties: dict[str, str]) -> dict[str, Any]:
    return {
        "indexid": "1",
        "indexTime": milliseconds,
        "id": f"urn:usgs-product:sim:{kind}:{name}:{milliseconds}",
        "type": kind,
        "code": name,
        "source": "sim",
        "updateTime": milliseconds,
        "status": "UPDATE",
        "properties": properties,
        "preferredWeight": 100,
        "contents": {},
    }
