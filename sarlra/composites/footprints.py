"""Which slices can have pixels in a grid, judged from their items alone."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Transformer
from pyproj.exceptions import ProjError

from sarlra.composites.pixels import PixelGrid
from sarlra.composites.reader import StatedGrid
from sarlra.grid import Bounds
from sarlra.scenes.model import Slice

#: Metres by which a footprint is widened: items can be somewhat wrong about their file's grid,
#: and a file that turns out to miss the grid costs its header only.
MARGIN = 2000.0

_EVERYWHERE: Bounds = (-np.inf, -np.inf, np.inf, np.inf)


def touches(scene: Slice, grid: PixelGrid) -> bool:
    """Whether a slice, by its stated grid or by its geometry, comes near a grid.

    Two items that disagree with their file in one of the two are found by the other. A footprint
    that cannot be brought to the grid's CRS touches everything.
    """
    left, bottom, right, top = grid.bounds
    return any(
        west - MARGIN < right and left < east + MARGIN
        and south - MARGIN < top and bottom < north + MARGIN
        for west, south, east, north in _reaches(scene, grid.epsg)
    )  # fmt: skip


@lru_cache(maxsize=8192)
def _reaches(scene: Slice, epsg: int) -> tuple[Bounds, ...]:
    """Bounds of the slice in ``epsg``: of its stated grid, and of each part of its geometry."""
    found = []
    if scene.transform is not None and scene.shape is not None:
        xs, ys = _rim(scene.transform, scene.shape)
        found.append(_bounds(xs, ys, f"EPSG:{scene.epsg}", epsg))
    for part in shapely.get_parts(scene.geometry):
        # A tenth of a degree of a great circle bends by less than the margin.
        points = shapely.get_coordinates(shapely.segmentize(part, 0.1))
        if len(points):
            found.append(_bounds(points[:, 0], points[:, 1], "EPSG:4326", epsg))
    return tuple(found) or (_EVERYWHERE,)


def _rim(
    transform: tuple[float, float, float, float, float, float], shape: tuple[int, int]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Points along the edge of an image, in its CRS."""
    rows, cols = shape
    along = np.linspace(0.0, 1.0, 33)
    col = np.concatenate([along, np.ones(33), along, np.zeros(33)]) * cols
    row = np.concatenate([np.zeros(33), along, np.ones(33), along]) * rows
    a, b, c, d, e, f = transform
    return a * col + b * row + c, d * col + e * row + f


def _bounds(xs: NDArray[np.float64], ys: NDArray[np.float64], crs: str, epsg: int) -> Bounds:
    if crs != f"EPSG:{epsg}":
        try:
            xs, ys = Transformer.from_crs(crs, f"EPSG:{epsg}", always_xy=True).transform(xs, ys)
        except ProjError:
            return _EVERYWHERE
    if not (np.isfinite(xs).all() and np.isfinite(ys).all()):
        return _EVERYWHERE
    return (float(xs.min()), float(ys.min()), float(xs.max()), float(ys.max()))


def stated_grid(scene: Slice) -> StatedGrid | None:
    """The grid that a slice's item states, where it states one in full."""
    if scene.transform is None or scene.shape is None:
        return None
    return StatedGrid(scene.epsg, scene.transform, scene.shape)
