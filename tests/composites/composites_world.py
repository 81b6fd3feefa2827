"""Small real GeoTIFFs with known pixels, and the tracks of the real OPERA crops."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import rasterio
import shapely.geometry
from affine import Affine
from pyproj import Transformer
from rasterio.warp import Resampling, reproject
from shapely import Polygon

from sarlra.composites.pixels import PixelGrid
from sarlra.scenes.model import Acquisition, Slice, Track

NO_DATA = -32768.0


def write_tif(
    path: Path,
    values: np.ndarray,
    transform: Affine,
    *,
    epsg: int | None = 32611,
    nodata: float | None = NO_DATA,
    dtype: str = "float32",
    **options: object,
) -> Path:
    bands = values[np.newaxis] if values.ndim == 2 else values
    tiling = {"tiled": True, "blockxsize": 256, "blockysize": 256, "compress": "deflate"}
    path.parent.mkdir(parents=True, exist_ok=True)
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        height=bands.shape[1],
        width=bands.shape[2],
        count=bands.shape[0],
        dtype=dtype,
        nodata=nodata,
        transform=transform,
        crs=None if epsg is None else f"EPSG:{epsg}",
        **{**tiling, **options},
    ) as file:
        file.write(bands.astype(dtype))
    return path


def footprint(transform: Affine, shape: tuple[int, int], epsg: int) -> Polygon:
    rows, cols = shape
    corners = [transform @ p for p in ((0, 0), (cols, 0), (cols, rows), (0, rows))]
    to_degrees = Transformer.from_crs(epsg, 4326, always_xy=True)
    return Polygon([to_degrees.transform(*c) for c in corners])


def make_slice(
    name: str,
    when: datetime,
    assets: dict[str, str],
    transform: Affine,
    shape: tuple[int, int],
    *,
    epsg: int = 32611,
    stated: bool = True,
) -> Slice:
    return Slice(
        item_id=name,
        collection=None,
        datetime=when,
        platform="sentinel-1a",
        relative_orbit=137,
        orbit_state="ascending",
        absolute_orbit=None,
        datatake=None,
        assets=tuple(sorted(assets.items())),
        epsg=epsg,
        transform=tuple(transform[:6]) if stated else None,  # type: ignore[arg-type]
        shape=shape if stated else None,
        geometry=footprint(transform, shape, epsg),
    )


def write_slice(
    folder: Path,
    name: str,
    when: datetime,
    bands: dict[str, np.ndarray],
    transform: Affine,
    *,
    epsg: int = 32611,
    stated: bool = True,
) -> Slice:
    """Write a slice's files, no data as -32768, and describe it."""
    assets = {}
    for polarisation, values in bands.items():
        stored = np.where(np.isnan(values), NO_DATA, values)
        path = write_tif(folder / name / f"{polarisation}.tif", stored, transform, epsg=epsg)
        assets[polarisation] = str(path)
    shape = next(iter(bands.values())).shape
    return make_slice(name, when, assets, transform, shape, epsg=epsg, stated=stated)


def acquisition(*slices: Slice) -> Acquisition:
    first = min(s.datetime for s in slices)
    return Acquisition(first.isoformat(), first, "sentinel-1a", tuple(slices))


def track(pre: list[Acquisition], post: list[Acquisition]) -> Track:
    return Track(137, "ascending", tuple(pre), tuple(post))


def day(number: int, seconds: int = 0) -> datetime:
    return datetime(2023, 1, 1, 2, tzinfo=UTC) + timedelta(days=number, seconds=seconds)


def opera_acquisitions(folder: Path) -> list[Acquisition]:
    """All acquisitions of the real crops, ascending; one pass a day."""
    root = folder / "opera-rtc-s1"
    passes: dict[date, list[Slice]] = {}
    for item in json.loads((root / "items.json").read_text())["features"]:
        known = item["properties"]
        scene = Slice(
            item_id=item["id"],
            collection=item["collection"],
            datetime=datetime.fromisoformat(known["datetime"]),
            platform=known["platform"],
            relative_orbit=known["sat:relative_orbit"],
            orbit_state=known["sat:orbit_state"],
            absolute_orbit=None,
            datatake=None,
            assets=tuple(
                (name.upper(), str((root / asset["href"]).resolve()))
                for name, asset in sorted(item["assets"].items())
            ),
            epsg=known["proj:epsg"],
            transform=tuple(known["proj:transform"][:6]),  # type: ignore[arg-type]
            shape=tuple(known["proj:shape"]),  # type: ignore[arg-type]
            geometry=shapely.geometry.shape(item["geometry"]),
        )
        passes.setdefault(scene.datetime.date(), []).append(scene)
    return [acquisition(*slices) for _, slices in sorted(passes.items())]


def opera_track(folder: Path, origin: datetime, pre_days: int, post_days: int) -> Track:
    found = opera_acquisitions(folder)
    before, after = timedelta(days=pre_days), timedelta(days=post_days)
    return track(
        [a for a in found if origin - before <= a.datetime < origin],
        [a for a in found if origin < a.datetime <= origin + after],
    )


def by_gdal(values: np.ndarray, transform: Affine, crs: str, grid: PixelGrid) -> np.ndarray:
    """A layer on a grid, by GDAL's bilinear warp; NaN is no data."""
    result = np.full(grid.shape, np.nan, np.float32)
    reproject(
        values,
        result,
        src_transform=transform,
        src_crs=crs,
        dst_transform=grid.transform,
        dst_crs=f"EPSG:{grid.epsg}",
        src_nodata=np.nan,
        dst_nodata=np.nan,
        resampling=Resampling.bilinear,
        tolerance=0,
    )
    return result
