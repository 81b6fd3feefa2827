"""Files of the simulated world: rasters as COG, the DEM, the inventory."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyogrio  # type: ignore[import-untyped]
from affine import Affine
from rasterio.io import MemoryFile
from rasterio.shutil import copy as copy_raster
from scipy import ndimage

from sarlra.simulation.ground import Ground
from sarlra.simulation.layout import RESOLUTION
from sarlra.simulation.noise import F32, smooth_noise, stream
from sarlra.simulation.terrain import PAD_PX

DEM_STEP = 1.0 / 3600.0
"""One arc second in degrees: the posting of Copernicus GLO-30 up to 50 deg of latitude."""
_DEM_NOISE_M = 0.4
"""Random error of the DEM (chosen)."""


@dataclass(frozen=True, slots=True)
class Written:
    """A file's size in bytes and md5 sum as hex, as the Planetary Computer states them."""

    size: int
    md5: str


def write_cog(
    path: Path,
    image: F32,
    transform: Affine,
    epsg: int,
    *,
    nodata: float | None = None,
    point: bool = False,
) -> Written:
    """Write (rows, columns) float32 as a cloud-optimised GeoTIFF: blocks of 512, deflate with the
    floating point predictor, averaged overviews. Equal input gives equal bytes.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    profile = {
        "driver": "GTiff", "dtype": "float32", "count": 1, "height": image.shape[0],
        "width": image.shape[1], "crs": f"EPSG:{epsg}", "transform": transform, "nodata": nodata,
    }  # fmt: skip
    options = {
        "COMPRESS": "DEFLATE", "PREDICTOR": "FLOATING_POINT", "BLOCKSIZE": "512", "LEVEL": "1",
        "OVERVIEW_RESAMPLING": "AVERAGE", "NUM_THREADS": "1",
    }  # fmt: skip
    with MemoryFile() as memory:
        with memory.open(**profile) as raster:
            raster.write(image, 1)
            if point:
                raster.update_tags(AREA_OR_POINT="Point")
        with memory.open() as raster:
            copy_raster(raster, str(path), driver="COG", **options)
    content = path.read_bytes()
    return Written(len(content), hashlib.md5(content, usedforsecurity=False).hexdigest())


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


def write_inventory(ground: Ground, path: Path) -> None:
    """Write the landslides to the layer ``landslides``, EPSG:4326: ``id`` from 1, ``area_m2`` in
    the plane of the UTM zone, ``kind`` ``visible`` or ``not``.
    """
    slides = ground.landslides
    frame = gpd.GeoDataFrame(
        {
            "id": np.arange(1, len(slides.polygons) + 1),
            "area_m2": slides.areas.round(1),
            "kind": np.where(slides.visible, "visible", "not"),
        },
        geometry=list(slides.polygons),
        crs=f"EPSG:{ground.layout.epsg}",
    ).to_crs(4326)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    # The container notes when it was written: a fixed time keeps equal worlds equal.
    before = pyogrio.get_gdal_config_option("OGR_CURRENT_DATE")
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": "2000-01-01T00:00:00.000Z"})
    try:
        frame.to_file(path, layer="landslides", driver="GPKG", engine="pyogrio")
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": before})
