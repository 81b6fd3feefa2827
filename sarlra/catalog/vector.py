"""Detections as GeoParquet and GeoJSON, and what their columns mean."""

from __future__ import annotations

import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from sarlra.catalog.text import as_cell
from sarlra.errors import CatalogError

#: Column -> (dtype, meaning).
COLUMNS: dict[str, tuple[str, str]] = {
    "geometry": ("geometry", "The window, EPSG:4326 (longitude, latitude)"),
    "score": ("float32", "The model's raw output for the window, 0 to 1; not a probability"),
    "probability": (
        "float32",
        "Probability of a landslide window on the data of the item's sarlra:calibration; absent "
        "or null where the model has no calibration",
    ),
    "track": ("string", "Relative orbit and direction, such as T046D"),
    "orbit_state": ("string", "ascending or descending"),
    "n_pre": ("uint16", "Acquisitions before the event that count in the window (median)"),
    "n_post": ("uint16", "Acquisitions after the event that count in the window (median)"),
    "tile": ("string", "The tile that holds the window's upper left pixel"),
    "row": ("int32", "Row of the window's upper left pixel in the tile"),
    "col": ("int32", "Column of the window's upper left pixel in the tile"),
    "x": ("float64", "Easting of the window's upper left corner in metres"),
    "y": ("float64", "Northing of the window's upper left corner in metres"),
    "epsg": ("int32", "EPSG code of x and y"),
    "valid_share": ("float32", "Share of the window's pixels with data"),
    "diff_vv_mean": ("float32", "Mean change VV in dB"),
    "diff_vv_p05": ("float32", "5th percentile of the change VV in dB"),
    "diff_vv_p95": ("float32", "95th percentile of the change VV in dB"),
    "diff_vh_mean": ("float32", "Mean change VH in dB"),
    "diff_vh_p05": ("float32", "5th percentile of the change VH in dB"),
    "diff_vh_p95": ("float32", "95th percentile of the change VH in dB"),
    "item": ("string", "Id of the STAC item that the window belongs to"),
    "area_m2": ("float64", "Area of the outline in square metres"),
    "confidence": (
        "float32",
        "Score of the window times the share of the outline that changed beyond the speckle, 0 to "
        "1; ranks outlines, no probability",
    ),
    "change_vv_db": ("float32", "Mean change VV inside the outline in dB"),
    "change_vh_db": ("float32", "Mean change VH inside the outline in dB"),
    "slope_deg": ("float32", "Mean slope inside the outline in degrees; null where not known"),
    "toward_deg": (
        "float32",
        "Mean slope in range inside the outline in degrees, over 0 where it faces the radar; null "
        "where not known",
    ),
    "evidence": ("string", "The numbers of the outline in one line"),
}
#: What others rely on.
REQUIRED = ("geometry", "score", "track", "orbit_state", "n_pre", "n_post")
#: By these a window is found again on the grid: every table has them beside the required ones.
PLACE = ("tile", "row", "col", "x", "y", "epsg")


def empty() -> gpd.GeoDataFrame:
    """A table of detections without rows."""
    columns = {
        name: pd.Series(dtype=kind)
        for name, (kind, _) in COLUMNS.items()
        if name in REQUIRED[1:] or name in PLACE
    }
    return gpd.GeoDataFrame(columns, geometry=gpd.GeoSeries([], crs=4326), crs=4326)


def check_detections(detections: gpd.GeoDataFrame, subject: str) -> None:
    """Refuse a table that lacks a column, is in another CRS, or has an impossible score.

    Raises
    ------
    CatalogError
        Names the subject and what is wrong.
    """
    if missing := [name for name in (*REQUIRED, *PLACE) if name not in detections.columns]:
        raise CatalogError(f"detections of {subject} lack the columns {', '.join(missing)}")
    if detections.crs is None or detections.crs.to_epsg() != 4326:
        raise CatalogError(f"detections of {subject} are not in EPSG:4326 but {detections.crs}")
    if detections.geometry.isna().any() or detections.geometry.is_empty.any():
        raise CatalogError(f"detections of {subject} have rows without a geometry")
    score = detections["score"].to_numpy()
    if not np.issubdtype(score.dtype, np.floating):
        raise CatalogError(f"detections of {subject}: the scores are {score.dtype}, not float")
    if not bool(np.all((score >= 0) & (score <= 1))):
        raise CatalogError(f"detections of {subject} have scores outside 0..1")


def write_parquet(path: Path, detections: gpd.GeoDataFrame) -> None:
    """GeoParquet 1.1 with WKB geometries, zstd, and a ``bbox`` covering column."""
    detections.reset_index(drop=True).to_parquet(
        path,
        index=False,
        compression="zstd",
        schema_version="1.1.0",
        write_covering_bbox=True,
    )


def write_geojson(path: Path, detections: gpd.GeoDataFrame) -> None:
    """GeoJSON (RFC 7946), the same rows in the same order; NaN becomes null."""
    document = detections.reset_index(drop=True).to_geo_dict(drop_id=True, na="null")
    path.write_text(
        json.dumps(document, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8"
    )


def columns_of(detections: gpd.GeoDataFrame) -> list[dict[str, str]]:
    """``table:columns`` of a table of detections as it is stored."""
    described = []
    for name in detections.columns:
        kind, meaning = COLUMNS.get(name, (str(detections[name].dtype), ""))
        entry = {"name": str(name), "type": kind}
        if meaning:
            entry["description"] = meaning
        described.append(entry)
    described.append(
        {"name": "bbox", "type": "struct", "description": "Bounds of geometry (GeoParquet 1.1)"}
    )
    return described


def with_ids(detections: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """A copy with the column ``id``: ``TRACK.TILE.ROW.COL``, the same in every version."""
    names = [
        f"{track}.{tile}.{row}.{col}"
        for track, tile, row, col in zip(
            *(detections[name] for name in ("track", "tile", "row", "col")), strict=True
        )
    ]
    return detections.assign(id=pd.Series(names, index=detections.index, dtype=object))


def to_csv(detections: gpd.GeoDataFrame) -> bytes:
    """UTF-8 with a head: every column but the geometry, ``lon`` and ``lat`` of its centre.

    Text is without control characters, and with a ``'`` before what would be a formula.
    """
    centres = shapely.centroid(np.asarray(detections.geometry))
    plain = pd.DataFrame(detections.drop(columns="geometry"))
    plain["lon"], plain["lat"] = shapely.get_x(centres).round(6), shapely.get_y(centres).round(6)
    for name in plain.select_dtypes(exclude=["number", "bool", "datetime", "datetimetz"]):
        kept = plain[name].astype(object)
        plain[name] = kept.map(lambda v: as_cell(v) if isinstance(v, str) else v)
    plain.columns = [as_cell(str(name)) for name in plain.columns]
    text: str = plain.to_csv(index=False, lineterminator="\n")
    return text.encode()
