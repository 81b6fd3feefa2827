"""Bilinear warp in linear power that gives a pixel the same value in every window.

GDAL's warper derives its source coordinates (and, when it shrinks, its kernel) from the window
that it is given: two windows over one pixel differ in the last bits (5,615 of 1,210,000 pixels
when a 30 m image was warped to 10 m in windows of 137 pixels, tolerance 0). Here a pixel's source
coordinates come from its own place on the grid and from the file's own transform alone. The rules
are those of GDAL's ``bilinear``: weights are a triangle as wide as the larger of a source and a
target pixel, renormalised over the taps that hold data; a target pixel has data where the source
pixel that holds its centre has.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from pyproj import Transformer

from sarlra.composites.pixels import PixelGrid

#: Coarsest target pixel, in source pixels, that is resampled.
LARGEST_REDUCTION = 8.0
#: A target pixel is taken to be as fine as the source below this ratio (GDAL's rule as well).
SAME_SCALE = 1.05
#: A centre this close to the edge of a source pixel, in pixels, belongs to the one behind it.
TIE = 1e-6


@dataclass(frozen=True, slots=True)
class SourcePlaces:
    """Where target pixels lie in a source image.

    ``cols`` and ``rows`` are in source pixels, 0 at the image's upper left *corner*, float64, and
    broadcast to the target's (rows, columns): (1, n) and (m, 1) where the axes are parallel, else
    both (m, n). Not finite where a pixel has no place in the source's CRS.
    """

    cols: NDArray[np.float64]
    rows: NDArray[np.float64]


def source_places(grid: PixelGrid, source_crs: str, transform: Affine) -> SourcePlaces:
    """Project the centres of a grid's pixels into an image.

    Parameters
    ----------
    source_crs
        Authority code or WKT of the image's CRS.
    transform
        The image's pixel (column, row) to CRS.
    """
    xs, ys = _centres(grid, source_crs)
    a, b, c, d, e, f = transform[:6]
    if b == 0.0 and d == 0.0:
        return SourcePlaces((xs - c) / a, (ys - f) / e)
    area = a * e - b * d
    dx, dy = xs - c, ys - f
    return SourcePlaces((e * dx - b * dy) / area, (a * dy - d * dx) / area)


@lru_cache(maxsize=4)
def _centres(grid: PixelGrid, crs: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Centres of the pixels in ``crs``; kept, as the slices of a stack mostly share theirs."""
    x, y = grid.x[np.newaxis, :], grid.y[:, np.newaxis]
    if crs == f"EPSG:{grid.epsg}":
        return x, y
    full_x, full_y = np.broadcast_arrays(x, y)
    forward = Transformer.from_crs(f"EPSG:{grid.epsg}", crs, always_xy=True)
    xs, ys = forward.transform(full_x, full_y)
    return np.asarray(xs), np.asarray(ys)


@lru_cache(maxsize=256)
def reduction(
    epsg: int, resolution: float, source_crs: str, transform: Affine, shape: tuple[int, int]
) -> float:
    """How many source pixels a target pixel of ``resolution`` metres spans, at least 1.

    Measured at the centre of the image, so that it is the same for every window of it.
    """
    rows, cols = shape
    corners = np.array([(cols / 2, rows / 2), (cols / 2 + 1, rows / 2), (cols / 2, rows / 2 + 1)])
    a, b, c, d, e, f = transform[:6]
    xs = a * corners[:, 0] + b * corners[:, 1] + c
    ys = d * corners[:, 0] + e * corners[:, 1] + f
    if source_crs != f"EPSG:{epsg}":
        xs, ys = Transformer.from_crs(source_crs, f"EPSG:{epsg}", always_xy=True).transform(xs, ys)
    edges = np.hypot(np.diff(xs[[1, 0, 2]]), np.diff(ys[[1, 0, 2]]))
    ratio = resolution / float(edges.min())
    return ratio if ratio > SAME_SCALE else 1.0


@dataclass(frozen=True, slots=True)
class SourceWindow:
    """Rows [row0, row1) and columns [col0, col1) of a source image."""

    row0: int
    row1: int
    col0: int
    col1: int


def needed_window(
    places: SourcePlaces, scale: float, shape: tuple[int, int]
) -> SourceWindow | None:
    """The part of an image that the target pixels depend on; None where they miss it."""
    edges: list[tuple[int, int]] = []
    for axis, size in ((places.rows, shape[0]), (places.cols, shape[1])):
        finite = axis[np.isfinite(axis)]
        if not finite.size:
            return None
        low, high = float(finite.min()) - scale - 1, float(finite.max()) + scale + 1
        if high <= 0 or low >= size:
            return None
        edges.append((max(int(np.floor(low)), 0), min(int(np.ceil(high)), size)))
    (row0, row1), (col0, col1) = edges
    return SourceWindow(row0, row1, col0, col1)


def bilinear(
    values: NDArray[np.float32], window: SourceWindow, places: SourcePlaces, scale: float
) -> NDArray[np.float32]:
    """Interpolate an image at the places of the target's pixels.

    Parameters
    ----------
    values
        (rows, columns) of ``window``, float32, linear power, NaN = no data.
    scale
        Of :func:`reduction`.

    Returns
    -------
    (rows, columns) of the target, float32, NaN = no data.
    """
    padded = np.pad(values, 1, constant_values=np.nan)
    starts, sizes = (window.row0, window.col0), values.shape
    row_taps = _taps(places.rows, scale, starts[0], sizes[0])
    col_taps = _taps(places.cols, scale, starts[1], sizes[1])
    shape = np.broadcast_shapes(places.rows.shape, places.cols.shape)
    total, weights = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    for row, row_weight in row_taps:
        for col, col_weight in col_taps:
            tap = padded[row, col]
            weight = row_weight * col_weight
            empty = np.isnan(tap)
            tap[empty] = 0.0
            weight[empty] = 0.0
            weights += weight
            weight *= tap
            total += weight
    centre = padded[
        _inside(np.floor(places.rows + TIE), starts[0], sizes[0]),
        _inside(np.floor(places.cols + TIE), starts[1], sizes[1]),
    ]
    empty = np.isnan(centre) | (weights == 0.0)
    total[empty] = np.nan
    weights[empty] = 1.0
    total /= weights
    return total


def _taps(
    axis: NDArray[np.float64], scale: float, start: int, size: int
) -> list[tuple[NDArray[np.intp], NDArray[np.float32]]]:
    """Index into the padded window, and weight, of each source pixel under the triangle."""
    centres = axis - 0.5
    first = np.floor(centres - scale) + 1
    taps = []
    for step in range(int(np.ceil(2 * scale))):
        distance = np.abs(first + step - centres) / scale
        weight = np.nan_to_num(np.maximum(0.0, 1.0 - distance)).astype(np.float32)
        taps.append((_inside(first + step, start, size), weight))
    return taps


def _inside(index: NDArray[np.float64], start: int, size: int) -> NDArray[np.intp]:
    """Whole-number places in the image as indices into the window with its rim of one pixel."""
    shifted = np.nan_to_num(index - (start - 1), nan=0.0, posinf=0.0, neginf=0.0)
    return np.clip(shifted, 0, size + 1).astype(np.intp)
