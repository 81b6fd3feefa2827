"""Where a watched event is looked at: strong shaking, on land, where there is relief."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import shapely
from affine import Affine
from numpy.typing import NDArray
from rasterio.features import shapes
from scipy import ndimage
from shapely import MultiPolygon
from shapely.geometry import shape

from sarlra.errors import AreaError, SarlraError
from sarlra.events.event import Event
from sarlra.events.geometry import unite
from sarlra.events.land import land_mask
from sarlra.events.rule import Rule
from sarlra.events.shaking import shaken_area
from sarlra.jobs.tiles import zones
from sarlra.terrain.choice import DemSource
from sarlra.terrain.ground import GroundGrid
from sarlra.terrain.relief import coarse_heights

log = logging.getLogger(__name__)

#: Heights are looked at on pixels of this edge in metres, in pieces of so many.
_PIXEL_M, _PIECE_PX = 100.0, 512


def watch_area(
    event: Event, properties: Mapping[str, Any], rule: Rule, dem: DemSource | None
) -> tuple[MultiPolygon, str, str | None]:
    """The area to look at.

    Parameters
    ----------
    event
        With its area by bounds or by magnitude, see :mod:`sarlra.events.extent`.
    properties
        Of the event's detail, for its ShakeMap.
    dem
        Where heights come from; None where there are none.

    Returns
    -------
    The area (EPSG:4326), how it was found, and why there is nothing to look at (None where there
    is something). What is not known is kept.
    """
    shaken = shaken_area(properties, rule.least_mmi)
    area, origin = shaken or (event.area, event.area_origin)
    dry = on_land(area)
    if dry is None:
        return area, origin, "it lies at sea"
    if land_share(area) < rule.least_land_share:
        return area, origin, f"less than {rule.least_land_share:.0%} of its area is land"
    rough = with_relief(dry, rule, dem)
    if rough is None:
        return dry, f"{origin}, on land", f"no relief of {rule.least_relief_m:g} m in its area"
    return rough, f"{origin}, on land with relief" if dem else f"{origin}, on land", None


def land_share(area: MultiPolygon) -> float:
    """Share of land in the boxes around the parts of an area."""
    masks = [land_mask(part.bounds).land for part in area.geoms]
    total = sum(mask.size for mask in masks)
    return sum(int(mask.sum()) for mask in masks) / total if total else 0.0


def on_land(area: MultiPolygon) -> MultiPolygon | None:
    """The part of an area within about two kilometres of land; None where there is none."""
    parts = []
    for part in area.geoms:
        mask = land_mask(part.bounds)
        near = ndimage.binary_dilation(mask.land, np.ones((3, 3), bool))
        parts += [
            shapely.intersection(shape(outline), part)
            for outline, _ in shapes(near.astype(np.uint8), mask=near, transform=mask.transform)
        ]
    dry = unite(parts)
    return None if dry.is_empty or dry.area <= 0 else dry


def with_relief(area: MultiPolygon, rule: Rule, dem: DemSource | None) -> MultiPolygon | None:
    """The part of an area whose cells have relief; all of it where heights cannot be had."""
    if dem is None:
        return area
    kept: list[shapely.Geometry] = []
    for epsg, part in zones(area):
        for piece in _pieces(part, epsg):
            kept += _rough_cells(piece, rule, dem)
    rough = shapely.intersection(shapely.union_all(kept), area)
    found = unite([rough])
    return None if found.is_empty or found.area <= 0 else found


def _pieces(part: shapely.Geometry, epsg: int) -> list[GroundGrid]:
    """Grids of heights that cover a part of the area."""
    from sarlra.events.geometry import to_utm

    outline = to_utm(part, epsg)
    left, bottom, right, top = shapely.bounds(outline)
    edge = _PIXEL_M * _PIECE_PX
    found = []
    for x in range(math.floor(left / edge), math.ceil(right / edge)):
        for y in range(math.floor(bottom / edge), math.ceil(top / edge)):
            box = shapely.box(x * edge, y * edge, (x + 1) * edge, (y + 1) * edge)
            inside = shapely.intersection(box, outline)
            if shapely.area(inside) <= 0:
                continue
            west, south, east, north = shapely.bounds(inside)
            cols = math.ceil((east - west) / _PIXEL_M)
            rows = math.ceil((north - south) / _PIXEL_M)
            place = Affine(_PIXEL_M, 0, west, 0, -_PIXEL_M, north)
            found.append(GroundGrid(f"EPSG:{epsg}", place, (max(rows, 2), max(cols, 2))))
    return found


def _rough_cells(grid: GroundGrid, rule: Rule, dem: DemSource) -> list[shapely.Geometry]:
    """Outlines (EPSG:4326) of what has relief, with the cells around it."""
    try:
        heights = coarse_heights(dem, grid)
    except SarlraError as error:
        log.warning("relief is not known, the area is kept: %s", error.message)
        return [_lonlat(shapely.box(*grid.bounds), grid.crs)]
    rough = relief_mask(heights, max(3, round(rule.relief_cell_m / _PIXEL_M)), rule.least_relief_m)
    found = shapes(rough.astype(np.uint8), mask=rough, transform=grid.transform)
    return [_lonlat(shape(outline), grid.crs) for outline, _ in found]


def relief_mask(heights: NDArray[np.float32], cell: int, least: float) -> NDArray[np.bool_]:
    """Pixels around which heights differ by at least ``least`` within squares of ``cell`` pixels.

    Voids count as level, as the sea does.
    """
    known = np.isfinite(heights)
    high = ndimage.maximum_filter(np.where(known, heights, -np.inf), cell)
    low = ndimage.minimum_filter(np.where(known, heights, np.inf), cell)
    with np.errstate(invalid="ignore"):
        return np.asarray((high - low >= least) & np.isfinite(high))


def _lonlat(outline: shapely.Geometry, crs: str) -> shapely.Geometry:
    from pyproj import Transformer

    back = Transformer.from_crs(crs, 4326, always_xy=True)
    simple = shapely.simplify(outline, _PIXEL_M * 2)
    turned: shapely.Geometry = shapely.transform(
        simple, lambda xy: np.column_stack(back.transform(xy[:, 0], xy[:, 1]))
    )
    if not shapely.is_valid(turned):
        turned = shapely.make_valid(turned)
    return turned


def same_area(one: MultiPolygon, other: MultiPolygon) -> float:
    """Intersection over union of two areas."""
    together = shapely.area(shapely.union(one, other))
    if not together > 0:
        raise AreaError("both areas are empty")
    return float(shapely.area(shapely.intersection(one, other)) / together)
