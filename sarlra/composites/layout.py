"""How a group of the composite store is laid out: its grid, chunks, shards and metadata."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import gcd
from typing import Any

import numpy as np
import rasterio
import rioxarray  # noqa: F401 - registers the .rio accessor
import xarray as xr

from sarlra.composites.pixels import PixelGrid
from sarlra.errors import StoreError
from sarlra.grid import Tile
from sarlra.terrain.codes import MEANINGS

#: Largest edge of a shard (one file) and of a chunk (what is read at once), in pixels.
SHARD = 2048
CHUNK = 256


@dataclass(frozen=True, slots=True)
class GroupLayout:
    """The rectangle of tiles that a group spans.

    ``first_column`` and ``last_row`` are of its upper left tile; ``columns`` and ``rows`` count
    tiles.
    """

    epsg: int
    size_px: int
    resolution: float
    first_column: int
    last_row: int
    columns: int
    rows: int

    @classmethod
    def around(cls, tiles: Sequence[Tile]) -> GroupLayout:
        """The bounding rectangle of tiles.

        Raises
        ------
        StoreError
            There are none, or they differ in CRS, size or resolution.
        """
        kinds = {(t.epsg, t.size_px, t.resolution) for t in tiles}
        if len(kinds) != 1:
            raise StoreError(
                f"a group needs tiles of one CRS, size and resolution, not {sorted(kinds)}",
                hint="make a group per EPSG code and recipe",
            )
        ((epsg, size_px, resolution),) = kinds
        columns, rows = [t.column for t in tiles], [t.row for t in tiles]
        return cls(
            epsg,
            size_px,
            resolution,
            min(columns),
            max(rows),
            max(columns) - min(columns) + 1,
            max(rows) - min(rows) + 1,
        )

    @property
    def grid(self) -> PixelGrid:
        """All pixels of the group."""
        return PixelGrid(
            self.epsg,
            self.first_column * self.size_px,
            (self.last_row + 1) * self.size_px,
            self.columns * self.size_px,
            self.rows * self.size_px,
            self.resolution,
        )

    @property
    def shard(self) -> int:
        """Edge of a shard: the largest part of a tile of whole chunks, up to ``SHARD``."""
        if self.size_px % self.chunk:
            return self.size_px
        chunks = self.size_px // self.chunk
        most = max(SHARD // self.chunk, 1)
        return self.chunk * max(n for n in range(1, most + 1) if chunks % n == 0)

    @property
    def chunk(self) -> int:
        """Edge of a chunk: a whole fraction of the tile."""
        return gcd(self.size_px, CHUNK)

    def region(self, tile: Tile) -> tuple[slice, slice]:
        """(rows, columns) of a tile in the group's arrays.

        Raises
        ------
        StoreError
            The tile is no tile of the group.
        """
        row, column = self.last_row - tile.row, tile.column - self.first_column
        own = (tile.epsg, tile.size_px, tile.resolution)
        inside = 0 <= row < self.rows and 0 <= column < self.columns
        if own != (self.epsg, self.size_px, self.resolution) or not inside:
            raise StoreError(
                f"tile {tile.id} of {tile.size_px} px of {tile.resolution} m is not in the group "
                f"of {self.columns} x {self.rows} tiles of EPSG:{self.epsg}, {self.size_px} px of "
                f"{self.resolution} m from column {self.first_column}, row {self.last_row}",
                hint="create the group with all tiles of the plan before writing",
            )
        n = self.size_px
        return slice(row * n, (row + 1) * n), slice(column * n, (column + 1) * n)


def variable_attributes(name: str) -> dict[str, Any]:
    """Attributes of a composite's array, in the terms of CF."""
    if name == "visibility":
        return {
            "long_name": "layover and shadow from a DEM",
            "flag_values": [int(code) for code in MEANINGS],
            "flag_meanings": " ".join(m.replace(" ", "_") for m in MEANINGS.values()),
            "grid_mapping": "spatial_ref",
            "coordinates": "spatial_ref",
        }
    band, _, pol = name.partition("_")
    meaning = {
        "post": f"median backscatter after the event, {pol.upper()}",
        "diff": f"median backscatter after minus before the event, {pol.upper()}",
        "n": f"acquisitions {'before' if pol == 'pre' else 'after'} the event that are valid",
    }[band]
    return {
        "long_name": meaning,
        "units": "1" if band == "n" else "dB",
        "grid_mapping": "spatial_ref",
        # Makes xarray take it for a coordinate, where rioxarray looks for it.
        "coordinates": "spatial_ref",
    }


def crs_attributes(grid: PixelGrid) -> dict[str, Any]:
    """Attributes of ``spatial_ref``: CF grid mapping, ``crs_wkt`` and ``GeoTransform``."""
    empty = xr.Dataset(coords={"y": grid.y, "x": grid.x})
    placed = empty.rio.write_crs(f"EPSG:{grid.epsg}").rio.write_transform(grid.transform)
    # rioxarray writes the transform with six digits; it is to be exact.
    transform = " ".join(repr(float(v)) for v in grid.transform.to_gdal())
    return {**placed["spatial_ref"].attrs, "GeoTransform": transform}


def gdal_crs(grid: PixelGrid) -> dict[str, Any]:
    """Attribute ``_CRS``, by which GDAL's Zarr driver knows the CRS of an array."""
    crs = rasterio.crs.CRS.from_epsg(grid.epsg)
    return {
        "url": f"http://www.opengis.net/def/crs/EPSG/0/{grid.epsg}",
        "wkt": crs.to_wkt(version="WKT2_2019"),
    }


def axis_attributes(name: str) -> dict[str, Any]:
    """Attributes of the coordinate ``x`` or ``y``."""
    return {
        "axis": name.upper(),
        "units": "metre",
        "standard_name": f"projection_{name}_coordinate",
        "long_name": f"{name} of the pixels' centres",
    }


def axes(grid: PixelGrid) -> dict[str, np.ndarray[Any, np.dtype[np.float64]]]:
    """Coordinates of the pixels' centres in metres, float64."""
    return {"y": grid.y, "x": grid.x}
