"""The DEM of the world, as Copernicus GLO-30 would give it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from affine import Affine
from scipy import ndimage

from sarlra.simulation.files import write_cog
from sarlra.simulation.ground import Ground
from sarlra.simulation.items import COG_TYPE, EXTENSIONS, links_of
from sarlra.simulation.layout import RESOLUTION
from sarlra.simulation.noise import smooth_noise, stream
from sarlra.simulation.terrain import PAD_PX

DEM_STEP = 1.0 / 3600.0
"""One arc second in degrees: the posting of Copernicus GLO-30 up to 50 deg of latitude."""
_DEM_NOISE_M = 0.4
"""Random error of the DEM (chosen)."""


@dataclass(frozen=True, slots=True)
class DemGrid:
    """The DEM's grid in EPSG:4326: pixel centres lie on whole arc seconds."""

    transform: Affine
    shape: tuple[int, int]

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """(west, south, east, north) in degrees, outer edges of the pixels."""
        west, north = self.transform.c, self.transform.f
        rows, cols = self.shape
        return (west, north - rows * DEM_STEP, west + cols * DEM_STEP, north)


def dem_grid(ground: Ground) -> DemGrid:
    """A grid that covers the whole world."""
    left, bottom, right, top = ground.layout.bounds
    side = np.linspace(0.0, 1.0, 9)
    x = np.concatenate([left + side * (right - left)] * 2 + [np.full(9, left), np.full(9, right)])
    y = np.concatenate([np.full(9, top), np.full(9, bottom)] + [bottom + side * (top - bottom)] * 2)
    lon, lat = ground.layout.to_lonlat(x, y)
    west, east = int(np.floor(lon.min() * 3600)) - 2, int(np.ceil(lon.max() * 3600)) + 2
    south, north = int(np.floor(lat.min() * 3600)) - 2, int(np.ceil(lat.max() * 3600)) + 2
    corner = ((west - 0.5) / 3600.0, (north + 0.5) / 3600.0)
    transform = Affine(DEM_STEP, 0.0, corner[0], 0.0, -DEM_STEP, corner[1])
    return DemGrid(transform, (north - south + 1, east - west + 1))


def write_dem(ground: Ground, path: Path) -> DemGrid:
    """Write the relief as GLO-30 would give it: 1 arc second, float32 metres, no no-data value."""
    grid = dem_grid(ground)
    rows, cols = grid.shape
    lon = grid.transform.c + (np.arange(cols) + 0.5) * DEM_STEP
    lat = grid.transform.f - (np.arange(rows) + 0.5) * DEM_STEP
    x, y = ground.layout.from_lonlat(*np.meshgrid(lon, lat))
    col = (x - ground.layout.left) / RESOLUTION - 0.5 + PAD_PX
    row = (ground.layout.top - y) / RESOLUTION - 0.5 + PAD_PX
    blurred = ndimage.gaussian_filter(ground.terrain.padded, 1.0)
    taken = ndimage.map_coordinates(blurred, [row, col], order=1, mode="nearest")
    noise = smooth_noise(stream(ground.seed, "dem"), (rows, cols), 2.0)
    write_cog(
        path, (taken + _DEM_NOISE_M * noise).astype(np.float32), grid.transform, 4326, point=True
    )
    return grid


def dem_item(grid: DemGrid, href: str, seed: int) -> dict[str, Any]:
    """The item of the DEM in ``cop-dem-glo-30``."""
    west, south, east, north = grid.bounds
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": f"Copernicus_DSM_COG_10_SIM{seed:08d}_DEM",
        "properties": {
            "gsd": 30,
            "datetime": "2021-04-22T00:00:00Z",
            "platform": "tandem-x",
            "proj:epsg": 4326,
            "proj:shape": list(grid.shape),
            "proj:transform": [*grid.transform],
        },
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "links": links_of("cop-dem-glo-30"),
        "assets": {"data": {"href": href, "type": COG_TYPE, "title": "DEM", "roles": ["data"]}},
        "bbox": [west, south, east, north],
        "stac_extensions": [f"{EXTENSIONS}projection/v1.1.0/schema.json"],
        "collection": "cop-dem-glo-30",
    }
