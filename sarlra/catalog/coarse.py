"""Change images reduced for drawing: means over square blocks, over one raster or several."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sarlra.grid import Bounds


@dataclass(frozen=True, slots=True)
class ChangeImage:
    """Change VV in dB, reduced for drawing: (rows, columns) float32, NaN is no data."""

    values: np.ndarray
    bounds: Bounds
    epsg: int


class Mosaic:
    """Sums rasters of one grid into blocks so coarse that no edge has over ``longest`` blocks.

    Parameters
    ----------
    parts
        Bounds in metres of the rasters that will be added.
    resolution
        Edge of a pixel in metres; bounds lie on multiples of it.
    """

    def __init__(self, parts: Sequence[Bounds], epsg: int, resolution: float, longest: int) -> None:
        left, top = min(b[0] for b in parts), max(b[3] for b in parts)
        columns = round((max(b[2] for b in parts) - left) / resolution)
        rows = round((top - min(b[1] for b in parts)) / resolution)
        self._factor = max(1, math.ceil(max(rows, columns) / longest))
        self._left, self._top, self._epsg, self._resolution = left, top, epsg, resolution
        shape = (math.ceil(rows / self._factor), math.ceil(columns / self._factor))
        self._total, self._count = np.zeros(shape), np.zeros(shape, dtype=np.int64)

    def add(self, values: np.ndarray, bounds: Bounds) -> None:
        """Add (rows, columns) of dB, NaN is no data, that fill ``bounds``."""
        row = round((self._top - bounds[3]) / self._resolution)
        column = round((bounds[0] - self._left) / self._resolution)
        factor = self._factor
        first = (row // factor, column // factor)
        blocks = tuple(
            math.ceil((start + size) / factor) - one
            for start, size, one in zip((row, column), values.shape, first, strict=True)
        )
        padded = np.full((blocks[0] * factor, blocks[1] * factor), np.nan, dtype=np.float32)
        inset = (row - first[0] * factor, column - first[1] * factor)
        padded[inset[0] : inset[0] + values.shape[0], inset[1] : inset[1] + values.shape[1]] = (
            values
        )
        cells = padded.reshape(blocks[0], factor, blocks[1], factor)
        valid = np.isfinite(cells)
        place = (
            slice(first[0], first[0] + blocks[0]),
            slice(first[1], first[1] + blocks[1]),
        )
        self._total[place] += np.where(valid, cells, 0.0).sum(axis=(1, 3), dtype=np.float64)
        self._count[place] += valid.sum(axis=(1, 3))

    def image(self) -> ChangeImage:
        """The means; NaN where nothing was added."""
        mean = np.full(self._total.shape, np.nan)
        np.divide(self._total, self._count, out=mean, where=self._count > 0)
        pixel = self._factor * self._resolution
        rows, columns = mean.shape
        bounds = (self._left, self._top - rows * pixel, self._left + columns * pixel, self._top)
        return ChangeImage(mean.astype(np.float32), bounds, self._epsg)


def reduce(values: np.ndarray, bounds: Bounds, epsg: int, longest: int) -> ChangeImage:
    """One raster, (rows, columns) of dB that fill ``bounds``, reduced."""
    resolution = (bounds[2] - bounds[0]) / values.shape[1]
    mosaic = Mosaic([bounds], epsg, resolution, longest)
    mosaic.add(values, bounds)
    return mosaic.image()
