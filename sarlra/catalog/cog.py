"""Cloud-optimised GeoTIFFs: deflate, 512 px blocks, overviews, named bands, statistics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from affine import Affine
from rasterio.io import MemoryFile
from rasterio.shutil import copy

BLOCK = 512
#: No data of bands of bytes.
NODATA_BYTE = 255
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
    path: Path, values: np.ndarray, transform: Affine, crs: int | str, bands: Sequence[Band]
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

    Notes
    -----
    The bytes depend on the arguments and the version of GDAL alone. Overviews of float bands are
    means, of integer bands the nearest pixel.
    """
    count, height, width = values.shape
    is_float = np.issubdtype(values.dtype, np.floating)
    profile: dict[str, Any] = {
        "driver": "GTiff",
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
    with (
        rasterio.Env(GDAL_PAM_ENABLED="NO"),
        MemoryFile() as memory,
    ):
        with memory.open(**profile) as raw:
            if colours:
                raw.write_colormap(1, dict(colours))
            raw.write(values)
            for index, band in enumerate(bands, start=1):
                raw.set_band_description(index, band.name)
                raw.update_tags(index, DESCRIPTION=band.description)
                raw.update_tags(index, **statistics_tags(values[index - 1]))
                if band.unit:
                    raw.set_band_unit(index, band.unit)
        predictor = 3 if is_float else 2
        copy(
            memory.name,
            str(path),
            driver="COG",
            predictor=predictor,
            overview_resampling=resampling,
            **_OPTIONS,
        )


def statistics(values: np.ndarray) -> dict[str, float] | None:
    """Minimum, maximum, mean, stddev and valid_percent of a band; None where there is no data."""
    known = values != NODATA_BYTE if values.dtype == np.uint8 else np.isfinite(values)
    valid = values[known].astype(np.float64)
    if valid.size == 0:
        return None
    return {
        "minimum": float(valid.min()),
        "maximum": float(valid.max()),
        "mean": round(float(valid.mean()), 6),
        "stddev": round(float(valid.std()), 6),
        "valid_percent": round(100.0 * valid.size / values.size, 4),
    }


def statistics_tags(values: np.ndarray) -> dict[str, str]:
    """GDAL's ``STATISTICS_*`` tags of a band; none where nothing is finite."""
    found = statistics(values) or {}
    return {f"STATISTICS_{name.upper()}": repr(value) for name, value in found.items()}
