"""Spoils acquisitions of an archive that is there, real or simulated, in ways that are known.

The archive is not touched: spoilt files and a new ``items.json`` that names them, and the others
where they lie, are written to a folder of their own.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import rasterio
from numpy.typing import NDArray
from pyproj import CRS, Proj, Transformer
from scipy import ndimage

from sarlra.errors import InputError
from sarlra.simulation.noise import smooth_noise
from sarlra.terrain.sphere import heading_at

F32 = NDArray[np.float32]
Kind = Literal["shift", "offset", "stripes", "fringe", "snow", "flood"]

_FRINGE_PX = 7
_SNOW_DB, _FLOOD_DB = -5.0, -20.0


@dataclass(frozen=True, slots=True)
class Spoil:
    """What goes wrong with an acquisition.

    Parameters
    ----------
    kind
        ``shift``: it lies beside; ``offset``: all of it is brighter or darker; ``stripes``:
        interference along range; ``fringe``: zeros and values near zero along its border;
        ``snow``, ``flood``: part of the land is wet snow or under water.
    amount
        Shift in pixels of the file (its direction is drawn), offset in dB, power of stripes as
        gamma0 in dB, share of the land under snow or water; a fringe takes none.
    seed
        Draws the rest.
    """

    kind: Kind
    amount: float = 0.0
    seed: int = 0


def spoil_archive(items: Path, chosen: Collection[str], spoil: Spoil, out: Path) -> Path:
    """Spoil the items with the given ids, all in the same way, as of one acquisition.

    Parameters
    ----------
    items
        An ItemCollection with relative or absolute local hrefs.

    Returns
    -------
    Path of the new ``items.json``.

    Raises
    ------
    InputError
        One of the ids is not there.
    """
    content = json.loads(items.read_text(encoding="utf-8"))
    found = set()
    for item in content["features"]:
        for asset in [*item["assets"].values(), *item.get("links", [])]:
            href = asset.get("href", "")
            if "://" not in href and not href.startswith("/"):
                asset["href"] = str((items.parent / href).resolve())
        if item["id"] in chosen:
            found.add(item["id"])
            _spoil_item(item, spoil, out)
    if missing := sorted(set(chosen) - found):
        raise InputError(f"{items} has no item {missing[0]}")
    target = out / "items.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(content), encoding="utf-8")
    return target


def _spoil_item(item: dict[str, Any], spoil: Spoil, out: Path) -> None:
    state = item["properties"]["sat:orbit_state"]
    for key, asset in sorted(item["assets"].items()):
        if key.lower() not in ("vv", "vh"):
            continue
        source = Path(asset["href"])
        with rasterio.open(source) as raster:
            image, profile = raster.read(1), raster.profile
        image = image.astype(np.float32)
        good = np.isfinite(image) & (image > 0)
        spoilt = _spoilt(np.where(good, image, np.nan), profile, spoil, state)
        empty = np.float32(np.nan if profile["nodata"] is None else profile["nodata"])
        target = out / "rasters" / item["id"] / source.name
        target.parent.mkdir(parents=True, exist_ok=True)
        profile.update(driver="GTiff", dtype="float32", count=1)
        with rasterio.open(target, "w", **profile) as raster:
            raster.write(np.where(np.isnan(spoilt), empty, spoilt), 1)
        asset["href"] = str(target.resolve())


def _spoilt(image: F32, profile: dict[str, Any], spoil: Spoil, state: str) -> F32:
    """A file's image in linear power, NaN = no data; the same draw for every file of a spoil."""
    rng = np.random.default_rng([spoil.seed, 91])
    if spoil.kind == "offset":
        return np.asarray(image * np.float32(10 ** (spoil.amount / 10)), np.float32)
    if spoil.kind == "shift":
        return _shifted(image, spoil.amount, rng)
    if spoil.kind == "fringe":
        return _fringed(image, rng)
    x, y = _places(profile, image.shape)
    if spoil.kind == "stripes":
        return _striped(image, x, y, _heading(profile, state), spoil.amount, rng)
    # Drawn over the ground, so that neighbouring files fit together.
    field = _field(x, y, spoil.seed)
    covered = field > np.quantile(field, 1.0 - spoil.amount)
    if spoil.kind == "snow":
        return np.where(covered, image * np.float32(10 ** (_SNOW_DB / 10)), image)
    water = 10 ** (_FLOOD_DB / 10) * rng.gamma(4.4, 1 / 4.4, image.shape)
    return np.where(covered & np.isfinite(image), water.astype(np.float32), image)


def _shifted(image: F32, amount: float, rng: np.random.Generator) -> F32:
    angle = rng.uniform(0.0, 2.0 * np.pi)
    move = (amount * np.sin(angle), amount * np.cos(angle))
    known = np.isfinite(image)
    filled = np.where(known, image, 0.0)
    weight = ndimage.shift(known.astype(np.float32), move, order=1, mode="constant")
    value = ndimage.shift(filled, move, order=1, mode="constant")
    whole = weight > 0.999
    return np.where(whole, value / np.maximum(weight, 1e-6), np.nan).astype(np.float32)


def _fringed(image: F32, rng: np.random.Generator) -> F32:
    known = np.isfinite(image)
    depth = ndimage.distance_transform_cdt(np.pad(known, 1), metric="chessboard")[1:-1, 1:-1]
    shape = (image.shape[0], image.shape[1])
    wave = np.clip(4.0 + 1.5 * smooth_noise(rng, shape, 15.0), 1.0, _FRINGE_PX)
    result = np.where(known & (depth <= wave), image * np.float32(1e-4), image)
    result[known & (depth <= 0.6 * wave)] = np.nan
    return np.asarray(result, np.float32)


def _striped(
    image: F32,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    heading: float,
    level_db: float,
    rng: np.random.Generator,
) -> F32:
    angle = np.deg2rad(heading)
    along = x * np.sin(angle) + y * np.cos(angle)
    period = float(rng.uniform(1500.0, 2500.0))
    width = float(rng.uniform(100.0, 400.0))
    bright = (along + rng.uniform(0.0, period)) % period < width
    power = 10 ** (level_db / 10) * rng.gamma(2.0, 0.5, image.shape)
    return np.asarray(image + np.where(bright, power, 0.0), np.float32)


def _places(
    profile: dict[str, Any], shape: tuple[int, ...]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(x, y) of the pixels' centres in metres."""
    cols, rows = np.meshgrid(np.arange(shape[1]) + 0.5, np.arange(shape[0]) + 0.5)
    t = profile["transform"]
    return t.a * cols + t.c, t.e * rows + t.f


def _heading(profile: dict[str, Any], state: str) -> float:
    """Of the track against grid north, in degrees."""
    t, epsg = profile["transform"], profile["crs"].to_epsg()
    lon, lat = Transformer.from_crs(epsg, 4326, always_xy=True).transform(t.c, t.f)
    turned = Proj(CRS.from_epsg(epsg)).get_factors(lon, lat).meridian_convergence
    return heading_at(lat, "ascending" if state == "ascending" else "descending") - float(turned)


def _field(x: NDArray[np.float64], y: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    """A smooth field over the ground: a few long waves."""
    rng = np.random.default_rng([seed, 17])
    total = np.zeros(x.shape)
    for _ in range(12):
        length = rng.uniform(2000.0, 8000.0)
        turn, phase = rng.uniform(0.0, 2.0 * np.pi, 2)
        total += np.sin(2 * np.pi * (x * np.cos(turn) + y * np.sin(turn)) / length + phase)
    return total
