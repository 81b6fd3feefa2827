"""Files of the simulated world: rasters as COG, the inventory."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyogrio
import rasterio
from affine import Affine
from rasterio.io import MemoryFile
from rasterio.shutil import copy as copy_raster

from sarlra.simulation.ground import Ground
from sarlra.simulation.noise import F32
from sarlra.simulation.parameters import Cover


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


#: Codes of ESA WorldCover for what grows or stands before the event.
_WORLDCOVER = {
    Cover.FOREST: 10, Cover.SHRUB: 20, Cover.GRASS: 30, Cover.CROP: 40, Cover.BUILT: 50,
    Cover.ROCK: 60, Cover.GRAVEL: 60, Cover.SPARSE: 60, Cover.WATER: 80, Cover.SEA: 80,
}  # fmt: skip


def write_land_cover(ground: Ground, path: Path) -> None:
    """Write the land cover before the event as a GeoTIFF, uint8, codes as ESA WorldCover's."""
    codes = np.zeros(len(Cover), np.uint8)
    for cover, code in _WORLDCOVER.items():
        codes[cover] = code
    image = codes[ground.cover.classes]
    path.parent.mkdir(parents=True, exist_ok=True)
    with rasterio.open(
        path, "w", driver="GTiff", dtype="uint8", count=1, height=image.shape[0],
        width=image.shape[1], crs=f"EPSG:{ground.layout.epsg}", transform=ground.layout.transform,
        nodata=0, compress="deflate", tiled=True, blockxsize=256, blockysize=256,
    ) as raster:  # fmt: skip
        raster.write(image, 1)


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
