"""The area of interest, from a user's text."""

from __future__ import annotations

import math
from pathlib import Path

import geopandas
import shapely
from shapely import Geometry, MultiPolygon

from sarlra.errors import AreaError
from sarlra.events.files import existing
from sarlra.events.geometry import polygons_of, split_antimeridian, unite

SOUTH, NORTH = -80.0, 84.0
"""Latitudes between which UTM, and so the grid of tiles, is defined."""
MAX_FILE_BYTES = 256 * 2**20


def parse_area(text: str) -> MultiPolygon:
    """Read an area of interest.

    Parameters
    ----------
    text
        ``west,south,east,north`` in degrees (west > east: across the antimeridian), or a file of
        polygons (GeoJSON, GeoPackage, Shapefile, ...; ``FILE#LAYER`` where it has several layers).

    Returns
    -------
    MultiPolygon
        EPSG:4326 (longitude, latitude), longitudes within [-180, 180], split at the antimeridian,
        valid, of a size over zero, latitudes within [-80, 84].

    Raises
    ------
    AreaError
        Neither of the two, or an area that is empty, malformed or outside the latitudes of UTM.
    """
    text = text.strip()
    numbers = [_number(part) for part in text.split(",")]
    if len(numbers) > 1 and any(number is not None for number in numbers):
        return check_area(_box(text, numbers), text)
    return check_area(_from_file(text), text)


def check_area(area: Geometry, name: str) -> MultiPolygon:
    """Bring polygons in degrees to the form of :attr:`sarlra.events.event.Event.area`.

    Raises
    ------
    AreaError
        See :func:`parse_area`.
    """
    try:
        split = unite(split_antimeridian(area, wide_crosses=False).geoms)
    except (ValueError, shapely.GEOSException) as cause:
        raise AreaError(f"the area {name} cannot be used: {cause}") from cause
    if split.is_empty or split.area <= 0:
        raise AreaError(f"the area {name} is empty", hint="give polygons or a box with a size")
    _, south, _, north = split.bounds
    if south < SOUTH or north > NORTH:
        raise AreaError(
            f"the area {name} reaches from latitude {south:g} to {north:g}",
            hint=f"the UTM grid of tiles spans latitudes {SOUTH:g} to {NORTH:g}",
        )
    return split


def box_area(west: float, south: float, east: float, north: float) -> MultiPolygon:
    """The box between meridians and parallels; west > east means across the antimeridian."""
    if west > east:
        east += 360
    return split_antimeridian(shapely.box(west, south, east, north), wide_crosses=False)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _box(text: str, numbers: list[float | None]) -> MultiPolygon:
    hint = "give the box as west,south,east,north in degrees, such as 141.7,42.5,142.3,43.0"
    given = [number for number in numbers if number is not None and math.isfinite(number)]
    if len(numbers) != 4 or len(given) != 4:
        raise AreaError(f"the box {text!r} is not four numbers", hint=hint)
    west, south, east, north = given
    if max(abs(west), abs(east)) > 180 or max(abs(south), abs(north)) > 90:
        raise AreaError(
            f"the box {text!r} leaves the map",
            hint=f"{hint}; across the antimeridian give west > east, such as 179.5,-17,-179.5,-16",
        )
    if south > north:
        raise AreaError(f"the box {text!r} has its south above its north", hint=hint)
    if south == north or west == east:
        raise AreaError(f"the box {text!r} is empty", hint=hint)
    return box_area(west, south, east, north)


def _from_file(text: str) -> Geometry:
    name, _, layer = text.partition("#")
    whole = existing(text)
    path, layer = (whole, "") if whole is not None else (existing(name), layer)
    if path is None or not path.is_file():
        raise AreaError(
            f"the area {text!r:.200} is neither a box nor a file",
            hint="give west,south,east,north or a file of polygons, such as area.geojson",
        )
    if path.stat().st_size > MAX_FILE_BYTES:
        raise AreaError(f"the area {path} is larger than {MAX_FILE_BYTES // 2**20} MiB")
    try:
        layers = [str(name) for name in geopandas.list_layers(path)["name"]]
        frame = geopandas.read_file(path, layer=_layer(path, layers, layer))
        if not isinstance(frame, geopandas.GeoDataFrame) or frame.geometry.isna().all():
            raise AreaError(f"the area {path} has no geometries")
        if frame.crs is None:
            raise AreaError(f"the area {path} states no CRS", hint="store it in EPSG:4326")
        shapes = frame.geometry.dropna().to_crs(4326)
    except AreaError:
        raise
    except Exception as cause:  # drivers raise what they like
        raise AreaError(f"the area {path} cannot be read as a vector file: {cause}") from cause
    parts = [part for shape in shapes for part in polygons_of(shape)]
    if not parts:
        raise AreaError(f"the area {path} has no polygons", hint="points and lines have no area")
    return MultiPolygon(parts)


def _layer(path: Path, layers: list[str], wanted: str) -> str:
    listed = ", ".join(layers)
    if wanted:
        if wanted not in layers:
            raise AreaError(f"the area {path} has no layer {wanted!r}", hint=f"it has {listed}")
        return wanted
    if len(layers) != 1:
        raise AreaError(
            f"the area {path} has {len(layers)} layers",
            hint=f"name one as {path.name}#LAYER: {listed}" if layers else None,
        )
    return layers[0]
