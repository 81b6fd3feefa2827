"""Which pixels of the world a slice holds, and the outline of that."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from affine import Affine
from shapely import Polygon
from shapely.geometry.polygon import orient

from sarlra.simulation.geometry import Swath, View
from sarlra.simulation.layout import RESOLUTION, Layout
from sarlra.simulation.noise import F32, Mask, stream
from sarlra.simulation.parameters import FAR_INCIDENCE_DEG, NEAR_INCIDENCE_DEG
from sarlra.simulation.timetable import Pass, SlicePlan
from sarlra.terrain.sphere import ground_range

NODATA = np.float32(-32768.0)
_MARGIN_PX = 24
"""A scene's grid reaches up to this far beyond its data, differently in each scene."""
_FAR_M = 1e6


@dataclass(frozen=True, slots=True)
class Frame:
    """The grid of one scene: offset of its upper left pixel from the world's, and its size."""

    row: int
    col: int
    rows: int
    cols: int

    def transform(self, layout: Layout) -> Affine:
        """Pixel (column, row) of the scene to (x, y)."""
        left, _, _, top = self.bounds(layout)
        return Affine(RESOLUTION, 0.0, left, 0.0, -RESOLUTION, top)

    def bounds(self, layout: Layout) -> tuple[float, float, float, float]:
        """(left, bottom, right, top) in metres."""
        left = layout.left + self.col * RESOLUTION
        top = layout.top - self.row * RESOLUTION
        return (left, top - self.rows * RESOLUTION, left + self.cols * RESOLUTION, top)


def slice_mask(layout: Layout, view: View, part: SlicePlan) -> Mask:
    """Pixels of the world that the slice holds, (rows, columns)."""
    x, y = layout.pixel_centres()
    along = view.swath.along(x[None, :], y[:, None])
    return np.asarray(view.seen & (along >= part.along[0]) & (along < part.along[1]))


def frame_of(seed: int, mask: Mask, overflight: Pass, part: SlicePlan) -> Frame:
    """The scene's grid around the slice's pixels, on whole pixels of 10 m."""
    rng = stream(
        seed, f"frame-{overflight.orbit_state}", overflight.number, part.number, part.superseded
    )
    rows, cols = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    north, south, west, east = (int(v) for v in rng.integers(0, _MARGIN_PX, 4))
    row, col = int(rows[0]) - north, int(cols[0]) - west
    return Frame(row, col, int(rows[-1]) + 1 + south - row, int(cols[-1]) + 1 + east - col)


def cut_out(image: F32, mask: Mask, frame: Frame) -> F32:
    """The scene's pixels of ``image`` (rows, columns), :data:`NODATA` where it holds none."""
    n_rows, n_cols = image.shape
    scene = np.full((frame.rows, frame.cols), NODATA, dtype=np.float32)
    top, left = max(frame.row, 0), max(frame.col, 0)
    bottom, right = min(frame.row + frame.rows, n_rows), min(frame.col + frame.cols, n_cols)
    inner = (slice(top, bottom), slice(left, right))
    target = scene[top - frame.row : bottom - frame.row, left - frame.col : right - frame.col]
    np.copyto(target, image[inner], where=mask[inner])
    return scene


def outline(layout: Layout, swath: Swath, part: SlicePlan) -> Polygon:
    """The slice's part of the world as a polygon in longitude and latitude."""
    near, far = (float(ground_range(a)) for a in (NEAR_INCIDENCE_DEG, FAR_INCIDENCE_DEG))
    first, last = max(part.along[0], -_FAR_M), min(part.along[1], _FAR_M)
    x, y = swath.place([near, far, far, near], [first, first, last, last])
    inside = shapely.intersection(Polygon(np.stack([x, y], axis=1)), shapely.box(*layout.bounds))
    edge = shapely.get_coordinates(shapely.get_exterior_ring(inside))
    lon, lat = layout.to_lonlat(edge[:, 0], edge[:, 1])
    # RFC 7946: exterior rings run counter-clockwise.
    return orient(Polygon(np.stack([lon, lat], axis=1)))
