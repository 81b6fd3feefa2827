"""Layover and shadow where the answer is known: planes, ridges, cones, and a real island."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from affine import Affine
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.ndimage import binary_dilation, binary_erosion, gaussian_filter, map_coordinates

from sarlra.terrain.codes import MEANINGS, Visibility
from sarlra.terrain.given import GivenGeometry
from sarlra.terrain.ground import GroundGrid
from sarlra.terrain.passive import LAYOVER, SHADOW, trace
from sarlra.terrain.place import look_over, read_relief
from sarlra.terrain.slopes import gradients, rise_in_range, slope_aspect
from sarlra.terrain.visibility import see, shares

SIZE, STEP = 201, 10.0
V = Visibility
AZIMUTHS = [0.0, 37.0, 78.0, 90.0, 135.0, 180.0, 225.0, 282.0, 303.0]


def coordinates(size: int = SIZE) -> tuple[np.ndarray, np.ndarray]:
    """East and north in metres from the middle."""
    steps = (np.arange(size) - (size - 1) / 2) * STEP
    return np.meshgrid(steps, -steps)


def seen(heights: np.ndarray, incidence: float, azimuth: float, **kwargs) -> np.ndarray:
    flat = np.ones(heights.shape, np.float32)
    return see(
        heights.astype(np.float32),
        flat * np.float32(incidence),
        flat * np.float32(azimuth),
        STEP,
        **kwargs,
    )


@example(26.0, 8.0, 20.0, 145.0)  # nearly layover: any step at the grid's edge would show
@settings(max_examples=60, deadline=None)
@given(st.floats(0.0, 75.0), st.floats(0.0, 359.9), st.floats(20.0, 46.0), st.floats(0.0, 359.9))
def test_a_plane_is_one_thing(slope: float, aspect: float, theta: float, look: float) -> None:
    east, north = coordinates(41)
    away = np.deg2rad(aspect + 180.0)
    heights = np.tan(np.deg2rad(slope)) * (east * np.sin(away) + north * np.cos(away))
    facing = np.deg2rad(look + 180.0 - aspect)
    in_range = np.rad2deg(np.arctan(np.tan(np.deg2rad(slope)) * np.cos(facing)))
    if abs(in_range - theta) < 0.1 or abs(in_range + 90.0 - theta) < 0.1:
        return
    found = seen(heights, theta, look)
    if in_range >= theta:
        expected = V.ACTIVE_LAYOVER
    elif in_range <= theta - 90.0:
        expected = V.ACTIVE_SHADOW
    else:
        expected = V.VISIBLE
    assert (found[1:-1, 1:-1] == expected).all()


def test_slope_and_aspect_of_planes() -> None:
    east, north = coordinates(9)
    for aspect in (0.0, 45.0, 90.0, 200.0, 359.0):
        down = np.deg2rad(aspect)
        heights = -np.tan(np.deg2rad(33.0)) * (east * np.sin(down) + north * np.cos(down))
        slope, faces = slope_aspect(*gradients(heights.astype(np.float32), STEP))
        assert np.allclose(slope, 33.0, atol=1e-3)
        assert np.allclose((faces - aspect + 180) % 360 - 180, 0.0, atol=1e-2)
    assert np.isnan(slope_aspect(*gradients(np.zeros((4, 4), np.float32), STEP))[1]).all()


@pytest.mark.parametrize("azimuth", AZIMUTHS)
@pytest.mark.parametrize("theta", [31.0, 44.0])
def test_a_wall_lays_over_and_shadows_by_its_height(azimuth: float, theta: float) -> None:
    """A ridge with a face of 60 degrees towards the sensor and one of 80 away from it."""
    high, front, back = 300.0, np.tan(np.deg2rad(60.0)), np.tan(np.deg2rad(80.0))
    east, north = coordinates()
    look = np.deg2rad(azimuth)
    s = east * np.sin(look) + north * np.cos(look)
    heights = np.clip(np.minimum((s + 200.0) * front, (200.0 - s) * back), 0.0, high)
    top, crest = -200.0 + high / front, 200.0 - high / back
    found = seen(heights, theta, azimuth)
    tangent = np.tan(np.deg2rad(theta))
    near = top - high / tangent  # as far from the sensor as the top of the front
    far = -200.0 + (high / tangent - (top + 200.0)) + (top + 200.0)
    shadow = crest + high * tangent
    inner = np.hypot(east, north) < 900.0

    def between(low: float, high: float, rim: float = 25.0) -> np.ndarray:
        return inner & (s > low + rim) & (s < high - rim)

    assert (found[between(-200.0, top)] == V.ACTIVE_LAYOVER).mean() > 0.99
    assert (found[between(near, -200.0)] == V.PASSIVE_LAYOVER).all()
    assert (found[between(-800.0, near)] == V.VISIBLE).all()
    # Behind the edge, the flat top is as far away as the foot of the wall for a while.
    assert (found[between(top, min(far, crest))] == V.PASSIVE_LAYOVER).all()
    assert (found[between(far, crest)] == V.VISIBLE).all()
    assert (found[between(crest, 200.0)] == V.ACTIVE_SHADOW).all()
    assert (found[between(200.0, shadow)] == V.PASSIVE_SHADOW).all()
    assert (found[between(shadow, 900.0)] == V.VISIBLE).all()


@pytest.mark.parametrize("azimuth", AZIMUTHS)
def test_a_cone_is_laid_over_on_the_side_that_faces_the_sensor(azimuth: float) -> None:
    """Active layover of a cone of slope a is the sector |phi| <= arccos(tan theta / tan a)."""
    theta, slope = 36.0, 50.0
    east, north = coordinates()
    radius = np.hypot(east, north)
    heights = np.tan(np.deg2rad(slope)) * np.maximum(600.0 - radius, 0.0)
    found = seen(heights, theta, azimuth)
    bearing = np.rad2deg(np.arctan2(east, north))
    off = np.abs((bearing - (azimuth + 180.0) + 180.0) % 360.0 - 180.0)
    half = np.rad2deg(np.arccos(np.tan(np.deg2rad(theta)) / np.tan(np.deg2rad(slope))))
    flank = (radius > 60.0) & (radius < 580.0)
    inside, outside = flank & (off < half - 3.0), flank & (off > half + 3.0)
    assert (found[inside] == V.ACTIVE_LAYOVER).all()
    assert not (found[outside] == V.ACTIVE_LAYOVER).any()
    assert not np.isin(found[flank], [V.ACTIVE_SHADOW]).any()
    # Mirrored about the look direction, the answer is the same.
    facing = found[radius < 590]
    assert (facing == V.ACTIVE_LAYOVER).mean() == pytest.approx(2 * half / 360, abs=0.02)


def independent(heights: np.ndarray, theta: float, azimuth: float) -> tuple[np.ndarray, np.ndarray]:
    """Layover and shadow of each pixel by its own straight ray, in plane geometry, bilinear."""
    rows, cols = heights.shape
    angle = np.deg2rad(azimuth)
    sine, cosine = np.sin(np.deg2rad(theta)), np.cos(np.deg2rad(theta))
    row, col = np.mgrid[0:rows, 0:cols].astype(float)
    layover, shadow = np.zeros(heights.shape, bool), np.zeros(heights.shape, bool)
    own_up = sine * heights
    own_near = -cosine * heights
    for step in range(1, rows):
        for sign in (-1, 1):
            way = sign * step * STEP
            place = [row - way / STEP * np.cos(angle), col + way / STEP * np.sin(angle)]
            other = map_coordinates(heights, place, order=1, cval=np.nan)
            range_there = sine * way - cosine * other
            if sign < 0:
                shadow |= cosine * way + sine * other > own_up + 1e-3
                layover |= range_there > own_near + 1e-3
            else:
                layover |= range_there < own_near - 1e-3
    return layover, shadow


@pytest.mark.parametrize("azimuth", [78.0, 282.0, 20.0, 170.0])
def test_tracing_agrees_with_a_ray_for_every_pixel(azimuth: float) -> None:
    rng = np.random.default_rng(3)
    heights = gaussian_filter(rng.normal(size=(96, 96)), 4.0)
    heights = (heights / heights.std() * 90.0).astype(np.float32)
    layover, shadow = independent(heights.astype(float), 40.0, azimuth)
    flat = np.ones(heights.shape, np.float32)
    bits = trace(heights, flat * 40.0, flat * np.float32(azimuth), STEP)
    assert layover.mean() > 0.1
    assert shadow.mean() > 0.01
    for bit, expected in ((LAYOVER, layover), (SHADOW, shadow)):
        # Rays pass within half a pixel of a pixel's centre, so edges can be one pixel off.
        edge = binary_dilation(expected) & ~binary_erosion(expected)
        agree = (bits & bit > 0) == expected
        assert agree.mean() > 0.96
        assert agree[~edge].mean() > 0.995


def test_level_ground_is_visible_also_over_a_curved_swath() -> None:
    east, _ = coordinates()
    incidence = (38.0 + east / 70_000.0).astype(np.float32)
    azimuth = (280.0 + east / 50_000.0).astype(np.float32)
    level = np.full(east.shape, 812.3, np.float32)
    assert (see(level, incidence, azimuth, STEP) == V.VISIBLE).all()


def test_voids_are_outside_and_hide_nothing() -> None:
    heights = np.zeros((50, 50))
    heights[20:30, 20:30] = np.nan
    found = seen(heights, 38.0, 280.0)
    assert (found[20:30, 20:30] == V.OUTSIDE).all()
    assert (found == V.OUTSIDE).sum() == 100
    assert (found[found != V.OUTSIDE] == V.VISIBLE).all()
    assert (seen(np.full((9, 9), np.nan), 38.0, 280.0) == V.OUTSIDE).all()


def test_the_buffer_reaches_as_far_as_it_says() -> None:
    heights = np.zeros((60, 60))
    heights[:, 30:] = 40.0
    plain, wide = seen(heights, 30.0, 90.0), seen(heights, 30.0, 90.0, buffer_px=4)
    hidden = np.flatnonzero(plain[30] != V.VISIBLE)
    grown = np.flatnonzero(wide[30] != V.VISIBLE)
    assert (grown[0], grown[-1]) == (hidden[0] - 4, hidden[-1] + 4)
    assert (wide[plain != V.VISIBLE] == plain[plain != V.VISIBLE]).all()
    assert set(np.unique(wide)) <= {V.VISIBLE, V.ACTIVE_LAYOVER, V.PASSIVE_LAYOVER}
    assert sum(shares(wide).values()) == pytest.approx(1.0)


def test_the_answer_does_not_depend_on_threads() -> None:
    rng = np.random.default_rng(5)
    heights = np.cumsum(rng.normal(size=(700, 300)), axis=1).astype(np.float32) * 8
    flat = np.ones(heights.shape, np.float32)
    one, four = (see(heights, flat * 35, flat * 281, STEP, threads=n) for n in (1, 4))
    assert np.array_equal(one, four)


@pytest.mark.parametrize(("name", "heading"), [("ascending", 348.0), ("descending", 192.0)])
def test_a_real_volcanic_island(shared_data: Path, name: str, heading: float) -> None:
    """At near range, where a steep island is laid over most."""
    relief = read_relief(next((shared_data / "dem").glob("*.tif")))
    view = look_over(relief, GivenGeometry(31.0, heading))
    land = relief.heights > 1.0
    codes = view.visibility[land]
    slope, aspect = relief.slope_aspect()
    sensor = heading - 90.0
    off = np.abs((aspect - sensor + 180.0) % 360.0 - 180.0)
    active = view.visibility == V.ACTIVE_LAYOVER
    assert active.sum() > 1000
    assert (off[active] < 90.0).mean() >= 0.99
    assert (slope[active] > 30.9).mean() >= 0.99
    shadow = view.visibility == V.ACTIVE_SHADOW
    assert (off[shadow] > 90.0).all()
    found = {MEANINGS[code]: float((codes == code).mean()) for code in V}
    assert 0.5 < found["visible"] < 0.97, found
    assert 0.01 < found["active layover"] < 0.2, found
    assert 0.01 < found["passive layover"] < 0.3, found
    assert found["active shadow"] < 0.02, found
    sea = relief.heights == 0.0
    assert (view.visibility[sea] == V.VISIBLE).mean() > 0.99


def test_rise_in_range_is_that_of_the_paper() -> None:
    rng = np.random.default_rng(2)
    east, north = rng.normal(size=(2, 50, 50)).astype(np.float32)
    slope, aspect = (np.deg2rad(a) for a in slope_aspect(east, north))
    phi_i = np.deg2rad(281.0 + 180.0)
    expected = np.tan(slope) * np.cos(phi_i - aspect)
    assert np.allclose(rise_in_range(east, north, 281.0), expected, atol=1e-4)


def test_grids_grow_around_their_pixels() -> None:
    grid = GroundGrid("EPSG:32654", Affine(10, 0, 500, 0, -10, 900), (3, 4))
    grown = grid.grown(2)
    assert grown.shape == (7, 8)
    assert grown.bounds == (480.0, 850.0, 560.0, 920.0)
    assert grown.x[2] == grid.x[0] == 505.0
    assert grown.y[2] == grid.y[0] == 895.0
