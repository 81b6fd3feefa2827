"""Cloud-optimised GeoTIFFs: deflate, 512 px blocks, overviews, named bands, statistics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from affine import Affine
from rasterio.shutil import copy

from sarlra.catalog.band_statistics import NODATA_BYTE, Statistics, statistics

BLOCK = 512
_OPTIONS = {"compress": "DEFLATE", "level": 6, "blocksize": BLOCK, "bigtiff": "IF_SAFER"}


@dataclass(frozen=True, slots=True)
class Band:
    """Name, meaning and unit of a band.

    ``colours`` is the colour table of a band of classes: value to red, green, blue, alpha. GeoTIFF
    has one only in files of one band of bytes.
    """

    name: str
    description: str
    unit: str | None = None
    colours: Mapping[int, tuple[int, int, int, int]] | None = None


def write_cog(
    path: Path,
    values: np.ndarray,
    transform: Affine,
    crs: int | str,
    bands: Sequence[Band],
    found: Sequence[Statistics | None] | None = None,
    threads: int = 1,
) -> None:
    """Write an array as a COG.

    Parameters
    ----------
    path
        Local file, overwritten.
    values
        (bands, rows, columns), float32 (no data is NaN), uint8 (no data is 255) or another
        unsigned integer (all data), row 0 the northernmost.
    transform
        Pixel (column, row) to (x, y), upper left corners.
    crs
        EPSG code, or WKT.
    bands
        One per band of ``values``. A colour table is written where there is one band, uint8.
    found
        Their statistics, where they are known already.
    threads
        That compress; the file does not depend on it.

    Notes
    -----
    The bytes depend on the arguments and the version of GDAL alone. Overviews of float bands are
    means, of integer bands the nearest pixel.
    """
    count, height, width = values.shape
    is_float = np.issubdtype(values.dtype, np.floating)
    profile: dict[str, Any] = {
        "driver": "MEM",
        "dtype": values.dtype.name,
        "count": count,
        "height": height,
        "width": width,
        "crs": f"EPSG:{crs}" if isinstance(crs, int) else crs,
        "transform": transform,
        "nodata": np.nan if is_float else NODATA_BYTE if values.dtype == np.uint8 else None,
    }
    resampling = "AVERAGE" if is_float else "NEAREST"
    colours = bands[0].colours if count == 1 and values.dtype == np.uint8 else None
    known = [statistics(band) for band in values] if found is None else found
    with (
        rasterio.Env(GDAL_PAM_ENABLED="NO", GDAL_NUM_THREADS=str(threads)),
        rasterio.open(path.name, "w+", **profile) as raw,
    ):
        if colours:
            raw.write_colormap(1, dict(colours))
        raw.write(values)
        for index, band in enumerate(bands, start=1):
            raw.set_band_description(index, band.name)
            raw.update_tags(index, DESCRIPTION=band.description)
            raw.update_tags(index, **statistics_tags(known[index - 1]))
            if band.unit:
                raw.set_band_unit(index, band.unit)
        copy(
            raw,
            str(path),
            driver="COG",
            predictor=3 if is_float else 2,
            overview_resampling=resampling,
            num_threads=str(threads),
            **_OPTIONS,
        )


def statistics_tags(found: Statistics | None) -> dict[str, str]:
    """GDAL's ``STATISTICS_*`` tags of a band; none where nothing is known."""
    return {f"STATISTICS_{name.upper()}": repr(value) for name, value in (found or {}).items()}
