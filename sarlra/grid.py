"""The fixed grid of tiles and the lattice of windows on it.

A tile is a square of ``tile_px`` pixels whose edges lie at multiples of ``tile_px * resolution``
metres from (0, 0) of a UTM zone (EPSG 326xx north, 327xx south). Windows start at every
``stride`` pixels from the tile's upper left corner, and a window belongs to the tile that holds
its upper left pixel: as the tile is a whole number of strides, the lattice of windows is the same
however an area is cut into tiles. A tile therefore reads a *halo* of ``window - stride`` pixels
to the right and below.

Axis order is (row, column) = (y, x) for arrays, (x, y) for coordinates; row 0 is the northernmost.
"""

from __future__ import annotations

from dataclasses import dataclass

from affine import Affine

Bounds = tuple[float, float, float, float]
"""(left, bottom, right, top) in the units of a CRS."""


@dataclass(frozen=True, slots=True, order=True)
class Tile:
    """One square of the fixed UTM grid.

    Parameters
    ----------
    epsg
        32601..32660 or 32701..32760.
    column, row
        Index from (0, 0) of the zone, eastwards and northwards: the tile spans
        ``[column * size, (column + 1) * size)`` in x and ``[row * size, (row + 1) * size)`` in y,
        with ``size = size_px * resolution`` metres.
    size_px
        Edge in pixels.
    resolution
        Edge of a pixel in metres.
    """

    epsg: int
    column: int
    row: int
    size_px: int = 4096
    resolution: float = 10.0

    @property
    def id(self) -> str:
        """A name unique within one tile size, such as ``32654E0012N0115``."""
        return f"{self.epsg}E{self.column:04d}N{self.row:04d}"

    @property
    def size(self) -> float:
        """Edge in metres."""
        return self.size_px * self.resolution

    @property
    def bounds(self) -> Bounds:
        """(left, bottom, right, top) in metres, without the halo."""
        left, bottom = self.column * self.size, self.row * self.size
        return (left, bottom, left + self.size, bottom + self.size)

    @property
    def transform(self) -> Affine:
        """Pixel (column, row) of the tile to (x, y), upper left corners, north up."""
        left, _, _, top = self.bounds
        return Affine(self.resolution, 0.0, left, 0.0, -self.resolution, top)


@dataclass(frozen=True, slots=True)
class PixelBox:
    """A rectangle of pixels of a tile: rows [row0, row1) and columns [col0, col1).

    Rows and columns are counted from the tile's upper left pixel; they may pass ``size_px`` by
    the halo.
    """

    row0: int
    row1: int
    col0: int
    col1: int

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        return (self.row1 - self.row0, self.col1 - self.col0)

    @property
    def slices(self) -> tuple[slice, slice]:
        """(rows, columns) as slices of a tile's array."""
        return (slice(self.row0, self.row1), slice(self.col0, self.col1))

    def transform(self, tile: Tile) -> Affine:
        """Pixel (column, row) of this box to (x, y)."""
        return tile.transform @ Affine.translation(self.col0, self.row0)

    def bounds(self, tile: Tile) -> Bounds:
        """(left, bottom, right, top) in metres."""
        left, _, _, top = tile.bounds
        r = tile.resolution
        return (
            left + self.col0 * r,
            top - self.row1 * r,
            left + self.col1 * r,
            top - self.row0 * r,
        )
