"""gamma0 and sigma0 of facets of which both are known, from areas in three dimensions."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from sarlra.composites.terrain_bands import with_terrain
from sarlra.terrain.radiometry import sigma0e_over_gamma0


def by_areas(rise_look: float, rise_across: float, theta_deg: float) -> float:
    """sigma0 on the ellipsoid over terrain corrected gamma0 of a facet, by the areas alone.

    Both are the same power over another area: gamma0 over the facet projected against the beam,
    sigma0 over the level ground that fills the same cell of slant range and azimuth.
    """
    theta = np.deg2rad(theta_deg)
    beam = np.array([np.sin(theta), 0.0, -np.cos(theta)])  # look is along x, down
    side_x = np.array([1.0, 0.0, rise_look])
    side_y = np.array([0.0, 1.0, rise_across])
    facet = np.cross(side_x, side_y)  # area vector of the facet over a unit of map
    gamma_area = -facet @ beam
    # The cell of slant range and azimuth that the facet fills, and the level ground in it.
    level = np.cross([1.0, 0.0, 0.0], [0.0, 1.0, 0.0])
    cell = np.array([[side_x @ beam, side_y @ beam], [side_x[1], side_y[1]]])
    level_cell = np.array([[np.sin(theta), 0.0], [0.0, 1.0]])
    sigma_area = np.linalg.norm(level) * abs(np.linalg.det(cell)) / abs(np.linalg.det(level_cell))
    return float(gamma_area / sigma_area)


@settings(max_examples=60, deadline=None)
@given(st.floats(-30.0, 22.0), st.floats(-40.0, 40.0), st.floats(29.0, 46.0), st.floats(0.0, 359.9))
def test_facets(range_deg: float, azimuth_deg: float, theta: float, look: float) -> None:
    along, across = np.tan(np.deg2rad(range_deg)), np.tan(np.deg2rad(azimuth_deg))
    angle = np.deg2rad(look)
    steps = (np.arange(9) - 4) * 10.0
    east, north = np.meshgrid(steps, -steps)
    s, a = (
        east * np.sin(angle) + north * np.cos(angle),
        east * np.cos(angle) - north * np.sin(angle),
    )
    heights = (s * along + a * across).astype(np.float32)
    flat = np.ones(heights.shape, np.float32)
    ratio = sigma0e_over_gamma0(heights, flat * np.float32(theta), flat * np.float32(look), 10.0)
    if theta - range_deg > 6.0 and 90.0 - theta + range_deg > 6.0:
        assert np.allclose(ratio, 10 * np.log10(by_areas(along, across, theta)), atol=0.01)


def test_level_ground_takes_the_cosine() -> None:
    level = np.full((5, 5), 100.0, np.float32)
    flat = np.ones((5, 5), np.float32)
    ratio = sigma0e_over_gamma0(level, flat * 39, flat * 280, 10.0)
    assert np.allclose(ratio, 10 * np.log10(np.cos(np.deg2rad(39))), atol=1e-5)
    voids = sigma0e_over_gamma0(level * np.nan, flat * 39, flat * 280, 10.0)
    assert np.allclose(ratio, voids)


def test_layover_stays_finite() -> None:
    east, _ = np.meshgrid(np.arange(9) * 10.0, np.arange(9))
    flat = np.ones((9, 9), np.float32)
    for slope, expected in ((3.0, 9.2), (-3.0, -12.5)):
        ratio = sigma0e_over_gamma0((east * slope).astype(np.float32), flat * 39, flat * 90, 10.0)
        assert np.isfinite(ratio).all()
        assert np.allclose(ratio, expected, atol=1.0)


def test_only_the_post_bands_change() -> None:
    rng = np.random.default_rng(1)
    names = ("post_vv", "post_vh", "diff_vv", "diff_vh")
    plain = xr.Dataset({n: (("y", "x"), rng.normal(size=(4, 4)).astype(np.float32)) for n in names})
    plain["visibility"] = (("y", "x"), np.full((4, 4), 255, np.uint8))
    codes, ratio = np.eye(4, dtype=np.uint8), rng.normal(size=(4, 4)).astype(np.float32)
    kept, turned = with_terrain(plain, codes), with_terrain(plain, codes, ratio)
    for name in names:
        assert np.array_equal(kept[name], plain[name])
        expected = plain[name] + ratio if name.startswith("post") else plain[name]
        assert np.array_equal(turned[name], expected)
        assert turned[name].dtype == np.float32
    assert np.array_equal(turned["visibility"], codes)
    assert (plain["visibility"] == 255).all()


@pytest.mark.parametrize("slope", [-25.0, 0.0, 20.0])
def test_a_slope_of_known_backscatter_goes_there_and_back(slope: float) -> None:
    """A surface of one gamma0, seen as sigma0 on the ellipsoid, by the forward model."""
    theta, gamma0_db = 37.0, -9.0
    rise = np.tan(np.deg2rad(slope))
    sigma0_db = gamma0_db + 10 * np.log10(by_areas(rise, 0.0, theta))
    east, _ = np.meshgrid(np.arange(7) * 10.0, np.arange(7))
    flat = np.ones((7, 7), np.float32)
    ratio = sigma0e_over_gamma0((east * rise).astype(np.float32), flat * 37, flat * 90, 10.0)
    assert np.allclose(gamma0_db + ratio, sigma0_db, atol=0.01)
