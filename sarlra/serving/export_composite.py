"""An item's composite as one file for programs that read no sharded Zarr: a COG, or plain Zarr."""

from __future__ import annotations

import os
import shutil
import uuid
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from rasterio.errors import RasterioError

from sarlra.catalog.cog import Band, write_cog
from sarlra.catalog.read import grid_of_item
from sarlra.composites.store import open_region
from sarlra.errors import CatalogError, InputError, OutputError
from sarlra.grid import Tile
from sarlra.serving.results import Results

#: Edge of a chunk of the plain Zarr.
_CHUNK_PX = 512


def export_composite(results: Results, item: str, out: Path) -> tuple[str, ...]:
    """Write the composite of an item's tile: a COG, or where ``out`` ends in .zarr a Zarr of format
    2 without shards, which GDAL reads since 3.4.

    Bands of the COG are those of the composite, float32: dB, counts and codes as they are, NaN is
    no data (for counts and codes too, where the composite has no pixel or nothing is known). The
    Zarr holds them with their types and attributes.

    Returns
    -------
    The names of the bands, in their order.

    Raises
    ------
    InputError
        There is no such item, or ``out`` is a Zarr that exists.
    CatalogError, StoreError
        Its composite cannot be read.
    OutputError
        The file cannot be written.
    """
    if (entry := results.items.get(item)) is None:
        raise InputError(f"there is no item {item} in {results.place.root}")
    bands = entry.document["assets"].get("composite", {}).get("bands", [])
    if not bands:
        raise CatalogError(f"item {item} names no bands of a composite")
    tile, _ = grid_of_item(entry.document)
    opened = open_region(*results.composite_at(entry), tile)
    names = tuple(str(band["name"]) for band in bands)
    if out.suffix == ".zarr":
        _write_zarr(opened[list(names)], out)
    else:
        _write_cog(opened, bands, tile, out)
    return names


def _write_cog(opened: xr.Dataset, bands: list[dict[str, Any]], tile: Tile, out: Path) -> None:
    names = [str(band["name"]) for band in bands]
    values = np.stack([opened[name].values.astype(np.float32) for name in names])
    changes = [number for number, name in enumerate(names) if name.startswith("diff_")]
    seen = np.isfinite(values[changes]).any(axis=0)
    for layer, band in zip(values, bands, strict=True):
        if band["data_type"] != "float32":
            layer[~seen | (layer == band.get("nodata", np.nan))] = np.nan
    told = [
        Band(name, str(opened[name].attrs.get("long_name", "")), opened[name].attrs.get("units"))
        for name in names
    ]
    temporary = out.with_name(f".{out.name}.{uuid.uuid4().hex[:12]}.part.tif")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        write_cog(temporary, values, tile.transform, tile.epsg, told)
        os.replace(temporary, out)  # noqa: PTH105
    except (OSError, RasterioError) as error:
        raise OutputError(f"cannot write {out}: {error}") from error
    finally:
        temporary.unlink(missing_ok=True)


def _write_zarr(composite: xr.Dataset, out: Path) -> None:
    """Whole or not at all; gzip, as every reader has it."""
    from numcodecs import GZip

    if out.exists():
        raise InputError(f"{out} exists", hint="remove it, or give another name")
    plain = composite.load().drop_encoding()
    encoding = {
        name: {"compressors": GZip(5), "chunks": (_CHUNK_PX, _CHUNK_PX), "_FillValue": _fill(array)}
        for name, array in plain.data_vars.items()
    }
    temporary = out.with_name(f".{out.name}.{uuid.uuid4().hex[:12]}.part")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        plain.to_zarr(temporary, mode="w", zarr_format=2, consolidated=True, encoding=encoding)
        temporary.rename(out)
    except OSError as error:
        raise OutputError(f"cannot write {out}: {error}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _fill(array: xr.DataArray) -> float | int:
    return float("nan") if array.dtype.kind == "f" else 0
