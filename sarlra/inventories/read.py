"""An inventory from a file: checked, mended, brought to EPSG:4326."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pyogrio
import shapely
from shapely import MultiPolygon

from sarlra.errors import InputError
from sarlra.events.geometry import unite
from sarlra.inventories.formats import Format, choose_layer, role_of, sniff
from sarlra.inventories.inventory import Inventory
from sarlra.inventories.mend import mend


def read_inventory(
    file: Path | str, *, mapped: Path | str | None = None, unmapped: Path | str | None = None
) -> Inventory:
    """Read an inventory of landslide polygons.

    Parameters
    ----------
    file
        Shapefile, GeoPackage, GeoJSON or GeoParquet, in any CRS; ``FILE#LAYER`` names a layer.
    mapped, unmapped
        Files of what was looked at and of what could not be seen. Where they are not given, the
        layers of a GeoPackage whose names say so (``interpreted_area``, ``cloud``) are taken.

    Returns
    -------
    Inventory
        Polygons in the file's order with its attributes; invalid rings mended, empty geometries
        dropped, both noted.

    Raises
    ------
    InputError
        The file cannot be read, states no CRS, holds points or lines, coordinates that are none,
        or no polygon at all.
    """
    path, wanted = _split(file)
    kind = sniff(path)
    layers = _layers(path, kind)
    layer = None if kind == "geoparquet" else choose_layer(path, layers, wanted)
    name = str(path) if len(layers) < 2 else f"{path}#{layer}"
    landslides, notes = _polygons(_read(path, kind, layer), name)
    if landslides.empty:
        raise InputError(f"inventory {name} holds no polygon", hint="give one with landslides")
    zones: dict[str, MultiPolygon | None] = {"mapped": None, "unmapped": None}
    for role, given in (("mapped", mapped), ("unmapped", unmapped)):
        if given is not None:
            zones[role] = _zone_of_file(given)
            continue
        own = [other for other in layers if other != layer and role_of(other) == role]
        parts = [part for other in own for part in _zone(_read(path, kind, other), other)]
        zones[role] = unite(parts) if parts else None
    return Inventory(landslides, zones["mapped"], zones["unmapped"], notes, name)


def _split(file: Path | str) -> tuple[Path, str | None]:
    path = Path(file).expanduser()
    if "#" in str(file) and not path.exists():
        before, _, layer = str(file).rpartition("#")
        return Path(before).expanduser(), layer
    return path, None


def _layers(path: Path, kind: Format) -> list[str]:
    if kind == "geoparquet":
        return []
    try:
        return [str(name) for name, geometry in pyogrio.list_layers(path) if geometry is not None]
    except Exception as error:
        raise _unreadable(path, error) from error


def _read(path: Path, kind: Format, layer: str | None) -> gpd.GeoDataFrame:
    try:
        with warnings.catch_warnings():
            # Rings that run the wrong way, and such, are mended anyway.
            warnings.simplefilter("ignore")
            if kind == "geoparquet":
                return gpd.read_parquet(path)
            return pyogrio.read_dataframe(path, layer=layer)
    except Exception as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> InputError:
    return InputError(
        f"inventory {path} cannot be read: {error}",
        hint="see whether it opens in a GIS; copy it again if it is cut short",
    )


def _polygons(frame: Any, name: str) -> tuple[gpd.GeoDataFrame, tuple[str, ...]]:
    if not isinstance(frame, gpd.GeoDataFrame):
        raise InputError(f"inventory {name} is a table without geometries")
    if frame.crs is None:
        raise InputError(
            f"inventory {name} states no coordinate reference system",
            hint="write it with one (a shapefile needs its .prj), such as EPSG:4326",
        )
    _check_kinds(frame, name)
    frame, notes = mend(frame.set_geometry(frame.geometry.force_2d()))
    moved = frame.to_crs(4326)
    _check_coordinates(moved, name)
    if moved.geometry.name != "geometry":
        moved = moved.rename_geometry("geometry")
    # Moving vertices to another CRS can make a sliver cross itself.
    moved, _ = mend(moved)
    return moved.reset_index(drop=True), notes


def _check_kinds(frame: gpd.GeoDataFrame, name: str) -> None:
    kinds = frame.geometry.geom_type.dropna()
    foreign = kinds[~kinds.isin(["Polygon", "MultiPolygon", "GeometryCollection"])]
    if len(foreign):
        found = ", ".join(f"{n} {kind}" for kind, n in foreign.value_counts().sort_index().items())
        raise InputError(
            f"inventory {name} holds {found}: points and lines have no area, "
            "so that no pixel can be said to be landslide",
            hint="give the inventory of polygons; where only points were mapped, it cannot be used",
        )


def _check_coordinates(frame: gpd.GeoDataFrame, name: str) -> None:
    bounds = shapely.bounds(np.asarray(frame.geometry))
    if not np.isfinite(bounds).all():
        raise InputError(
            f"inventory {name} has coordinates that are no numbers, or none in its CRS",
            hint="see whether the CRS that the file states is the one that it was drawn in",
        )
    if len(bounds) and (np.abs(bounds[:, ::2]).max() > 180 or np.abs(bounds[:, 1::2]).max() > 90):
        raise InputError(
            f"the coordinates of inventory {name} are no longitudes and latitudes",
            hint="it states EPSG:4326 or no CRS, but seems to be in metres: correct its CRS",
        )


def _zone_of_file(file: Path | str) -> MultiPolygon | None:
    path, wanted = _split(file)
    kind = sniff(path)
    layers = _layers(path, kind)
    if wanted is None and len(layers) > 1:
        raise InputError(
            f"{path} has several layers: {', '.join(layers)}", hint=f"name one as {path.name}#LAYER"
        )
    layer = wanted if wanted is not None else (layers[0] if layers else None)
    parts = _zone(_read(path, kind, layer), str(path))
    return unite(parts) if parts else None


def _zone(frame: Any, name: str) -> list[shapely.Geometry]:
    polygons, _ = _polygons(frame, name)
    return list(polygons.geometry)
