"""Reading somebody's own composite by runs of rows: a GeoTIFF, or a Zarr group."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import rioxarray  # noqa: F401  (registers the accessor .rio)
import xarray as xr
from affine import Affine
from numpy.typing import NDArray

from sarlra.errors import AssetError, InputError, ModelError

Rows = list[NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class CompositeFile:
    """An open composite.

    Parameters
    ----------
    shape
        (rows, columns) in pixels.
    crs
        A pyproj-readable text, or None where the file has none.
    transform
        Pixel (column, row) to the units of the CRS; the identity where the file has none.
    read
        ``read(row0, row1, masked)``: one ``(row1 - row0, columns)`` float32 array per band, in the
        model's order; with ``masked`` what the file declares as no data is NaN, without it the
        numbers are as stored.
    """

    shape: tuple[int, int]
    crs: str | None
    transform: Affine
    read: Callable[[int, int, bool], Rows]


@contextmanager
def open_composite(path: Path, bands: tuple[str, ...], model: str) -> Iterator[CompositeFile]:
    """Open a composite for the bands that a model takes.

    Parameters
    ----------
    path
        A raster file whose bands are in the order of ``bands``, or the folder of a Zarr group
        that has an array of dims (y, x) for each name.
    bands
        Names of the bands in the model's order.
    model
        The model's name, for messages.

    Raises
    ------
    InputError
        Nothing is there, or it is no composite.
    ModelError
        Its bands do not fit the model.
    AssetError
        While reading: it is truncated or damaged.
    """
    if not path.exists():
        raise InputError(f"{path}: no such file")
    opened = _open_zarr if path.is_dir() else _open_raster
    with opened(path, bands, model) as composite:
        yield composite


@contextmanager
def _open_raster(path: Path, bands: tuple[str, ...], model: str) -> Iterator[CompositeFile]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
        try:
            source = rasterio.open(path)
        except rasterio.errors.RasterioError as error:
            raise InputError(
                f"{path}: is no raster that can be read: {error}",
                hint="give a GeoTIFF or the folder of a Zarr group",
            ) from error
    with source:
        if source.count != len(bands):
            raise ModelError(
                f"{path}: has {source.count} bands; the model {model!r} takes {len(bands)}: "
                f"{', '.join(bands)}",
                hint="give the bands in this order, or another model",
            )
        if any(np.dtype(kind).kind not in "fiu" for kind in source.dtypes):
            raise InputError(f"{path}: its bands are {source.dtypes[0]}, not real numbers")

        def read(row0: int, row1: int, masked: bool) -> Rows:
            window = ((row0, row1), (0, source.width))
            try:
                values = source.read(window=window, masked=masked, out_dtype="float32")
            except rasterio.errors.RasterioError as error:
                raise AssetError(
                    f"{path}: rows {row0} to {row1} cannot be read: {error}",
                    hint="the file is truncated or damaged",
                ) from error
            return list(values.filled(np.nan) if masked else values)

        crs = source.crs.to_wkt() if source.crs else None
        yield CompositeFile((source.height, source.width), crs, source.transform, read)


@contextmanager
def _open_zarr(path: Path, bands: tuple[str, ...], model: str) -> Iterator[CompositeFile]:
    decoded, stored = _open_group(path, True), _open_group(path, False)
    with decoded, stored:
        missing = [name for name in bands if name not in decoded]
        if missing:
            found = ", ".join(sorted(map(str, decoded.data_vars))) or "no arrays"
            raise ModelError(
                f"{path}: has no {', '.join(missing)}; the model {model!r} takes "
                f"{', '.join(bands)}",
                hint=f"the group holds {found}",
            )
        first = decoded[bands[0]]
        for name in bands:
            array = decoded[name]
            if (
                array.dims != ("y", "x")
                or array.shape != first.shape
                or array.dtype.kind not in "fiu"
            ):
                raise InputError(
                    f"{path}: {name} is {array.dtype} on {dict(array.sizes)}",
                    hint="every band needs real numbers on the same dims (y, x)",
                )

        def read(row0: int, row1: int, masked: bool) -> Rows:
            group = decoded if masked else stored
            try:
                return [
                    np.asarray(group[name][row0:row1].values, dtype=np.float32) for name in bands
                ]
            except (OSError, ValueError, RuntimeError) as error:
                raise AssetError(
                    f"{path}: rows {row0} to {row1} cannot be read: {error}",
                    hint="a chunk is damaged",
                ) from error

        crs = decoded.rio.crs
        transform = (
            decoded.rio.transform() if {"x", "y"} <= set(decoded.coords) else Affine.identity()
        )
        text = crs.to_wkt() if crs else None
        yield CompositeFile((first.shape[0], first.shape[1]), text, transform, read)


def composite_of(dataset: xr.Dataset, bands: tuple[str, ...], name: str) -> CompositeFile:
    """A composite in an open dataset: dims (y, x), NaN is no data, coordinates of pixel centres.

    Raises
    ------
    ModelError
        It lacks a band.
    """
    if lacking := [band for band in bands if band not in dataset]:
        raise ModelError(f"{name}: has no {', '.join(lacking)}")

    def read(row0: int, row1: int, masked: bool) -> Rows:  # noqa: ARG001  all is masked here
        rows = dataset.isel(y=slice(row0, row1))
        try:
            return [np.asarray(rows[band].values, dtype=np.float32) for band in bands]
        except (OSError, ValueError, RuntimeError) as error:
            raise AssetError(
                f"{name}: rows {row0} to {row1} cannot be read: {error}", hint="a chunk is damaged"
            ) from error

    crs = dataset.rio.crs
    shape = (dataset.sizes["y"], dataset.sizes["x"])
    return CompositeFile(shape, crs.to_wkt() if crs else None, dataset.rio.transform(), read)


def _open_group(path: Path, masked: bool) -> Any:
    try:
        return xr.open_zarr(
            path, chunks=None, consolidated=False, mask_and_scale=masked, decode_coords="all"
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path}: is no Zarr group that can be read: {error}",
            hint="give the group's own folder",
        ) from error
