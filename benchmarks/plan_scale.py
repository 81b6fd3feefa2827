"""Plans a scan of the size of Africa on a generated index: time, memory, rows.

    python benchmarks/plan_scale.py --items 500000 [--processes 2]

Bursts of 80 x 20 km from both directions are laid over the area on a regular pattern and kept in a
SQLite file; each search makes the STAC items that it finds, as an API's pages would. Core seconds
and peak memory (ru_maxrss) are those of this process and of the largest of those that it starts.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sqlite3
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from shapely import MultiPolygon

from sarlra.events.area import box_area
from sarlra.events.event import Event
from sarlra.jobs.plan import Request
from sarlra.recipe import make_recipe
from sarlra.scan.parcels import processes_for
from sarlra.scan.plan import plan_scan
from sarlra.scenes.hrefs import Base
from sarlra.scenes.items import FoundItem
from sarlra.scenes.sources import Source

ORIGIN = datetime(2023, 12, 10, tzinfo=UTC)
PASSES = 7
"""One pass in 12 days: six before and one after."""


class GeneratedIndex:
    """A search over generated bursts: footprints in SQLite, items made when they are found."""

    def __init__(self, path: Path, area: tuple[float, float, float, float], items: int) -> None:
        self._path = path
        self._db = sqlite3.connect(path)
        self._db.execute("create virtual table burst using rtree(id, w, e, s, n)")
        west, south, east, north = area
        per_pass = max(1, items // PASSES)
        step = ((east - west) * (north - south) / per_pass) ** 0.5
        rows, number = [], 0
        lat = south
        while lat < north:
            lon = west
            while lon < east:
                rows.append((number, lon, lon + 0.75, lat, lat + 0.2))
                number += 1
                lon += step
            lat += step
        self._db.executemany("insert into burst values (?,?,?,?,?)", rows)
        self._db.commit()
        self.items = number * PASSES
        self.found = 0

    def __reduce__(self) -> tuple[Any, ...]:
        """In another process: the same file, opened there."""
        return (_reopened, (self._path,))

    def find(self, area: MultiPolygon, start: datetime, end: datetime) -> list[FoundItem]:
        """See :meth:`sarlra.scenes.search.Search.find`."""
        found = []
        for part in area.geoms:
            west, south, east, north = part.bounds
            hits = self._db.execute(
                "select id, w, e, s, n from burst where e >= ? and w <= ? and n >= ? and s <= ?",
                (west, east, south, north),
            )
            for number, *bounds in hits:
                for index in range(PASSES):
                    at = ORIGIN + timedelta(days=12 * (index - 5) - 6, seconds=number % 600)
                    if start <= at <= end:
                        item = _item(number, at, index, *bounds)
                        found.append(FoundItem(item, Base(url="https://items.example/x")))
        self.found += len(found)
        return found


def _reopened(path: Path) -> GeneratedIndex:
    index = GeneratedIndex.__new__(GeneratedIndex)
    index._path, index.items, index.found = path, 0, 0
    index._db = sqlite3.connect(path)
    return index


def _item(
    number: int, at: datetime, index: int, west: float, east: float, south: float, north: float
) -> dict[str, Any]:
    # Tracks are as wide as five bursts; both directions cover everything, by turns.
    ascending = number % 2 == 0
    orbit = 1 + int((west + 180.0) / 2.5) % 175
    name = f"OPERA_L2_RTC-S1_T{orbit:03d}-{number:06d}-IW2_{at:%Y%m%dT%H%M%SZ}"
    text = at.isoformat().replace("+00:00", "Z")
    zone = int((west + 180.0) // 6) % 60 + 1
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": name,
        "collection": "opera-rtc-s1",
        "bbox": [west, south, east, north],
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "properties": {
            "datetime": text,
            "start_datetime": text,
            "end_datetime": (at + timedelta(seconds=3)).isoformat().replace("+00:00", "Z"),
            "platform": "sentinel-1a",
            "constellation": "sentinel-1",
            "sar:instrument_mode": "IW",
            "sar:product_type": "RTC",
            "sar:polarizations": ["VV", "VH"],
            "sat:orbit_state": "ascending" if ascending else "descending",
            "sat:relative_orbit": orbit,
            "sat:absolute_orbit": 50000 + 175 * index + orbit,
            "opera:burst_id": f"T{orbit:03d}-{number:06d}-IW2",
            "proj:epsg": (32600 if south >= 0 else 32700) + zone,
            "proj:transform": [30.0, 0.0, 500000.0, 0.0, -30.0, 0.0],
            "proj:shape": [700, 2700],
        },
        "assets": {
            pol: {"href": f"https://data.example/{name}/{name}_{pol}.tif", "type": "image/tiff"}
            for pol in ("vv", "vh")
        },
        "links": [],
    }


def main() -> None:
    """Plan, and print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--items", type=int, default=500_000)
    parser.add_argument("--processes", type=int, default=0, help="0: as a scan chooses")
    parser.add_argument("--area", default="-17,-35,51,37", help="west,south,east,north")
    given = parser.parse_args()
    west, south, east, north = (float(part) for part in given.area.split(","))
    with tempfile.TemporaryDirectory() as folder:
        index = GeneratedIndex(
            Path(folder) / "index.sqlite", (west, south, east, north), given.items
        )
        event = Event("scale", "Scale", (ORIGIN,), box_area(west, south, east, north))
        source = Source("generated", "api", "https://items.example")
        request = Request(event, source, str(Path(folder) / "out"), make_recipe())
        started = time.monotonic()
        processes = given.processes or processes_for(index)
        with plan_scan([request], index, processes=processes) as plan:
            seconds = time.monotonic() - started
            used = [resource.getrusage(who) for who in
                    (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]  # fmt: skip
            spool = sum(path.stat().st_size for path in plan.folder.iterdir())
            figures = {
                "items": index.items,
                "processes": processes,
                "cells": len(plan.cells),
                "rows": dict(plan.counts),
                "seconds": round(seconds, 1),
                "core_seconds": round(sum(r.ru_utime + r.ru_stime for r in used), 1),
                "load_average": os.getloadavg()[0],
                "peak_mib": [r.ru_maxrss // 1024 for r in used],
                "plan_mib": round(plan.table.stat().st_size / 2**20, 1),
                "spool_mib": round(spool / 2**20, 1),
                "bytes_in": plan.bytes_in,
                "core_hours": round(plan.core_seconds / 3600, 1),
            }
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
