"""Outlines inside detected windows: where in a window the ground changed.

A window is 640 m wide, a landslide a tenth of that. In each kept window the clusters of its
denoised change are outlined. Only the window's own pixels are used, so that outlines do not depend
on how an area is cut into tiles.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import xarray as xr
from affine import Affine
from numpy.typing import NDArray
from rasterio.features import shapes as polygons_of
from shapely.geometry import shape as to_shape

from sarlra.detection.change import LEAST_PX, Change, clusters, denoised
from sarlra.detection.evidence import WindowGround, ground_of, line_of
from sarlra.grid import PixelBox, Tile
from sarlra.recipe import Recipe
from sarlra.terrain.tile import TileTerrain

Mask = NDArray[np.bool_]
#: Its row of the table, and its shape.
Outline = tuple[dict[str, Any], shapely.Geometry]

#: Columns of a table of outlines, with their types.
COLUMNS = {
    "row": "int32",
    "col": "int32",
    "track": "string",
    "score": "float32",
    "area_m2": "float64",
    "confidence": "float32",
    "n_pre": "uint16",
    "n_post": "uint16",
}


def outline_detections(
    composite: xr.Dataset,
    detections: gpd.GeoDataFrame,
    tile: Tile,
    box: PixelBox,
    recipe: Recipe,
    terrain: TileTerrain | None = None,
    threads: int = 1,
) -> gpd.GeoDataFrame:
    """Outline what changed in detected windows.

    Parameters
    ----------
    composite, tile, box
        As given to :func:`sarlra.detection.detect.detect`.
    detections
        Its result.
    terrain
        Of the pixels of ``box``; None leaves slopes unknown.
    threads
        Among which windows are shared out; the result does not depend on it.

    Returns
    -------
    geopandas.GeoDataFrame
        A row per outline, EPSG:4326, in the order of the detections: the columns of ``COLUMNS``
        and ``change_vv_db`` (and ``_vh_``), the mean change inside, in dB. ``slope_deg`` and
        ``toward_deg`` are the mean slope and slope in range (over 0 where it faces the radar), NaN
        where not known; ``evidence`` says it in words. ``row`` and ``col`` are the
        window's; ``confidence`` in [0, 1] is the window's score times the share of the outline
        that changed beyond twice the speckle that is left: it ranks outlines, it is no
        probability. Where windows overlap, outlines can.
    """
    names = [name for name in recipe.bands if name.startswith("diff_")]
    bands = {f"change_{name[-2:]}_db": composite[name].values for name in names}

    def outlined(found: dict[Hashable, Any]) -> list[Outline]:
        return _outlines_of(found, bands, tile, box, recipe.window_px, terrain)

    with ThreadPoolExecutor(threads) as pool:
        of_windows = pool.map(outlined, detections.to_dict("records"))
        outlines = [outline for window in of_windows for outline in window]
    types = COLUMNS | dict.fromkeys([*bands, "slope_deg", "toward_deg"], "float32")
    types |= {"evidence": "string"}
    table = {
        name: pd.Series([facts[name] for facts, _ in outlines], dtype=kind)
        for name, kind in types.items()
    }
    shapes = [shape for _, shape in outlines]
    return gpd.GeoDataFrame(table, geometry=shapes, crs=tile.epsg).to_crs(4326)


def _outlines_of(
    found: dict[Hashable, Any],
    bands: Mapping[str, NDArray[np.float32]],
    tile: Tile,
    box: PixelBox,
    edge: int,
    terrain: TileTerrain | None,
) -> list[Outline]:
    """The outlines in a window of ``edge`` pixels, the largest change first."""
    row, col = int(found["row"]) - box.row0, int(found["col"]) - box.col0
    raw = np.stack([band[row : row + edge, col : col + edge] for band in bands.values()])
    change = denoised(raw)
    labels = clusters(change, np.asarray(np.isfinite(raw).all(axis=0)))
    count = int(labels.max())
    # Most windows have none.
    ground = ground_of(terrain, row, col, edge) if count else None
    r = tile.resolution
    transform = Affine(r, 0, float(found["x"]), 0, -r, float(found["y"]))
    outlines: list[Outline] = []
    for cluster in range(1, count + 1):
        inside = labels == cluster
        facts: dict[str, Any] = {
            "row": found["row"],
            "col": found["col"],
            "track": found["track"],
            "score": found["score"],
            "area_m2": float(inside.sum()) * r * r,
            "confidence": float(found["score"]) * _sure_share(change, inside),
            "n_pre": found["n_pre"],
            "n_post": found["n_post"],
        }
        for name, values in zip(bands, raw, strict=True):
            facts[name] = float(values[inside].mean(dtype=np.float64))
        facts |= _slopes(ground, inside)
        outlines.append((facts | {"evidence": line_of(facts)}, polygon_of(inside, transform)))
    return outlines


def _sure_share(change: Change, inside: Mask) -> float:
    """Share of a cluster's pixels that changed beyond twice the speckle that is left."""
    left = float(change.noise.mean()) / np.sqrt(LEAST_PX)
    return float((change.size[inside] > 2.0 * left).mean())


def _slopes(ground: WindowGround | None, inside: Mask) -> dict[str, float]:
    """Means over the pixels of known slope."""
    layers = (None, None) if ground is None else (ground.slope, ground.toward)
    found = {}
    for name, layer in zip(("slope_deg", "toward_deg"), layers, strict=True):
        values = np.empty(0) if layer is None else layer[inside]
        values = values[np.isfinite(values)]
        found[name] = float(values.mean(dtype=np.float64)) if values.size else float("nan")
    return found


def polygon_of(inside: Mask, transform: Affine) -> shapely.Geometry:
    """The outline of the pixels of a cluster, along their edges."""
    parts = [
        to_shape(geometry)
        for geometry, _ in polygons_of(inside.astype(np.uint8), mask=inside, transform=transform)
    ]
    return shapely.union_all(parts)
