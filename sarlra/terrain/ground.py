"""A north-up grid of square pixels on the ground."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from affine import Affine
from numpy.typing import NDArray

from sarlra.grid import Bounds, PixelBox, Tile


@dataclass(frozen=True, slots=True)
class GroundGrid:
    """Pixels on a projected CRS in metres.

    Parameters
    ----------
    crs
        ``EPSG:n`` or WKT.
    transform
        Pixel (column, row) to (x, y), upper left corners; north up, square pixels.
    shape
        (rows, columns).
    """

    crs: str
    transform: Affine
    shape: tuple[int, int]

    @classmethod
    def of(cls, tile: Tile, box: PixelBox) -> GroundGrid:
        """The pixels of ``box`` of ``tile``."""
        return cls(f"EPSG:{tile.epsg}", box.transform(tile), box.shape)

    @property
    def resolution(self) -> float:
        """Edge of a pixel in metres."""
        return float(self.transform.a)

    @property
    def x(self) -> NDArray[np.float64]:
        """Eastings of the columns' centres in metres."""
        steps = np.arange(self.shape[1], dtype=np.float64) + 0.5
        return np.asarray(self.transform.c + steps * self.resolution)

    @property
    def y(self) -> NDArray[np.float64]:
        """Northings of the rows' centres in metres, descending."""
        steps = np.arange(self.shape[0], dtype=np.float64) + 0.5
        return np.asarray(self.transform.f - steps * self.resolution)

    @property
    def bounds(self) -> Bounds:
        """(left, bottom, right, top) in metres."""
        rows, cols = self.shape
        left, top, r = self.transform.c, self.transform.f, self.resolution
        return (left, top - rows * r, left + cols * r, top)

    def grown(self, margin: int) -> GroundGrid:
        """The grid with ``margin`` pixels more on each side."""
        rows, cols = self.shape
        moved = self.transform @ Affine.translation(-margin, -margin)
        return GroundGrid(self.crs, moved, (rows + 2 * margin, cols + 2 * margin))
