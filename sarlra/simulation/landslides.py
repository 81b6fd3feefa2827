"""Landslides: how large, where, in which shape."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from affine import Affine
from rasterio import features
from scipy import ndimage
from shapely import Polygon

from sarlra.simulation.cover import LandCover
from sarlra.simulation.layout import RESOLUTION, Layout
from sarlra.simulation.noise import F32, I32, U8, Mask, fractal_noise, stream
from sarlra.simulation.outline import Slope, outline, trace
from sarlra.simulation.parameters import AREA_MAX_M2, AREA_MIN_M2, Cover
from sarlra.simulation.profile import Failure
from sarlra.simulation.terrain import Terrain

F64 = npt.NDArray[np.float64]
_ATTEMPTS = 40
"""Crowns tried per slide before it is given up."""
_PLAIN = Failure()
_SAFE = (Cover.WATER, Cover.GRAVEL, Cover.CROP, Cover.BUILT, Cover.SEA)


@dataclass(frozen=True, slots=True)
class Landslides:
    """Parameters
    ----------
    label
        Number of the slide from 1, 0 elsewhere; int32, (rows, columns).
    zone
        1 in the source area, 2 in the deposit, 0 elsewhere; uint8, (rows, columns).
    polygons
        Outlines in the world's CRS; slide k has label k + 1. They do not overlap.
    strength
        Share of the surface that was renewed, float32, (slides,).
    """

    label: I32
    zone: U8
    polygons: tuple[Polygon, ...]
    strength: F32

    @property
    def areas(self) -> F64:
        """m2 in the plane of the CRS, float64, (slides,)."""
        return np.array([p.area for p in self.polygons])

    @property
    def visible(self) -> npt.NDArray[np.bool_]:
        """Whether the surface changed enough to show, (slides,)."""
        return np.asarray(self.strength > 0.3)


def draw_areas(rng: np.random.Generator, count: int, failure: Failure = _PLAIN) -> F64:
    """Areas in m2 from the inverse gamma distribution between AREA_MIN_M2 and AREA_MAX_M2.

    If G is gamma distributed with shape rho, s + a / G has the density of Malamud et al. 2004,
    equation 3; its tail falls as area^-(rho + 1).
    """
    areas = np.empty(0)
    while areas.size < count:
        drawn = failure.s_m2 + failure.a_m2 / rng.gamma(failure.rho, size=4 * count + 16)
        areas = np.concatenate([areas, drawn[(drawn >= AREA_MIN_M2) & (drawn <= AREA_MAX_M2)]])
    return areas[:count]


def susceptibility(
    rng: np.random.Generator,
    layout: Layout,
    terrain: Terrain,
    epicentre: tuple[float, float],
    failure: Failure,
) -> F32:
    """Relative likelihood of a crown: steep, convex, facing the right way, near the epicentre, in
    weak rock.
    """
    slope = np.rad2deg(np.arctan(ndimage.gaussian_filter(np.tan(np.deg2rad(terrain.slope)), 3.0)))
    steep = np.clip(
        (slope - failure.slope_min) / (failure.slope_full - failure.slope_min), 0.0, 1.0
    )
    steep = np.where(slope > 50.0, 0.3 * steep, steep)
    height = ndimage.gaussian_filter(terrain.elevation, 3.0)
    crest = height - ndimage.gaussian_filter(terrain.elevation, 20.0)
    # Shaking is amplified on crests: slides start in the upper part of slopes.
    convex = 1.0 / (1.0 + np.exp(-crest / 20.0))
    x, y = layout.pixel_centres()
    distance = np.hypot(x[None, :] - epicentre[0], y[:, None] - epicentre[1])
    shaking = np.exp(-distance / (0.22 * layout.size))
    weak = np.exp(failure.clustering * fractal_noise(rng, slope.shape, 2.6, 220.0))
    azimuth = np.arctan2(-terrain.east, -terrain.north) - np.deg2rad(failure.aspect)
    facing = 1.0 + failure.aspect_gain * 0.5 * (1.0 + np.cos(azimuth))
    return np.asarray(steep * convex * shaking * weak * facing, dtype=np.float32)


def make_landslides(
    seed: int,
    layout: Layout,
    terrain: Terrain,
    cover: LandCover,
    epicentre: tuple[float, float],
    failure: Failure = _PLAIN,
) -> Landslides:
    """Let slopes fail; the largest slides take their place first, none overlaps another."""
    rng = stream(seed, "landslides")
    weight = susceptibility(rng, layout, terrain, epicentre, failure)
    weight[np.isin(cover.classes, _SAFE)] = 0.0
    count = max(8, round(failure.per_km2 * (~terrain.sea).mean() * layout.size**2 / 1e6))
    areas = np.sort(draw_areas(rng, count, failure))[::-1]
    placed = place_slides(rng, weight, Slope.of(terrain), areas, failure, terrain.sea)
    polygons = tuple(_to_map(whole, layout) for whole in placed.outlines)
    return Landslides(placed.label, placed.zone, polygons, placed.strength)


@dataclass(frozen=True, slots=True)
class Placed:
    """As :class:`Landslides`, with ``outlines`` in pixels (x = column, y = row)."""

    label: I32
    zone: U8
    outlines: tuple[Polygon, ...]
    strength: F32


def place_slides(
    rng: np.random.Generator,
    weight: F32,
    slope: Slope,
    areas: F64,
    failure: Failure,
    blocked: Mask,
) -> Placed:
    """Place slides of the given areas (m2, the largest first) with crowns drawn by ``weight``;
    none touches ``blocked`` ground.
    """
    label = np.where(blocked, np.int32(-1), np.int32(0))
    zone = np.zeros(weight.shape, dtype=np.uint8)
    outlines: list[Polygon] = []
    tries = len(areas) * _ATTEMPTS if (weight > 0).any() else 0
    left = iter(_crowns(rng, weight, tries))
    for area in areas:
        for _, crown in zip(range(_ATTEMPTS), left, strict=False):
            path = trace(rng, slope, crown, float(area), failure.ratio)
            if path is None:
                continue
            whole, toe = outline(rng, path, float(area), failure.deposit)
            if whole is not None and _paint(whole, toe, len(outlines) + 1, label, zone):
                outlines.append(whole)
                break
    label[blocked] = 0
    strength = rng.uniform(*failure.renewed, len(outlines))
    strength[rng.random(len(outlines)) < failure.invisible] = 0.04
    return Placed(label, zone, tuple(outlines), strength.astype(np.float32))


def _crowns(rng: np.random.Generator, weight: F32, count: int) -> F64:
    """(row, column) of pixels drawn by weight, float64, (count, 2)."""
    if not count:
        return np.empty((0, 2))
    cumulative = np.cumsum(weight.ravel(), dtype=np.float64)
    drawn = np.searchsorted(cumulative, rng.random(count) * cumulative[-1], side="right")
    rows, cols = np.divmod(drawn, weight.shape[1])
    return np.stack([rows, cols], axis=1).astype(np.float64) + rng.random((count, 2))


def _paint(whole: Polygon, toe: Polygon, number: int, label: I32, zone: U8) -> bool:
    """Enter a slide (in pixel coordinates) into the images unless it leaves them, touches another
    or is too thin to hold a pixel.
    """
    left, top, right, bottom = whole.bounds
    rows, cols = label.shape
    if left < 2 or top < 2 or right > cols - 2 or bottom > rows - 2:
        return False
    row, col = int(top) - 1, int(left) - 1
    window = (slice(row, int(bottom) + 2), slice(col, int(right) + 2))
    shape = (window[0].stop - row, window[1].stop - col)
    shift = Affine.translation(col, row)
    inside = features.rasterize([whole], shape, transform=shift).astype(bool)
    around = ndimage.binary_dilation(inside)
    if not inside.any() or label[window][around].any():
        return False
    label[window][inside] = number
    low = np.zeros(shape, dtype=bool)
    if not toe.is_empty:
        low = features.rasterize([toe], shape, transform=shift).astype(bool)
    zone[window][inside] = np.where(low, 2, 1)[inside]
    return True


def _to_map(polygon: Polygon, layout: Layout) -> Polygon:
    xy = np.asarray(polygon.exterior.coords)
    x = layout.left + xy[:, 0] * RESOLUTION
    y = layout.top - xy[:, 1] * RESOLUTION
    return Polygon(np.stack([x, y], axis=1))
