import json
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from pyproj import Transformer
from scipy.interpolate import RegularGridInterpolator

from sarlra.simulation.views import make_views
from sarlra.terrain.sphere import incidence_at


@pytest.fixture(scope="module")
def annotations(sim_world):
    """(GRD item, root of its VV annotation) of all slices."""
    features = json.loads(sim_world.items.read_text())["features"]
    return [
        (item, ET.parse(sim_world.root / item["assets"]["schema-product-vv"]["href"]).getroot())
        for item in features
        if item["collection"] == "sentinel-1-grd"
    ]


def _column(root, name):
    return np.array([float(p.findtext(name)) for p in root.iter("geolocationGridPoint")])


def _paths(element, prefix=""):
    here = f"{prefix}/{element.tag}"
    return {here}.union(*(_paths(child, here) for child in element)) if len(element) else {here}


def test_elements_are_those_of_a_real_annotation(annotations, shared_data):
    real = next((shared_data / "s1-annotation").glob("*-iw-grd-vv-*.xml"))
    known = _paths(ET.parse(real).getroot())
    for _, root in annotations[:2]:
        assert _paths(root) <= known
        for point in root.iter("geolocationGridPoint"):
            assert len(point) == 9


def test_headers_agree_with_the_items(annotations):
    for item, root in annotations:
        properties = item["properties"]
        assert root.findtext("adsHeader/absoluteOrbitNumber") == str(
            properties["sat:absolute_orbit"]
        )
        assert root.findtext("adsHeader/missionDataTakeId") == properties["s1:datatake_id"]
        stated = properties["start_datetime"].replace(" ", "T").split("+")[0]
        assert root.findtext("adsHeader/startTime") == stated
        info = root.find("generalAnnotation/productInformation")
        assert info.findtext("pass").lower() == properties["sat:orbit_state"]
        heading = float(info.findtext("platformHeading"))
        assert (abs(heading) < 90) == (properties["sat:orbit_state"] == "ascending")


def test_grid_spans_the_swath(annotations):
    for _, root in annotations[:4]:
        incidence = _column(root, "incidenceAngle").reshape(10, 21)
        assert (np.diff(incidence, axis=1) > 0).all()
        assert incidence[0, 0] == pytest.approx(29.0, abs=0.01)
        assert incidence[0, -1] == pytest.approx(46.0, abs=0.01)
        assert (np.diff(_column(root, "slantRangeTime").reshape(10, 21), axis=1) > 0).all()
        assert (np.diff(_column(root, "line").reshape(10, 21), axis=0) > 0).all()


def test_incidence_from_the_annotation_is_that_of_the_view(annotations, sim_ground):
    """Interpolated as a user would: place to (line, pixel) to incidence."""
    views = make_views(sim_ground)
    layout = sim_ground.layout
    to_grid = Transformer.from_crs(4326, layout.epsg, always_xy=True)
    for item, root in annotations[::7]:
        swath = views[item["properties"]["sat:orbit_state"]].swath
        lon, lat = _column(root, "longitude"), _column(root, "latitude")
        gx, gy = to_grid.transform(lon, lat)
        # The grid is a parallelogram on the map: solve for where the world's corners fall.
        gx, gy = gx.reshape(10, 21), gy.reshape(10, 21)
        angle = _column(root, "incidenceAngle").reshape(10, 21)
        left, bottom, right, top = layout.bounds
        for x, y in ((left, top), (right, bottom), layout.centre):
            u = np.array([gx[0, -1] - gx[0, 0], gy[0, -1] - gy[0, 0]])
            v = np.array([gx[-1, 0] - gx[0, 0], gy[-1, 0] - gy[0, 0]])
            across, along = np.linalg.solve(np.stack([u, v], axis=1), [x - gx[0, 0], y - gy[0, 0]])
            pixel = _column(root, "pixel").reshape(10, 21)[0] / _column(root, "pixel").max()
            line = _column(root, "line").reshape(10, 21)[:, 0] / _column(root, "line").max()
            found = RegularGridInterpolator(
                (line, pixel), angle, method="linear", bounds_error=False, fill_value=None
            )((along, across))
            assert float(found) == pytest.approx(float(incidence_at(swath.across(x, y))), abs=0.02)


def test_orbit_flies_at_its_height_in_its_direction(annotations):
    for item, root in annotations[::9]:
        orbits = list(root.iter("orbit"))
        assert len(orbits) == 16
        position = np.array([[float(o.findtext(f"position/{a}")) for a in "xyz"] for o in orbits])
        velocity = np.array([[float(o.findtext(f"velocity/{a}")) for a in "xyz"] for o in orbits])
        height = np.linalg.norm(position, axis=1) - 6_371_000
        assert (np.abs(height - 700_000) < 15_000).all()
        speed = np.linalg.norm(velocity, axis=1)
        assert (np.abs(speed - 7500) < 150).all()
        assert np.allclose(np.diff(position, axis=0) / 10, velocity[:-1], rtol=0.05, atol=60)
        north = velocity[:, 2] > 0
        assert (north == (item["properties"]["sat:orbit_state"] == "ascending")).all()
