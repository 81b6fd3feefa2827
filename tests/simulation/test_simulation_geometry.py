from xml.etree import ElementTree as ET

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sarlra.errors import InputError
from sarlra.simulation.geometry import make_swath, make_view
from sarlra.simulation.layout import DEFAULT_CENTRE, DEFAULT_EPSG, make_layout
from sarlra.terrain.sphere import ground_range, heading_at, incidence_at, look_angle, slant_range


@given(st.floats(15.0, 60.0))
def test_ground_range_and_incidence_are_inverse(angle):
    assert float(incidence_at(ground_range(angle))) == pytest.approx(angle, abs=1e-9)


@pytest.fixture(scope="module")
def real_grid(shared_data):
    path = next((shared_data / "s1-annotation").glob("*-iw-grd-vv-*.xml"))
    root = ET.parse(path).getroot()
    names = ("incidenceAngle", "elevationAngle", "slantRangeTime", "height", "latitude", "pixel")
    points = list(root.iter("geolocationGridPoint"))
    rows = [[float(p.findtext(n, "")) for n in names] for p in points]
    return root, dict(zip(names, np.array(rows).T, strict=True))


def test_the_round_earth_agrees_with_a_real_annotation(real_grid):
    _, grid = real_grid
    low = grid["height"] < 700
    incidence = grid["incidenceAngle"][low]
    assert np.abs(look_angle(incidence) - grid["elevationAngle"][low]).max() < 0.2
    metres = grid["slantRangeTime"][low] * 299_792_458.0 / 2
    assert np.abs(slant_range(ground_range(incidence)) / metres - 1).max() < 0.01


def test_heading_agrees_with_a_real_annotation(real_grid):
    root, grid = real_grid
    stated = float(root.findtext("generalAnnotation/productInformation/platformHeading", ""))
    ours = heading_at(float(grid["latitude"].mean()), "descending")
    assert ours == pytest.approx(stated % 360, abs=1.0)


@pytest.mark.parametrize("state", ["ascending", "descending"])
def test_grid_heading_is_the_true_heading_seen_on_the_grid(state):
    from pyproj import Geod

    layout = make_layout(512, 32654, (620_000.0, 5_200_000.0))
    swath = make_swath(layout, state, incidence=38.0)
    x, y = swath.place(swath.centre_range, [0.0, 5000.0])
    lon, lat = layout.to_lonlat(x, y)
    azimuth = Geod(ellps="WGS84").inv(lon[0], lat[0], lon[1], lat[1])[0]
    assert azimuth % 360 == pytest.approx(swath.heading, abs=0.02)
    assert (swath.heading < 180) == (state == "descending" and swath.heading < 180)
    assert (np.cos(np.deg2rad(swath.heading)) > 0) == (state == "ascending")


def test_place_inverts_across_and_along():
    swath = make_swath(make_layout(512, DEFAULT_EPSG, DEFAULT_CENTRE), "ascending", incidence=40.0)
    x, y = swath.place([5e5, 6e5], [-3e3, 8e3])
    assert np.allclose(swath.across(x, y), [5e5, 6e5])
    assert np.allclose(swath.along(x, y), [-3e3, 8e3])


@pytest.mark.parametrize(("state", "incidence"), [("ascending", 33.0), ("descending", 43.0)])
def test_view_agrees_with_vectors(sim_ground, state, incidence):
    """Local incidence and active distortion from three-dimensional vectors, by the book."""
    layout, terrain = sim_ground.layout, sim_ground.terrain
    swath = make_swath(layout, state, incidence=incidence)
    view = make_view(layout, terrain, swath)
    theta, azimuth = np.deg2rad(incidence), np.deg2rad(swath.grid_heading - 90.0)
    to_sensor = np.array(
        [np.sin(theta) * np.sin(azimuth), np.sin(theta) * np.cos(azimuth), np.cos(theta)]
    )
    normal = np.stack([-terrain.east, -terrain.north, np.ones_like(terrain.east)], axis=-1)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    angle = np.rad2deg(np.arccos(normal @ to_sensor))
    # The incidence changes by some tenths of a degree over the world.
    assert np.abs(angle - view.local_incidence).max() < 0.4
    # Vollrath et al. 2020 by slope and aspect.
    slope = np.arctan(np.hypot(terrain.east, terrain.north))
    aspect = np.arctan2(-terrain.east, -terrain.north)
    slope_r = np.arctan(np.tan(slope) * np.cos(azimuth - aspect))
    clear = np.abs(slope_r - theta) > 0.01
    assert np.array_equal((slope_r >= theta)[clear], view.layover[clear])
    clear = np.abs(slope_r + np.pi / 2 - theta) > 0.01
    assert np.array_equal((slope_r <= theta - np.pi / 2)[clear], view.shadow[clear])
    assert (view.local_incidence[view.shadow] >= 89).all()
    assert not (view.layover & view.shadow).any()


def test_a_cut_swath_ends_within_the_world(sim_ground):
    view = make_view(
        sim_ground.layout,
        sim_ground.terrain,
        make_swath(sim_ground.layout, "ascending", cut=0.2),
    )
    share = 1 - view.seen.mean()
    assert 0.002 < share < 0.1
    ends = [np.flatnonzero(row)[-1] for row in view.seen]
    assert len(set(ends)) > 20  # the edge is slanted


@pytest.mark.parametrize(
    ("size", "epsg", "centre", "words"),
    [
        (100, 32654, DEFAULT_CENTRE, "size_px 100"),
        (512, 4326, DEFAULT_CENTRE, "EPSG:4326"),
        (512, 32654, (0.0, 0.0), "outside the UTM zone"),
        (512, 32654, (500_000.0, 9_000_000.0), "latitude"),
        (512, 32660, (832_000.0 - 3000, 10_000.0), None),
        (2048, 32660, (770_000.0, 4_000_000.0), "antimeridian"),
    ],
)
def test_bad_places_are_named(size, epsg, centre, words):
    if words is None:
        make_layout(size, epsg, centre)
        return
    with pytest.raises(InputError, match=words):
        make_layout(size, epsg, centre)


def test_default_world_straddles_one_edge_of_the_tiles():
    left, bottom, right, top = make_layout(2048, DEFAULT_EPSG, DEFAULT_CENTRE).bounds
    tile = 40_960.0
    assert {left // tile, (right - 1) // tile} == {12.0, 13.0}
    assert {bottom // tile, (top - 1) // tile} == {115.0}
