"""What differs between a published result and the one made again."""

from __future__ import annotations

import io
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray
from rasterio.errors import RasterioError
from rasterio.io import MemoryFile

from sarlra.errors import CatalogError


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference: of what, and how large, in words and numbers."""

    subject: str
    text: str
    count: int = 0
    largest: float | None = None


def compare_rasters(name: str, published: bytes, again: bytes) -> list[Difference]:
    """Differences of two rasters, band by band; equal values and equal no data are equal.

    Raises
    ------
    CatalogError
        One of them is no raster.
    """
    first, second = _bands(name, published), _bands(name, again)
    if first.shape != second.shape:
        return [Difference(name, f"shape {first.shape}, made again {second.shape}")]
    found = []
    for band, (old, new) in enumerate(zip(first, second, strict=True), 1):
        unlike = ~((old == new) | (np.isnan(old) & np.isnan(new)))
        if unlike.any():
            gaps = np.abs(old[unlike] - new[unlike])
            largest = float(np.nanmax(gaps)) if np.isfinite(gaps).any() else None
            count = int(unlike.sum())
            text = f"{count} of {old.size} cells of band {band} differ"
            found.append(Difference(name, text, count, largest))
    return found


def compare_detections(published: bytes, again: bytes) -> list[Difference]:
    """Differences of two tables of detections: windows missing, new, or with another score.

    Raises
    ------
    CatalogError
        One of them is no such table.
    """
    first, second = _scores(published), _scores(again)
    found = []
    for text, names in (
        ("published windows were not found again", first.keys() - second.keys()),
        ("windows are new", second.keys() - first.keys()),
    ):
        if names:
            found.append(Difference("detections", f"{len(names)} {text}", len(names)))
    gaps = [abs(first[name] - second[name]) for name in first.keys() & second.keys()]
    changed = [gap for gap in gaps if gap > 0]
    if changed:
        text = f"{len(changed)} windows have another score"
        found.append(Difference("detections", text, len(changed), max(changed)))
    return found


def _bands(name: str, data: bytes) -> NDArray[np.float64]:
    try:
        with MemoryFile(data) as memory, memory.open(driver="GTiff") as raster:
            values: NDArray[np.float64] = raster.read(out_dtype="float64")
            return values
    except RasterioError as error:
        raise CatalogError(f"{name} cannot be read as a raster: {error}") from error


def _scores(data: bytes) -> dict[tuple[str, int, int], float]:
    try:
        table = gpd.read_parquet(io.BytesIO(data))
        places = zip(table["tile"], table["row"], table["col"], table["score"], strict=True)
        return {(str(t), int(r), int(c)): float(s) for t, r, c, s in places}
    except (ValueError, KeyError, OSError) as error:
        raise CatalogError(f"the detections cannot be read: {error}") from error
