"""Detections in the order in which to look at them: by what they may have hit."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import rasterio
import shapely
from numpy.typing import NDArray
from rasterio.errors import RasterioError, WindowError
from rasterio.features import geometry_mask, geometry_window
from shapely.geometry.base import BaseGeometry

from sarlra.errors import InputError

Kind = Literal["lines", "areas", "points", "raster"]
RASTERS = (".tif", ".tiff")
#: Pixels of a raster that one detection may cover.
MAX_PIXELS = 4_000 * 4_000
_UNITS = {"lines": "m", "areas": "m2"}


@dataclass(frozen=True, slots=True)
class Exposure:
    """A layer of what may be hit.

    Lines count by their metres within reach, areas by their square metres, points by their number
    or by the sum of ``column``, a raster of counts (people per pixel) by its sum. ``weight`` is
    how much the layer counts against others.
    """

    name: str
    path: Path
    column: str | None = None
    weight: float = 1.0


def triage(
    detections: gpd.GeoDataFrame, layers: tuple[Exposure, ...], reach_m: float
) -> gpd.GeoDataFrame:
    """Detections with ``hit_NAME`` of each layer, and ``priority`` with its rank and why.

    The exposure of a layer is taken relative to the most exposed detection. The priority is the
    chance that there is a landslide (``probability``, else ``score``) times the weighted mean of
    these. Ranks are from 1; what hits nothing comes last, by score.

    Parameters
    ----------
    detections
        EPSG:4326, with ``score`` and ``epsg``, the UTM zone to measure in.
    reach_m
        How far around a detection something is still hit, metres.

    Raises
    ------
    InputError
        There is no layer, one cannot be read, or has no CRS.
    """
    if not layers:
        raise InputError(
            "nothing to rank by", hint="give --roads, --rivers, --people or --layer NAME=FILE"
        )
    ranked = detections.copy()
    total, weights = np.zeros(len(ranked)), sum(layer.weight for layer in layers)
    why: list[list[str]] = [[] for _ in range(len(ranked))]
    for layer in layers:
        amounts, unit = _exposed(ranked, layer, reach_m)
        ranked[f"hit_{layer.name}"] = amounts.round(1)
        largest = float(amounts.max(initial=0.0))
        if largest > 0:
            total += layer.weight / weights * amounts / largest
        for number in np.flatnonzero(amounts > 0):
            why[number].append(_said(layer.name, float(amounts[number]), unit))
    chance = ranked["score"].to_numpy(dtype=float)
    if "probability" in ranked:
        known = ranked["probability"].to_numpy(dtype=float)
        chance = np.where(np.isfinite(known), known, chance)
    ranked["priority"] = (chance * total).round(6)
    ranked["priority_why"] = ["; ".join(parts) for parts in why]
    order = np.lexsort((-chance, -ranked["priority"].to_numpy()))
    ranks = np.empty(len(ranked), dtype=np.int32)
    ranks[order] = np.arange(1, len(ranked) + 1)
    ranked["priority_rank"] = ranks
    return ranked.iloc[order].reset_index(drop=True)


def _said(name: str, amount: float, unit: str) -> str:
    if unit == "m":
        return (
            f"{amount / 1000:.1f} km of {name}" if amount >= 1000 else f"{amount:.0f} m of {name}"
        )
    if unit == "m2":
        return f"{amount / 1e4:.1f} ha of {name}"
    return f"{amount:.0f} {name}"


def _exposed(
    detections: gpd.GeoDataFrame, layer: Exposure, reach_m: float
) -> tuple[NDArray[np.float64], str]:
    amounts = np.zeros(len(detections))
    is_raster = layer.path.suffix.lower() in RASTERS
    unit = ""
    for epsg, rows in detections.groupby("epsg").indices.items():
        zones = detections.geometry.iloc[rows].to_crs(int(epsg)).buffer(reach_m)
        if is_raster:
            amounts[rows] = _sums(layer.path, zones)
        else:
            amounts[rows], unit = _measured(layer, zones)
    return amounts, unit


def _sums(path: Path, zones: gpd.GeoSeries) -> NDArray[np.float64]:
    """Sum of the pixels of band 1 whose centres lie in each zone; no data and negatives are 0."""
    try:
        with rasterio.open(path, driver="GTiff") as source:
            if source.crs is None:
                raise InputError(f"{path} states no coordinate reference system")
            moved = zones.to_crs(source.crs)
            return np.array([_sum(source, zone) for zone in moved], dtype=float)
    except RasterioError as error:
        raise InputError(f"{path} cannot be read as a GeoTIFF: {error}") from error


def _sum(source: rasterio.DatasetReader, zone: BaseGeometry) -> float:
    try:
        window = geometry_window(source, [zone])
    except WindowError:  # beside the raster
        return 0.0
    if window.width * window.height > MAX_PIXELS:
        raise InputError(f"{source.name} is finer than can be summed: give a coarser raster")
    values = source.read(1, window=window, masked=True).filled(0).astype(float)
    outside = geometry_mask([zone], values.shape, source.window_transform(window))
    values[outside | ~np.isfinite(values) | (values < 0)] = 0.0
    return float(values.sum())


def _measured(layer: Exposure, zones: gpd.GeoSeries) -> tuple[NDArray[np.float64], str]:
    """Metres, square metres or counts of a vector layer in each zone, and the unit."""
    table = _near(layer, zones)
    amounts = np.zeros(len(zones))
    if table.empty:
        return amounts, ""
    kind = _kind(table, layer)
    shapes = np.asarray(table.geometry)
    tree = shapely.STRtree(shapes)
    which, hit = tree.query(np.asarray(zones), predicate="intersects")
    if kind == "points" or layer.column is not None:
        worth = np.ones(len(table)) if layer.column is None else _column(table, layer)
        np.add.at(amounts, which, worth[hit])
        return amounts, ""
    parts = shapely.intersection(shapes[hit], np.asarray(zones)[which])
    np.add.at(amounts, which, shapely.length(parts) if kind == "lines" else shapely.area(parts))
    return amounts, _UNITS[kind]


def _near(layer: Exposure, zones: gpd.GeoSeries) -> gpd.GeoDataFrame:
    """What of a layer lies in the box around the zones, in their CRS."""
    path = layer.path
    try:
        if path.suffix.lower() == ".parquet":
            table = gpd.read_parquet(path)
        else:
            # The box is asked for in the layer's own CRS.
            crs = pyogrio.read_info(path)["crs"]
            box = tuple(zones.to_crs(crs).total_bounds) if crs else None
            table = pyogrio.read_dataframe(path, bbox=box)
    except Exception as error:  # readers raise what they like
        raise InputError(f"layer {layer.name}: {path} cannot be read: {error}") from error
    if not isinstance(table, gpd.GeoDataFrame) or table.crs is None:
        raise InputError(f"layer {layer.name}: {path} has no geometries with a CRS")
    moved = table[~table.geometry.isna()].to_crs(zones.crs)
    west, south, east, north = zones.total_bounds
    return moved.cx[west:east, south:north]


def _kind(table: gpd.GeoDataFrame, layer: Exposure) -> Kind:
    kinds = {str(kind).removeprefix("Multi") for kind in table.geom_type.unique()}
    for kind, names in (
        ("lines", {"LineString", "LinearRing"}), ("areas", {"Polygon"}), ("points", {"Point"})
    ):  # fmt: skip
        if kinds <= names:
            return kind  # type: ignore[return-value]
    raise InputError(f"layer {layer.name}: {layer.path} mixes {', '.join(sorted(kinds))}")


def _column(table: gpd.GeoDataFrame, layer: Exposure) -> NDArray[np.float64]:
    if layer.column not in table.columns:
        raise InputError(f"layer {layer.name}: {layer.path} has no column {layer.column}")
    numbers = pd.to_numeric(table[layer.column], errors="coerce").to_numpy(dtype=float)
    return np.where(np.isfinite(numbers) & (numbers > 0), numbers, 0.0)
