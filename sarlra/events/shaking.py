"""The area of strong shaking from a ShakeMap: its contours of intensity, or its grid.

A ShakeMap is a product of an event's detail; its files are fetched from the addresses that the
detail names. Contours: ``download/cont_mmi.json`` (``cont_mi.json`` until 2019), lines with
``value``. Grid: ``download/grid.xml``, rows of numbers with MMI among them.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping, Sequence
from typing import Any

import httpx
import numpy as np
import shapely
from shapely import Geometry, LineString, MultiPolygon, Polygon
from shapely.geometry import shape

from sarlra.events.area import check_area
from sarlra.events.geometry import split_antimeridian, unite
from sarlra.events.web import fetch

log = logging.getLogger(__name__)

_CONTOURS = ("download/cont_mmi.json", "download/cont_mi.json")
_GRID = "download/grid.xml"
_MAX_BYTES = 128 * 2**20
_SPECIFICATION = re.compile(rb"<grid_specification\s([^>]*)/?>")
_FIELD = re.compile(rb'<grid_field\s+index="(\d+)"\s+name="([^"]+)"')
_DATA = re.compile(rb"<grid_data>(.*?)</grid_data>", re.DOTALL)


def shaken_area(properties: Mapping[str, Any], least_mmi: float) -> tuple[MultiPolygon, str] | None:
    """Where the intensity reached ``least_mmi``, EPSG:4326, and from what it was read.

    None where the event has no ShakeMap, none of its files can be had, or nowhere was shaken so.

    Parameters
    ----------
    properties
        Of the event's detail.
    """
    for names, read in ((_CONTOURS, area_of_contours), ((_GRID,), area_of_grid)):
        url = _url(properties, names)
        if url is None:
            continue
        try:
            answer = fetch(url, max_bytes=_MAX_BYTES)
            if answer.status != 200:
                raise ValueError(f"HTTP {answer.status}")
            area = read(answer.body, least_mmi)
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            log.warning("the ShakeMap's %s cannot be used: %s", url, error)
            continue
        if area is not None:
            return check_area(area, url), "shakemap-" + ("grid" if names == (_GRID,) else "mmi")
    return None


def area_of_contours(data: bytes, least_mmi: float) -> MultiPolygon | None:
    """The area inside contours of at least an intensity.

    A contour that the map's edge cuts is closed straight.

    Raises
    ------
    ValueError
        The bytes are no contours.
    """
    content = json.loads(data)
    if not isinstance(content, dict) or not isinstance(content.get("features"), list):
        raise ValueError("no GeoJSON of contours")
    lines: list[Geometry] = []
    for feature in content["features"]:
        try:
            if float(feature["properties"]["value"]) >= least_mmi:
                lines += shapely.get_parts(shape(feature["geometry"])).tolist()
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"a contour is malformed: {error!r}") from error
    if not lines:
        return None
    merged = shapely.get_parts(shapely.line_merge(shapely.union_all(lines)))
    return _area([p for line in merged for p in _inside(line)])


def area_of_grid(data: bytes, least_mmi: float) -> MultiPolygon | None:
    """The cells of a ``grid.xml`` with at least an intensity.

    Raises
    ------
    ValueError
        The bytes are no grid.
    """
    from affine import Affine
    from rasterio.features import shapes

    specification, values = _SPECIFICATION.search(data), _DATA.search(data)
    columns = {name.decode().upper(): int(index) - 1 for index, name in _FIELD.findall(data)}
    if specification is None or values is None or "MMI" not in columns:
        raise ValueError("no ShakeMap grid with MMI")
    stated = dict(re.findall(rb'(\w+)="([^"]*)"', specification.group(1)))
    cols, rows = int(stated[b"nlon"]), int(stated[b"nlat"])
    numbers = np.array(values.group(1).split(), dtype=np.float64)
    if not 0 < cols * rows <= 4_000_000 or numbers.size != cols * rows * len(columns):
        raise ValueError("the grid has another size than it says")
    table = numbers.reshape(rows, cols, len(columns))
    strong = table[:, :, columns["MMI"]] >= least_mmi
    west, north = float(stated[b"lon_min"]), float(stated[b"lat_max"])
    step_x = (float(stated[b"lon_max"]) - west) / max(cols - 1, 1)
    step_y = (north - float(stated[b"lat_min"])) / max(rows - 1, 1)
    place = Affine(step_x, 0, west - step_x / 2, 0, -step_y, north + step_y / 2)
    found = shapes(strong.astype(np.uint8), mask=strong, transform=place)
    return _area([shape(polygon) for polygon, _ in found])


def _url(properties: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    """The address of the first of some files of the preferred ShakeMap."""
    try:
        contents = properties["products"]["shakemap"][0]["contents"]
        found = next((contents[name]["url"] for name in names if name in contents), None)
    except (KeyError, TypeError, IndexError):
        return None
    good = isinstance(found, str) and found.startswith(("http://", "https://"))
    return found if good else None


def _inside(line: Geometry) -> list[Polygon]:
    if not isinstance(line, LineString) or len(line.coords) < 4:
        return []
    ring = Polygon(line.coords)
    whole = ring if ring.is_valid else shapely.make_valid(ring)
    return [p for p in shapely.get_parts(whole).tolist() if isinstance(p, Polygon)]


def _area(parts: Sequence[Geometry]) -> MultiPolygon | None:
    kept = [p for p in parts if shapely.area(p) > 0]
    if not kept:
        return None
    return unite(split_antimeridian(unite(kept), wide_crosses=False).geoms)
