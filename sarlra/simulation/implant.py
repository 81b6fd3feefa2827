"""Landslides of the simulator put into a real series, to measure recall where nature is real.

Everything but the landslides stays as it was measured: levels, speckle, weather, faults. A slide
changes the level of its pixels from the earthquake on; the measured speckle multiplies the new
level as it did the old one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from shapely import Polygon
from shapely.affinity import affine_transform

from sarlra.errors import InputError
from sarlra.simulation.contrast import Geometry, block_means, incidence_on, power_ratio
from sarlra.simulation.landslides import draw_areas, place_slides
from sarlra.simulation.layout import RESOLUTION
from sarlra.simulation.noise import F32, Mask, smooth_noise, stream
from sarlra.simulation.outline import Slope
from sarlra.simulation.profile import Failure
from sarlra.simulation.terrain import make_terrain
from sarlra.terrain.slopes import gradients

_MAX_PX = 20_000_000


@dataclass(frozen=True, slots=True)
class Implanted:
    """A series with landslides in it, and the truth.

    Parameters
    ----------
    series
        As given, changed where and when slides lie; float32.
    share
        Share of each pixel that slid, float32, (rows, columns).
    polygons
        Outlines in pixels of the series (x = column, y = row, from the upper left corner).
    areas
        m2, float64, (slides,).
    visible
        Whether the surface changed enough to show, bool, (slides,).
    """

    series: F32
    share: F32
    polygons: tuple[Polygon, ...]
    areas: npt.NDArray[np.float64]
    visible: npt.NDArray[np.bool_]


def made_up_relief(seed: int, shape: tuple[int, int], resolution: float) -> F32:
    """A relief for places without a DEM: simulated mountains, metres, float32, ``shape``.

    Slides put on it have plausible forms and directions; they do not follow the true slopes.
    """
    factor = _factor(resolution)
    size = max(256, factor * max(shape))
    fine = make_terrain(seed, size).elevation
    return block_means(fine[: shape[0] * factor, : shape[1] * factor], factor)


def implant(
    seed: int,
    series: F32,
    after: npt.NDArray[np.bool_],
    elevation: F32,
    resolution: float,
    geometry: Geometry,
    *,
    count: int,
    failure: Failure | None = None,
    forbidden: Mask | None = None,
) -> Implanted:
    """Let slopes fail in a series.

    Parameters
    ----------
    seed
        Equal arguments give equal results.
    series
        gamma0 in linear power, float32, (acquisitions, polarisations, rows, columns), VV before
        VH; values that are not finite or not positive are no data and stay as they are.
    after
        Which acquisitions come after the earthquake, bool, (acquisitions,).
    elevation
        Metres, float32, (rows, columns), row 0 in the north (:func:`made_up_relief` where there
        is no DEM). Slides start where it is steep.
    resolution
        Edge of a pixel in metres: 10 or a whole multiple of it.
    geometry
        How the series was looked at; local incidence follows from it and the relief.
    count
        How many slides to place; fewer where they find no room.
    failure
        Their sizes, slopes and forms; the default profile's where not given.
    forbidden
        Where no slide may lie (water, fields), (rows, columns).

    Raises
    ------
    InputError
        Shapes disagree, nothing comes before or after, or the resolution is no multiple of 10 m.
    """
    factor = _check(series, after, elevation, resolution, count, forbidden)
    kind = failure or Failure()
    rng = stream(seed, "implant")
    fine = np.asarray(ndimage.zoom(elevation, factor, order=1, grid_mode=True, mode="nearest"))
    fine = fine.astype(np.float32)
    east, north = _gradient(fine)
    weight = _weight(rng, east, north, kind)
    blocked = np.zeros(fine.shape, dtype=bool)
    if forbidden is not None:
        blocked = np.kron(forbidden, np.ones((factor, factor))) > 0
        weight[blocked] = 0.0
    areas = np.sort(draw_areas(rng, count, kind))[::-1]
    placed = place_slides(rng, weight, Slope.from_gradient(east, north), areas, kind, blocked)
    ratio = power_ratio(rng, series, after, placed.label, placed.zone, placed.strength,
                   incidence_on(east, north, geometry), factor)  # fmt: skip
    changed = series.copy()
    valid = np.isfinite(series) & (series > 0)
    changed[after] = np.where(valid[after], series[after] * ratio[None], series[after])
    return Implanted(
        changed,
        block_means((placed.label > 0).astype(np.float32), factor),
        tuple(affine_transform(p, [1 / factor, 0, 0, 1 / factor, 0, 0]) for p in placed.outlines),
        np.array([p.area for p in placed.outlines]) * RESOLUTION**2,
        np.asarray(placed.strength > 0.3),
    )


def _weight(rng: np.random.Generator, east: F32, north: F32, kind: Failure) -> F32:
    slope = np.rad2deg(np.arctan(np.hypot(east, north)))
    steep = np.clip((slope - kind.slope_min) / (kind.slope_full - kind.slope_min), 0.0, 1.0)
    azimuth = np.arctan2(-east, -north) - np.deg2rad(kind.aspect)
    facing = 1.0 + kind.aspect_gain * 0.5 * (1.0 + np.cos(azimuth))
    weak = np.exp(smooth_noise(rng, (east.shape[0], east.shape[1]), 40.0))
    return np.asarray(steep * facing * weak, dtype=np.float32)


def _gradient(elevation: F32) -> tuple[F32, F32]:
    return gradients(ndimage.gaussian_filter(elevation, 1.5), RESOLUTION)


def _factor(resolution: float) -> int:
    factor = round(resolution / RESOLUTION) if np.isfinite(resolution) else 0
    if factor < 1 or abs(factor * RESOLUTION - resolution) > 1e-6:
        raise InputError(
            f"a resolution of {resolution} m is no whole multiple of {RESOLUTION:.0f} m",
            hint="bring the series to a grid of 10, 20 or 30 m first",
        )
    return factor


def _check(
    series: F32,
    after: npt.NDArray[np.bool_],
    elevation: F32,
    resolution: float,
    count: int,
    forbidden: Mask | None,
) -> int:
    factor = _factor(resolution)
    if series.ndim != 4 or series.shape[1] not in (1, 2):
        raise InputError(
            f"a series of shape {series.shape} is not (acquisitions, polarisations, rows, columns)"
        )
    shape = series.shape[2:]
    if elevation.shape != shape or (forbidden is not None and forbidden.shape != shape):
        raise InputError(f"elevation or forbidden has another shape than the series' {shape}")
    if series[0, 0].size * factor**2 > _MAX_PX:
        raise InputError(
            f"a series of {shape} px is too large", hint="implant it in parts of 4096 px"
        )
    if not np.isfinite(elevation).all():
        raise InputError("the elevation has values that are not finite", hint="fill them first")
    if after.shape != series.shape[:1] or after.all() or not after.any():
        raise InputError(
            "after must name some of the acquisitions, not none and not all",
            hint=f"give a bool for each of the {series.shape[0]}",
        )
    if count < 1:
        raise InputError(f"count {count} is under 1")
    return factor
