"""From the lattice of scores to detections."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
import xarray as xr
from numpy.typing import NDArray
from shapely import MultiPolygon, Polygon
from shapely.affinity import translate
from shapely.geometry.polygon import orient

from sarlra.detection.suppress import suppress
from sarlra.grid import PixelBox, Tile
from sarlra.models.calibration import apply
from sarlra.models.card import Calibration
from sarlra.recipe import Recipe
from sarlra.scenes.model import Track

#: Columns of every table of detections, before those of the change bands, with their types.
COLUMNS = {
    "score": "float32",
    "track": "string",
    "orbit_state": "string",
    "n_pre": "uint16",
    "n_post": "uint16",
    "tile": "string",
    "row": "int32",
    "col": "int32",
    "x": "float64",
    "y": "float64",
    "epsg": "int32",
    "valid_share": "float32",
}


def detect(
    composite: xr.Dataset,
    lattice: xr.Dataset,
    tile: Tile,
    box: PixelBox,
    track: Track,
    threshold: float,
    recipe: Recipe,
    calibration: Calibration | None = None,
) -> gpd.GeoDataFrame:
    """Take the windows that score over the threshold, suppress, and describe what is left.

    Parameters
    ----------
    composite, tile, box
        As given to :func:`sarlra.detection.lattice.score_lattice`.
    lattice
        What it returned.
    track
        Whose composite it is.
    threshold
        A window with a score strictly over this is a candidate.
    recipe
        Window, stride and overlap.
    calibration
        The model's; without one there is no column ``probability``.

    Returns
    -------
    geopandas.GeoDataFrame
        EPSG:4326, highest score first; the columns of ``COLUMNS``, ``probability`` (float32) where
        there is a calibration, and, for each change band,
        ``diff_vv_mean``, ``_p05`` and ``_p95`` (dB, over the window's pixels with data).
        ``geometry`` is the window's outline, split where it crosses the antimeridian; ``row`` and
        ``col`` its upper left pixel in the tile; ``x`` and ``y`` that pixel's upper left corner in
        metres of ``epsg``; ``valid_share`` the share of its pixels with data in all bands.
        Without detections it is empty and has the same columns and types.
    """
    cells = np.argwhere(np.nan_to_num(lattice["score"].values, nan=-1.0) > threshold)
    first = cells * recipe.stride_px
    scores = lattice["score"].values[cells[:, 0], cells[:, 1]]
    kept = suppress(np.hstack([first, first + recipe.window_px]), scores, recipe.overlap)
    cells, first = cells[kept], first[kept]
    table: dict[str, Any] = {
        "score": scores[kept],
        **({} if calibration is None else {"probability": apply(calibration, scores[kept])}),
        "track": [track.id] * len(kept),
        "orbit_state": [track.orbit_state] * len(kept),
        "n_pre": lattice["n_pre"].values[cells[:, 0], cells[:, 1]],
        "n_post": lattice["n_post"].values[cells[:, 0], cells[:, 1]],
        "tile": [tile.id] * len(kept),
        "row": first[:, 0],
        "col": first[:, 1],
        "x": tile.bounds[0] + first[:, 1] * tile.resolution,
        "y": tile.bounds[3] - first[:, 0] * tile.resolution,
        "epsg": np.full(len(kept), tile.epsg),
    }
    table |= _statistics(composite, first - np.array([box.row0, box.col0]), recipe)
    types = COLUMNS | {name: "float32" for name in table if name not in COLUMNS}
    frame = pd.DataFrame({n: pd.Series(v, dtype=types[n]) for n, v in table.items()})
    size = recipe.window_px * tile.resolution
    outlines = outlines_4326(frame["x"].to_numpy(), frame["y"].to_numpy(), size, tile.epsg)
    return gpd.GeoDataFrame(frame, geometry=outlines, crs="EPSG:4326")


def _statistics(
    composite: xr.Dataset, corners: NDArray[np.int64], recipe: Recipe
) -> dict[str, NDArray[np.float32]]:
    changes = [name for name in recipe.bands if name.startswith("diff_")]
    names = [f"{band}_{what}" for band in changes for what in ("mean", "p05", "p95")]
    result = {n: np.full(len(corners), np.nan, np.float32) for n in ("valid_share", *names)}
    for number, (row, column) in enumerate(corners):
        place = (slice(row, row + recipe.window_px), slice(column, column + recipe.window_px))
        bands = {name: composite[name].values[place] for name in recipe.bands}
        valid = np.logical_and.reduce([np.isfinite(values) for values in bands.values()])
        result["valid_share"][number] = valid.mean()
        for band in changes:
            pixels = bands[band][valid].astype(np.float64)
            if pixels.size:
                low, high = np.percentile(pixels, (5, 95))
                for what, value in (("mean", pixels.mean()), ("p05", low), ("p95", high)):
                    result[f"{band}_{what}"][number] = value
    return result


def outlines_4326(
    x: NDArray[np.float64], y: NDArray[np.float64], size: float, epsg: int
) -> NDArray[Any]:
    """Outlines of squares of a UTM zone in EPSG:4326.

    Parameters
    ----------
    x, y
        ``(n,)`` upper left corners in metres.
    size
        Edge in metres.

    Returns
    -------
    numpy.ndarray
        ``(n,)`` of Polygon, or MultiPolygon where a square crosses the antimeridian.
    """
    to_degrees = pyproj.Transformer.from_crs(epsg, 4326, always_xy=True)
    east = np.stack([x, x, x + size, x + size], axis=-1)  # anticlockwise
    north = np.stack([y, y - size, y - size, y], axis=-1)
    longitude, latitude = to_degrees.transform(east, north)
    squares = np.empty(len(x), dtype=object)
    for number, (lon, lat) in enumerate(zip(longitude, latitude, strict=True)):
        if np.ptp(lon) > 180:
            squares[number] = _split(np.where(lon < 0, lon + 360, lon), lat)
        else:
            squares[number] = shapely.Polygon(np.column_stack([lon, lat]))
    return squares


def _split(longitude: NDArray[np.float64], latitude: NDArray[np.float64]) -> MultiPolygon:
    """Cut at 180 degrees a square whose longitudes are given in [0, 360)."""
    square = shapely.Polygon(np.column_stack([longitude, latitude]))
    west = shapely.clip_by_rect(square, 0, -90, 180, 90)
    east = translate(shapely.clip_by_rect(square, 180, -90, 360, 90), -360)
    return MultiPolygon([orient(p) for p in (west, east) if isinstance(p, Polygon) and p.area > 0])
