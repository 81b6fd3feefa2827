"""Outlines inside detected windows: where in a window the ground changed.

A window is 640 m wide, a landslide a tenth of that. In each kept window the change bands are
denoised by total variation (Chambolle 2004) with one weight, which keeps edges that smoothing would
blur, and pixels are clustered by hysteresis: a cluster is connected ground that
changed by more than :data:`LOW_DB` and somewhere by more than :data:`HIGH_DB`. Contributions, where
there are any, count as a further band. Only the window's own pixels are used, so that outlines do
not depend on how an area is cut into tiles.
"""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import xarray as xr
from affine import Affine
from numpy.typing import NDArray
from rasterio.features import shapes as polygons_of
from shapely.geometry import shape as to_shape

from sarlra.detection.evidence import WindowGround, ground_of, line_of
from sarlra.detection.total_variation import denoise
from sarlra.grid import PixelBox, Tile
from sarlra.recipe import Recipe
from sarlra.terrain.tile import TileTerrain

Mask = NDArray[np.bool_]
F32 = NDArray[np.float32]

#: Change in dB, of all change bands together, that a cluster has everywhere, and somewhere.
LOW_DB, HIGH_DB = 2.0, 3.25
#: Weight of the total variation in standard deviations of the window's speckle.
WEIGHT = 2.6
#: Smaller clusters are speckle: 2000 m2 at 10 m.
LEAST_PX = 20
#: A contribution at its 99th percentile counts as this much change.
CONTRIBUTION_DB = 2.0

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


@dataclass(frozen=True, slots=True)
class Change:
    """The denoised change of a window: ``bands`` (bands, rows, columns) and ``size`` (rows,
    columns), both dB, NaN-free; ``noise`` the standard deviation of each band's speckle in dB.
    """

    bands: NDArray[np.float64]
    size: NDArray[np.float64]
    noise: NDArray[np.float64]


def denoised(changes: NDArray[np.floating]) -> Change:
    """Denoise the change bands of a window, ``(bands, rows, columns)`` dB, NaN is no data.

    The window's median is taken for what did not change.
    """
    level = np.nan_to_num(np.nanmedian(changes, axis=(1, 2)), nan=0.0)
    moved = np.nan_to_num(changes - level[:, None, None], nan=0.0).astype(np.float64)
    noise = np.maximum(1.4826 * np.median(np.abs(moved), axis=(1, 2)), 0.1)
    weight = WEIGHT * float(np.sqrt((noise**2).mean()))
    smooth = np.stack([denoise(band, weight) for band in moved])
    smooth -= np.median(smooth, axis=(1, 2), keepdims=True)
    # Two bands of one change count as much as one band of sqrt(2) times the change.
    size = np.sqrt((smooth**2).sum(axis=0) * (2.0 / len(smooth)))
    return Change(smooth, size, noise)


def clusters(change: Change, valid: Mask, contribution: F32 | None = None) -> NDArray[np.int32]:
    """Number the clusters of a window from 1, the largest change first; 0 is the rest.

    Parameters
    ----------
    valid
        (rows, columns): pixels with data.
    contribution
        (rows, columns): what each pixel contributes to the score, all bands together.
    """
    from skimage.filters import apply_hysteresis_threshold
    from skimage.measure import label

    size = change.size
    if contribution is not None:
        size = np.hypot(size, _as_change(contribution))
    found = apply_hysteresis_threshold(size, LOW_DB, HIGH_DB) & valid
    numbered = label(found, connectivity=1)
    counts = np.bincount(numbered.ravel())
    sums = np.bincount(numbered.ravel(), size.ravel())
    kept = [n for n in range(1, len(counts)) if counts[n] >= LEAST_PX]
    kept.sort(key=lambda n: -sums[n])
    result = np.zeros(size.shape, dtype=np.int32)
    for place, number in enumerate(kept, start=1):
        result[numbered == number] = place
    return result


def _as_change(contribution: F32) -> NDArray[np.float64]:
    """Contributions that raise the score, smoothed, on the scale of a change in dB."""
    from skimage.filters import gaussian

    smooth = np.maximum(gaussian(contribution.astype(np.float64), sigma=2.0), 0.0)
    top = float(np.percentile(smooth, 99))
    return np.asarray(smooth * (CONTRIBUTION_DB / top) if top > 0 else smooth)


def outline_detections(
    composite: xr.Dataset,
    detections: gpd.GeoDataFrame,
    tile: Tile,
    box: PixelBox,
    recipe: Recipe,
    terrain: TileTerrain | None = None,
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
    changes = [name for name in recipe.bands if name.startswith("diff_")]
    rows: list[dict[str, object]] = []
    shapes: list[shapely.Geometry] = []
    for found in detections.to_dict("records"):
        row, col = int(found["row"]) - box.row0, int(found["col"]) - box.col0
        place = (slice(row, row + recipe.window_px), slice(col, col + recipe.window_px))
        raw = np.stack([composite[name].values[place] for name in changes])
        valid = np.isfinite(raw).all(axis=0)
        change = denoised(raw)
        labels = clusters(change, valid)
        r = tile.resolution
        transform = Affine(r, 0, float(found["x"]), 0, -r, float(found["y"]))
        ground = ground_of(terrain, row, col, recipe.window_px)
        for cluster in range(1, int(labels.max()) + 1):
            inside = labels == cluster
            sure = change.size[inside] > 2.0 * float(change.noise.mean()) / np.sqrt(LEAST_PX)
            facts: dict[str, object] = {
                "row": found["row"],
                "col": found["col"],
                "track": found["track"],
                "score": found["score"],
                "area_m2": float(inside.sum()) * r * r,
                "confidence": float(found["score"]) * float(sure.mean()),
                "n_pre": found["n_pre"],
                "n_post": found["n_post"],
            }
            for name, values in zip(changes, raw, strict=True):
                facts[f"change_{name[-2:]}_db"] = float(values[inside].mean(dtype=np.float64))
            facts |= _slopes(ground, inside)
            rows.append(facts | {"evidence": line_of(facts)})
            shapes.append(polygon_of(inside, transform))
    names = [f"change_{name[-2:]}_db" for name in changes]
    types = COLUMNS | dict.fromkeys([*names, "slope_deg", "toward_deg"], "float32")
    types |= {"evidence": "string"}
    table = {
        name: pd.Series([row[name] for row in rows], dtype=kind) for name, kind in types.items()
    }
    outlines = gpd.GeoDataFrame(table, geometry=shapes, crs=tile.epsg)
    return outlines.to_crs(4326)


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
