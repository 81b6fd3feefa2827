"""The relief of the world on its 10 m pixels, with rivers carved into it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from rasterio import features
from scipy import ndimage
from shapely import LineString

from sarlra.simulation.drainage import Drainage, evolve
from sarlra.simulation.layout import RESOLUTION
from sarlra.simulation.noise import F32, Mask, fractal_noise, smooth_noise, stream
from sarlra.simulation.profile import Relief

_FACTOR = 8
"""Pixels per coarse cell: the drainage is made on cells of 80 m."""
PAD_PX = 64
"""Relief is known this far beyond the world, for the DEM's edge."""
_LOWEST_M = 60.0
"""Height of the lowest place above the ellipsoid, metres (chosen)."""
_CHANNEL_M2 = 1.5e6
"""Upstream area where a channel wide enough to be carved starts (chosen)."""


_PLAIN = Relief()


@dataclass(frozen=True, slots=True)
class Terrain:
    """Relief and rivers; images are float32, (rows, columns), row 0 in the north.

    Parameters
    ----------
    padded
        Elevation in metres with :data:`PAD_PX` more pixels on each side.
    elevation
        Metres.
    east, north
        Gradient towards east and north, metres per metre, at a scale of about 30 m.
    river_distance
        Metres to the nearest channel's axis.
    river_area
        Upstream area in m2 of that channel.
    sea
        Under the sea.
    """

    padded: F32
    elevation: F32
    east: F32
    north: F32
    river_distance: F32
    river_area: F32
    sea: Mask

    @property
    def slope(self) -> F32:
        """Degrees from the horizontal."""
        return np.rad2deg(np.arctan(np.hypot(self.east, self.north)))

    @property
    def river_width(self) -> F32:
        """Metres of open water in the nearest channel: width grows with the root of the area
        (downstream hydraulic geometry, Leopold & Maddock 1953; the factor is chosen).
        """
        return np.float32(4.5e-3) * np.sqrt(self.river_area)


def make_terrain(seed: int, size_px: int, relief: Relief = _PLAIN) -> Terrain:
    """Make mountains of ``size_px`` pixels of 10 m in both directions; the same for equal seeds."""
    rng = stream(seed, "terrain")
    n = size_px + 2 * PAD_PX
    margin = 6
    cells = -(-n // _FACTOR) + 2 * margin
    drainage = _mountains(rng, cells, relief)
    y, x = _warped(rng, n, margin)
    turns = int(rng.integers(4))
    elevation = _sample(drainage.elevation, y, x, order=3)
    distance, area, level = _channels(drainage, y, x)
    elevation = _roughen(rng, elevation)
    elevation = _carve(elevation, distance, area, level)
    elevation += np.float32(_LOWEST_M) - elevation.min()
    elevation, shore = _drown(elevation, relief.drowned)
    rotated = [np.rot90(a, turns) for a in (elevation, distance, area, shore)]
    padded, distance, area, shore = (np.ascontiguousarray(a, dtype=np.float32) for a in rotated)
    smooth = ndimage.gaussian_filter(padded, 1.0)
    down, east = np.gradient(smooth, RESOLUTION)
    inner = (slice(PAD_PX, -PAD_PX), slice(PAD_PX, -PAD_PX))
    fields = (padded, east, -down, distance, area)
    crop = [np.ascontiguousarray(a[inner]) for a in fields]
    sea = np.ascontiguousarray(shore[inner] > 0)
    return Terrain(padded, crop[0], crop[1], crop[2], crop[3], crop[4], sea)


def _drown(elevation: F32, share: float) -> tuple[F32, F32]:
    """Raise the sea over the lowest ``share``; elevation with the sea at 0, and 1 in the sea."""
    if share <= 0.0:
        return elevation, np.zeros_like(elevation)
    level = np.quantile(elevation[PAD_PX:-PAD_PX:2, PAD_PX:-PAD_PX:2], share)
    sea = (elevation < level).astype(np.float32)
    return np.maximum(elevation - np.float32(level), 0.0).astype(np.float32), sea


def _mountains(rng: np.random.Generator, cells: int, relief: Relief) -> Drainage:
    shape = (cells, cells)
    tilt = np.linspace(1.0, 0.0, cells)[:, None] * cells * 2.0
    start = 90.0 * fractal_noise(rng, shape, 2.6, 100.0).astype(np.float64) + tilt
    uplift = 80.0 * relief.height * np.exp(0.35 * smooth_noise(rng, shape, 80.0).astype(np.float64))
    soft = np.exp(0.5 * smooth_noise(rng, shape, 20.0).astype(np.float64))
    limit = np.deg2rad(relief.limit_deg + 3.0 * smooth_noise(rng, shape, 12.0).astype(np.float64))
    return evolve(start, uplift, 80.0 / 230.0 * soft, np.tan(limit), _FACTOR * RESOLUTION, 120)


def _warped(rng: np.random.Generator, n: int, margin: int) -> tuple[F32, F32]:
    """Coarse (row, column) of each pixel, bent a little so that nothing follows the cells."""
    axis = (np.arange(n, dtype=np.float32) + 0.5) / _FACTOR - 0.5 + margin
    shape = (n, n)
    dy = 0.55 * smooth_noise(rng, shape, 45.0) + 0.2 * smooth_noise(rng, shape, 14.0)
    dx = 0.55 * smooth_noise(rng, shape, 45.0) + 0.2 * smooth_noise(rng, shape, 14.0)
    y = np.asarray(axis[:, None] + dy, dtype=np.float32)
    return y, np.asarray(axis[None, :] + dx, dtype=np.float32)


def _sample(field: npt.NDArray[np.float64], y: F32, x: F32, order: int) -> F32:
    coarse = np.asarray(field, dtype=np.float32)
    taken = ndimage.map_coordinates(coarse, [y, x], order=order, mode="nearest", output=np.float32)
    return np.asarray(taken)


def _roughen(rng: np.random.Generator, elevation: F32) -> F32:
    """Gullies and spurs that the coarse cells cannot hold, in proportion to the slope."""
    down, east = np.gradient(ndimage.gaussian_filter(elevation, 4.0), RESOLUTION)
    steep = np.clip(np.hypot(down, east) / 0.6, 0.05, 1.3)
    detail = fractal_noise(rng, elevation.shape, 3.0, 40.0)
    # Ridged: the crests are sharp, the hollows round.
    ridged = np.float32(0.8) - np.abs(fractal_noise(rng, elevation.shape, 3.2, 55.0))
    return np.asarray(elevation + steep * (3.5 * detail + 6.0 * ridged), dtype=np.float32)


def _channels(drainage: Drainage, y: F32, x: F32) -> tuple[F32, F32, F32]:
    """Distance (m) to the nearest channel, its upstream area (m2) and its bed (m)."""
    cells = drainage.elevation.shape[1]
    area = drainage.area
    points = _smoothed_course(drainage, cells)
    # Drawn at half the final resolution, on the whole coarse domain, then bent like the relief.
    scale = _FACTOR // 2
    lines = []
    for cell in np.flatnonzero(area >= _CHANNEL_M2):
        ends = points[[cell, drainage.receiver[cell]]] * scale + scale / 2
        if drainage.receiver[cell] != cell and not np.array_equal(ends[0], ends[1]):
            lines.append((area[cell], LineString(ends[:, ::-1]), int(cell)))
    shape = (cells * scale, cells * scale)
    if not lines:
        far = np.full(y.shape, 1e5, dtype=np.float32)
        return far, np.full_like(far, 1.0), np.zeros_like(far)
    lines.sort(key=lambda line: (line[0], line[2]))
    drawn = features.rasterize(
        ((line, cell + 1) for _, line, cell in lines),
        shape,
        fill=0,
        all_touched=True,
        dtype="int32",
    )
    metres, nearest = ndimage.distance_transform_edt(
        drawn == 0, sampling=_FACTOR * RESOLUTION / scale, return_indices=True
    )
    cell = drawn[nearest[0], nearest[1]] - 1
    fine_y, fine_x = (y + 0.5) * scale - 0.5, (x + 0.5) * scale - 0.5
    bed = ndimage.gaussian_filter(drainage.elevation.ravel()[cell], 2.0 * scale)
    return (
        _sample(metres, fine_y, fine_x, order=1),
        _sample(ndimage.gaussian_filter(area[cell], scale), fine_y, fine_x, order=1),
        _sample(bed, fine_y, fine_x, order=1),
    )


def _smoothed_course(drainage: Drainage, cells: int) -> npt.NDArray[np.float64]:
    """(row, column) of each cell in coarse cells, drawn towards its neighbours along the flow."""
    size = drainage.receiver.size
    points = np.stack(np.divmod(np.arange(size), cells), axis=1).astype(np.float64)
    order = np.argsort(drainage.area, kind="stable")
    donor = np.arange(size)
    donor[drainage.receiver[order]] = order  # the last written, and largest, stays
    for _ in range(3):
        points = 0.4 * points + 0.3 * points[drainage.receiver] + 0.3 * points[donor]
    return points


def _carve(elevation: F32, distance: F32, area: F32, level: F32) -> F32:
    """Flatten the valley floors; the floor's half width is a multiple of the river's width."""
    half = 6.0 * 4.5e-3 * np.sqrt(area)
    beyond = np.clip((distance - half) / (2.5 * half + 150.0), 0.0, 1.0)
    # Mostly linear: a steeper blend would undercut the valley's flanks.
    blend = beyond * (0.6 + 0.4 * beyond * (3.0 - 2.0 * beyond))
    floor = level + 0.012 * distance
    carved = np.where(elevation > floor, blend * elevation + (1 - blend) * floor, elevation)
    return np.asarray(carved, dtype=np.float32)
