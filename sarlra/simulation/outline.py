"""The way a slide takes down its slope, and its outline."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from scipy import ndimage
from shapely import Polygon

from sarlra.simulation.layout import RESOLUTION
from sarlra.simulation.noise import F32
from sarlra.simulation.terrain import Terrain

F64 = npt.NDArray[np.float64]
_STOP = 0.07
"""Tangent of the slope on which a slide comes to rest (4 deg, chosen)."""


@dataclass(frozen=True, slots=True)
class Slope:
    """Where down is: steps in rows and columns, and the tangent of the slope; float32 images."""

    down_row: F32
    down_col: F32
    tangent: F32

    @classmethod
    def of(cls, terrain: Terrain) -> Slope:
        """From the relief at a scale of about 60 m."""
        return cls.from_gradient(terrain.east, terrain.north)

    @classmethod
    def from_gradient(cls, towards_east: F32, towards_north: F32) -> Slope:
        """From the gradient of the relief, metres per metre, on pixels of 10 m."""
        east = ndimage.gaussian_filter(towards_east, 2.0)
        north = ndimage.gaussian_filter(towards_north, 2.0)
        tangent = np.hypot(east, north)
        safe = np.maximum(tangent, 1e-6)
        # Rows grow southwards.
        return cls(north / safe, -east / safe, tangent)


def trace(
    rng: np.random.Generator, slope: Slope, crown: F64, area: float, mean_ratio: float = 3.0
) -> F64 | None:
    """The middle line from the crown down, (points, 2) of (row, column) in pixels.

    The length follows from the area and a ratio of length to width around ``mean_ratio``. None
    where the slope ends too early for it or the edge of the world comes first.
    """
    ratio = float(np.clip(np.exp(rng.normal(np.log(mean_ratio), 0.35)), 1.3, 8.0))
    length = np.sqrt(area * ratio) / RESOLUTION
    n_steps = max(6, round(length))
    step = length / n_steps
    rows, cols = slope.tangent.shape
    points = [crown]
    direction = np.zeros(2)
    for _ in range(n_steps):
        row, col = int(points[-1][0]), int(points[-1][1])
        if not (1 <= row < rows - 1 and 1 <= col < cols - 1):
            return None
        if slope.tangent[row, col] < _STOP:
            break
        down = np.array([slope.down_row[row, col], slope.down_col[row, col]], dtype=np.float64)
        direction = 0.6 * direction + 0.4 * down
        direction /= max(float(np.hypot(*direction)), 1e-9)
        points.append(points[-1] + step * direction)
    if len(points) < max(5, 0.6 * n_steps):
        return None
    return np.array(points)


def outline(
    rng: np.random.Generator, path: F64, area: float, deposit: tuple[float, float] = (0.3, 0.5)
) -> tuple[Polygon | None, Polygon]:
    """The slide and its deposit as polygons in pixel coordinates (x = column, y = row).

    Narrow at the crown, with an irregular edge and a lobe at the foot; scaled across so that the
    area (m2) is met within 2 %. The deposit takes a share of the length drawn from ``deposit``.
    (None, empty) where no simple polygon of that area is found.
    """
    target = area / RESOLUTION**2
    t = np.linspace(0.0, 1.0, len(path))
    along = np.gradient(path, axis=0)
    along /= np.maximum(np.hypot(along[:, 0], along[:, 1]), 1e-9)[:, None]
    across = np.stack([along[:, 1], -along[:, 0]], axis=1)
    split = 1.0 - float(rng.uniform(*deposit))
    lobe = float(rng.uniform(0.0, 0.6))
    profile = np.sqrt(np.clip(t * (1.0 - t), 0.01, None)) * 2.0
    profile = profile * (1.0 + lobe * np.exp(-(((t - 0.85) / 0.15) ** 2)))
    edges = [profile * np.clip(1 + 0.2 * _rough(rng, t.size), 0.5, 1.6) for _ in range(2)]
    width = target / (np.hypot(*np.diff(path, axis=0).T).sum() * profile.mean())
    for _ in range(12):
        whole = _ring(path, across, edges, width)
        if not whole.is_valid or whole.is_empty:
            break
        if abs(whole.area / target - 1.0) < 0.02:
            lower = t >= split
            toe = _ring(path[lower], across[lower], [e[lower] for e in edges], width)
            return whole, toe if toe.is_valid else Polygon()
        width *= target / whole.area
    return None, Polygon()


def _ring(path: F64, across: F64, edges: list[F64], width: float) -> Polygon:
    left = path + across * (0.5 * width * edges[0])[:, None]
    right = path - across * (0.5 * width * edges[1])[:, None]
    ring = np.concatenate([left, right[::-1]])
    polygon = Polygon(ring[:, ::-1])
    if polygon.is_valid:
        return polygon
    # A bend narrower than the slide folds the edge: keep the largest simple part.
    repaired = shapely.make_valid(polygon)
    parts = [p for p in shapely.get_parts(repaired) if p.geom_type == "Polygon"]
    parts = [q for p in parts for q in shapely.get_parts(p)]
    return Polygon(max(parts, key=lambda p: p.area).exterior) if parts else Polygon()


def _rough(rng: np.random.Generator, count: int) -> F64:
    noise = ndimage.gaussian_filter1d(rng.standard_normal(count), 1.0, mode="nearest")
    return np.asarray(noise / max(float(noise.std()), 1e-9))
