"""A track whose images after the event hold simulated landslides: files, and the truth."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
import shapely
from affine import Affine
from numpy.typing import NDArray
from rasterio.errors import RasterioError
from rasterio.features import shapes
from shapely.affinity import affine_transform
from shapely.geometry import shape as to_shape

from sarlra.errors import AssetError, InputError
from sarlra.scenes.model import Acquisition, Slice, Track
from sarlra.simulation.contrast import Geometry
from sarlra.simulation.implant import Implanted, implant, made_up_relief

F32 = NDArray[np.float32]

#: Incidence in the middle of each IW sub-swath, degrees; heading of Sentinel-1 on ascending and
#: descending passes at middle latitudes.
_INCIDENCE = {"1": 33.7, "2": 39.2, "3": 43.8}
_HEADING = {"ascending": 347.6, "descending": 192.4}
#: Water: darker than this, median over time, dB. No slope fails there.
_WATER_DB = {"VH": -23.0, "VV": -15.0}
_LARGEST_PX = 4096


@dataclass(frozen=True, slots=True)
class ImplantedTrack:
    """A track over files with landslides in them, and the truth, EPSG:4326.

    Parameters
    ----------
    landslides
        Outlines, with ``visible`` (bool: the surface changed) and ``area_m2``.
    water
        Outlines of what is dark in VH (VV where there is no VH) over all of the series' dates.
    """

    track: Track
    landslides: gpd.GeoDataFrame
    water: gpd.GeoDataFrame


def implant_track(track: Track, seed: int, per_km2: float, folder: Path) -> ImplantedTrack:
    """Put landslides into every image of a track after the event.

    Each grid (burst) is a series of its own, with a relief made up for it: slides have plausible
    forms and directions, but do not follow the true slopes. Images before stay where they are.

    Parameters
    ----------
    seed
        Equal arguments give equal results.
    per_km2
        Landslides per square kilometre of land with data.
    folder
        Where the changed images go, one file per image and polarisation.

    Raises
    ------
    AssetError
        An image cannot be read.
    InputError
        Images of one burst have several grids, or are too large to be changed whole.
    """
    moved: dict[str, Slice] = {}
    truths, waters = [], []
    for number, (name, parts) in enumerate(sorted(_series(track).items())):
        after = np.array([late for _, late in parts])
        if after.all() or not after.any():
            continue
        stack = _read([part for part, _ in parts], name)
        waters.append(_water(stack))
        found = _implant(stack, parts, after, (seed * 1000 + number, number), per_km2, name)
        if found is not None:
            moved |= _write(found.series, stack, parts, folder)
            truths.append(_truth(found, stack))
    if not truths:
        raise InputError(f"no place in track {track.id} takes a landslide", hint="is it all water?")
    post = tuple(_replaced(acquisition, moved) for acquisition in track.post)
    return ImplantedTrack(replace(track, post=post), _joined(truths), _joined(waters))


@dataclass(frozen=True, slots=True)
class _Stack:
    """Images of one grid: (acquisitions, polarisations, rows, columns) linear power, float32."""

    images: F32
    polarisations: tuple[str, ...]
    transform: Affine
    crs: Any

    @property
    def water(self) -> NDArray[np.bool_]:
        """Pixels that are dark in the last polarisation, median over time: (rows, columns)."""
        last = self.images[:, -1]
        good = np.isfinite(last) & (last > 0)
        level = np.nanmedian(np.where(good, last, np.nan), axis=0)
        limit = _WATER_DB[self.polarisations[-1]]
        return np.asarray(10 * np.log10(np.nan_to_num(level, nan=1.0)) < limit)

    @property
    def land(self) -> NDArray[np.bool_]:
        """Pixels with data in every image, and no water."""
        valid = (np.isfinite(self.images) & (self.images > 0)).all(axis=(0, 1))
        return np.asarray(valid & ~self.water)


def _series(track: Track) -> dict[str, list[tuple[Slice, bool]]]:
    """(slice, after) by burst, in time; scenes without bursts by their footprint."""
    found: dict[str, list[tuple[Slice, bool]]] = {}
    for acquisitions, after in ((track.pre, False), (track.post, True)):
        for acquisition in acquisitions:
            for part in acquisition.slices:
                name = part.burst or shapely.to_wkb(part.geometry, hex=True)
                found.setdefault(name, []).append((part, after))
    return found


def _implant(
    stack: _Stack,
    parts: list[tuple[Slice, bool]],
    after: NDArray[np.bool_],
    seeds: tuple[int, int],
    per_km2: float,
    name: str,
) -> Implanted | None:
    """Landslides in one stack; None where there is no room for one. ``seeds`` are those of the
    landslides and of the relief.
    """
    step = float(stack.transform.a)
    count = round(per_km2 * float(stack.land.sum()) * step**2 / 1e6)
    if count < 1:
        return None
    shape = stack.images.shape[2:]
    look = Geometry(_incidence(name), (_HEADING[parts[0][0].orbit_state] + 90.0) % 360.0)
    relief = _relief(seeds[1], (shape[0], shape[1]), step)
    return implant(
        seeds[0], stack.images, after, relief, step, look, count=count, forbidden=~stack.land
    )


def _truth(made: Implanted, stack: _Stack) -> gpd.GeoDataFrame:
    a, b, c, d, e, f = tuple(stack.transform)[:6]
    outlines = [affine_transform(polygon, [a, b, d, e, c, f]) for polygon in made.polygons]
    columns = {"visible": made.visible, "area_m2": made.areas}
    return gpd.GeoDataFrame(columns, geometry=outlines, crs=stack.crs).to_crs(4326)


def _water(stack: _Stack) -> gpd.GeoDataFrame:
    dark = stack.water
    found = shapes(dark.astype(np.uint8), mask=dark, transform=stack.transform)
    outlines = [to_shape(outline) for outline, _ in found]
    return gpd.GeoDataFrame(geometry=outlines, crs=stack.crs).to_crs(4326)


def _joined(tables: list[gpd.GeoDataFrame]) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(pd.concat(tables, ignore_index=True), crs=4326)


def _read(parts: list[Slice], name: str) -> _Stack:
    """All images of a place, in the order of the slices."""
    pols = tuple(p for p in ("VV", "VH") if all(p in part.polarisations for part in parts))
    images, grids = [], set()
    for part in parts:
        layers = []
        for pol in pols:
            try:
                with rasterio.open(part.asset(pol)) as raster:
                    if max(raster.shape) > _LARGEST_PX:
                        raise InputError(f"{part.item_id} is too large", hint="cut it first")
                    layers.append(raster.read(1).astype(np.float32))
                    grids.add((raster.transform, raster.crs, raster.shape))
            except RasterioError as error:
                raise AssetError(f"{part.asset(pol)} cannot be read: {error}") from error
        images.append(np.stack(layers))
    if len(grids) != 1:
        raise InputError(f"the images of {name:.40} lie on {len(grids)} grids, not one")
    transform, crs, _ = grids.pop()
    return _Stack(np.stack(images), pols, transform, crs)


def _write(
    series: F32, stack: _Stack, parts: list[tuple[Slice, bool]], folder: Path
) -> dict[str, Slice]:
    """The slices after the event over files of their own, by item id."""
    moved = {}
    for image, (part, late) in zip(series, parts, strict=True):
        if not late:
            continue
        assets = dict(part.assets)
        for layer, pol in zip(image, stack.polarisations, strict=True):
            path = folder / f"{part.item_id}_{pol}.tif"
            with rasterio.open(
                path, "w", driver="GTiff", dtype="float32", count=1, nodata=np.nan,
                height=layer.shape[0], width=layer.shape[1],
                transform=stack.transform, crs=stack.crs,
            ) as raster:  # fmt: skip
                raster.write(np.where(layer > 0, layer, np.nan).astype(np.float32), 1)
            assets[pol] = str(path)
        moved[part.item_id] = replace(part, assets=tuple(assets.items()))
    return moved


def _replaced(acquisition: Acquisition, moved: dict[str, Slice]) -> Acquisition:
    return replace(acquisition, slices=tuple(moved.get(s.item_id, s) for s in acquisition.slices))


def _incidence(name: str) -> float:
    found = re.search(r"IW([123])$", name)
    return _INCIDENCE[found[1] if found else "2"]


@lru_cache(maxsize=32)
def _relief(seed: int, shape: tuple[int, int], step: float) -> F32:
    return made_up_relief(seed, shape, step)
