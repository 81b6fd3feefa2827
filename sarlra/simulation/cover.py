"""Land cover: what grows, flows or stands on the relief."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from sarlra.simulation.noise import F32, I32, U8, Mask, fractal_noise, smooth_noise, stream
from sarlra.simulation.parameters import Cover
from sarlra.simulation.profile import Greenery
from sarlra.simulation.terrain import Terrain

_FIELD_PX = 11.0
"""Mean distance between the middles of fields (chosen: about 1.2 ha)."""


@dataclass(frozen=True, slots=True)
class LandCover:
    """Parameters
    ----------
    classes
        :class:`Cover` values, uint8, (rows, columns).
    parcel
        Number of the field from 1, 0 outside cropland; int32, (rows, columns).
    n_parcels
        How many fields there are.
    """

    classes: U8
    parcel: I32
    n_parcels: int


_PLAIN = Greenery()


def make_cover(seed: int, terrain: Terrain, greenery: Greenery = _PLAIN) -> LandCover:
    """Cover the relief: rivers with gravel bars, fields and villages on valley floors, forest (or
    what the profile says) on slopes, grass above the tree line and in patches, rock on crags, the
    sea where there is one.
    """
    rng = stream(seed, "cover")
    shape = terrain.elevation.shape
    slope = terrain.slope
    classes = np.full(shape, greenery.slopes, dtype=np.uint8)
    high, patches = _open_ground(rng, terrain, slope, greenery)
    classes[patches] = greenery.second
    classes[high] = greenery.high
    crag = slope + 4.0 * smooth_noise(rng, shape, 8.0)
    classes[crag > 48.0] = Cover.ROCK
    floor = (terrain.river_distance < 6.5 * terrain.river_width) & (slope < 8.0)
    floor &= terrain.river_width > 11.0
    floor = ndimage.binary_opening(floor, iterations=2)
    meadow = smooth_noise(rng, shape, 30.0) > 0.8
    field = Cover.CROP if greenery.farmed else greenery.second
    classes[floor] = np.where(meadow, Cover.GRASS, field)[floor]
    parcel, count = _parcels(rng, classes == Cover.CROP)
    classes[_villages(rng, classes)] = Cover.BUILT
    _rivers(rng, terrain, classes)
    classes[terrain.sea] = Cover.SEA
    parcel[classes != Cover.CROP] = 0
    return LandCover(classes, parcel, count)


def _open_ground(
    rng: np.random.Generator, terrain: Terrain, slope: F32, greenery: Greenery
) -> tuple[Mask, Mask]:
    """What lies above the tree line, and patches of the second cover on the slopes."""
    shape = terrain.elevation.shape
    line = np.quantile(terrain.elevation[::8, ::8], greenery.tree_line)
    high = terrain.elevation + 90.0 * smooth_noise(rng, shape, 25.0) > line
    patches = fractal_noise(rng, shape, 2.4, 160.0) - 0.02 * np.clip(slope - 25, 0, None)
    least = np.quantile(patches[::4, ::4], 1.0 - greenery.second_share)
    return np.asarray(high), np.asarray(patches > least)


def _parcels(rng: np.random.Generator, crop: np.ndarray) -> tuple[I32, int]:
    """Fields: cells of jittered points, stretched along one direction per neighbourhood."""
    rows, cols = crop.shape
    grid = np.stack(
        np.meshgrid(np.arange(0, rows, _FIELD_PX), np.arange(0, cols, _FIELD_PX), indexing="ij"),
        axis=-1,
    ).reshape(-1, 2)
    points = grid + rng.uniform(-4.5, 4.5, grid.shape)
    where = np.argwhere(crop)
    parcel = np.zeros(crop.shape, dtype=np.int32)
    if where.size:
        _, nearest = cKDTree(points).query(where.astype(np.float64), p=1)
        _, number = np.unique(nearest, return_inverse=True)
        parcel[crop] = number.astype(np.int32) + 1
    return parcel, int(parcel.max())


def _villages(rng: np.random.Generator, classes: U8) -> np.ndarray:
    """Clusters of houses with streets between, on a few per cent of the fields."""
    shape = classes.shape
    centre = smooth_noise(rng, shape, 28.0)
    crop = classes == Cover.CROP
    if not crop.any():
        return np.zeros(shape, dtype=bool)
    dense = centre > np.quantile(centre[crop], 0.95)
    houses = rng.standard_normal(shape, dtype=np.float32) > 0.2
    return np.asarray(crop & dense & houses)


def _rivers(rng: np.random.Generator, terrain: Terrain, classes: U8) -> None:
    """Water where the channel is at least a pixel wide; gravel bars beside the larger ones."""
    wander = 1.0 + 0.35 * smooth_noise(rng, classes.shape, 12.0)
    width = terrain.river_width * np.clip(wander, 0.4, 1.8)
    bars = (terrain.river_distance < 1.3 * width) & (terrain.river_width > 15.0)
    classes[bars] = Cover.GRAVEL
    classes[(terrain.river_distance < np.maximum(0.5 * width, 5.0)) & (width > 9.0)] = Cover.WATER
