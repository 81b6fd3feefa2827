"""A rectangle of pixels of a zone's grid, counted in whole pixels.

Everything that a pixel's value depends on is computed from these integers, never from a window's
corner: so a pixel is the same, to the last bit, in whatever box, chunk or tile it is read.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from affine import Affine
from numpy.typing import NDArray

from sarlra.grid import Bounds, PixelBox, Tile


@dataclass(frozen=True, slots=True)
class PixelGrid:
    """Pixels of ``resolution`` metres whose edges lie at whole multiples of it.

    Parameters
    ----------
    epsg
        Of a projected CRS in metres.
    left, top
        Western and northern edge, in pixels from (0, 0) of the CRS, eastwards and northwards.
    cols, rows
        Extent in pixels.
    resolution
        Edge of a pixel in metres.
    """

    epsg: int
    left: int
    top: int
    cols: int
    rows: int
    resolution: float

    @classmethod
    def of(cls, tile: Tile, box: PixelBox) -> PixelGrid:
        """The pixels of ``box`` of ``tile``."""
        rows, cols = box.shape
        left = tile.column * tile.size_px + box.col0
        top = (tile.row + 1) * tile.size_px - box.row0
        return cls(tile.epsg, left, top, cols, rows, tile.resolution)

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        return (self.rows, self.cols)

    @property
    def bounds(self) -> Bounds:
        """(left, bottom, right, top) in metres."""
        r = self.resolution
        return (
            self.left * r,
            (self.top - self.rows) * r,
            (self.left + self.cols) * r,
            self.top * r,
        )

    @property
    def transform(self) -> Affine:
        """Pixel (column, row) to (x, y), upper left corners, north up."""
        r = self.resolution
        return Affine(r, 0.0, self.left * r, 0.0, -r, self.top * r)

    @property
    def x(self) -> NDArray[np.float64]:
        """Eastings of the columns' centres in metres, ascending."""
        return np.asarray((self.left + np.arange(self.cols) + 0.5) * self.resolution, np.float64)

    @property
    def y(self) -> NDArray[np.float64]:
        """Northings of the rows' centres in metres, descending."""
        return np.asarray((self.top - np.arange(self.rows) - 0.5) * self.resolution, np.float64)

    def grown(self, margin: int) -> PixelGrid:
        """The grid with ``margin`` pixels more on each side."""
        return PixelGrid(
            self.epsg,
            self.left - margin,
            self.top + margin,
            self.cols + 2 * margin,
            self.rows + 2 * margin,
            self.resolution,
        )
