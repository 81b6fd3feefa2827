"""The annotation of a real scene, and hostile ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import shapely
import shapely.affinity
from pyproj import Transformer
from scipy.interpolate import CubicHermiteSpline

from sarlra.errors import TerrainError
from sarlra.terrain.annotation import (
    MAX_BYTES,
    Annotation,
    GeolocationGrid,
    parse_annotation,
    read_annotation,
)
from sarlra.terrain.footprint import geometry_from_footprint
from sarlra.terrain.geometry import AnnotationGeometry
from sarlra.terrain.given import GivenGeometry, raised


@pytest.fixture(scope="module")
def real_bytes(shared_data: Path) -> bytes:
    return next((shared_data / "s1-annotation").glob("*-vv-*.xml")).read_bytes()


@pytest.fixture(scope="module")
def real(real_bytes: bytes) -> Annotation:
    return parse_annotation(real_bytes, "real")


def part_of(grid: GeolocationGrid, rows: slice, columns: slice) -> GeolocationGrid:
    parts = {name: getattr(grid, name)[rows, columns] for name in GeolocationGrid.__slots__}
    return GeolocationGrid(**parts)


def from_orbit(real: Annotation) -> tuple[np.ndarray, np.ndarray]:
    """Incidence and look azimuth at the grid's points, from the orbit alone, in vectors."""
    grid, orbit = real.grid, real.orbit
    assert orbit is not None
    to_earth = Transformer.from_crs(4979, 4978, always_xy=True)
    ground = np.stack(to_earth.transform(grid.longitude, grid.latitude, grid.height), axis=-1)
    sensor = CubicHermiteSpline(orbit.seconds, orbit.position, orbit.velocity)(grid.seconds)
    lon, lat = np.deg2rad(grid.longitude), np.deg2rad(grid.latitude)
    east = np.stack([-np.sin(lon), np.cos(lon), 0 * lon], axis=-1)
    up = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=-1)
    north = np.cross(up, east)
    e, n, u = (((sensor - ground) * axis).sum(axis=-1) for axis in (east, north, up))
    return np.rad2deg(np.arctan2(np.hypot(e, n), u)), np.rad2deg(np.arctan2(-e, -n)) % 360


def test_the_real_annotation_is_read(real: Annotation) -> None:
    assert (real.platform, real.mode, real.orbit_state) == ("S1B", "IW", "descending")
    assert real.heading == pytest.approx(194.35, abs=0.01)
    assert real.grid.latitude.shape == (10, 21)
    assert real.orbit is not None
    assert len(real.orbit.seconds) == 16
    assert real.grid.slant_range[0, 0] == pytest.approx(5.343315555380221e-03 * 299_792_458 / 2)


@pytest.mark.parametrize(
    ("rows", "columns"),
    [(slice(None), slice(0, None, 2)), (slice(0, None, 2), slice(None)),
     (slice(0, None, 2), slice(0, None, 2))],
)  # fmt: skip
def test_incidence_at_points_left_out(real: Annotation, rows: slice, columns: slice) -> None:
    """The figure asked for is 0.02 deg; heights there go up to 2,800 m."""
    grid = real.grid
    fitted = AnnotationGeometry([part_of(grid, rows, columns)])
    left_out = np.ones(grid.incidence.shape, dtype=bool)
    left_out[rows, columns] = False
    look = fitted.at(grid.longitude, grid.latitude)
    error = raised(look, grid.height) - grid.incidence
    assert np.abs(error[left_out]).max() < 0.002
    without_height = (look.incidence - grid.incidence)[left_out]
    assert np.abs(without_height).max() > 0.05


def test_look_agrees_with_the_orbit(real: Annotation) -> None:
    incidence, azimuth = from_orbit(real)
    look = AnnotationGeometry([real.grid]).at(real.grid.longitude, real.grid.latitude)
    assert np.abs(raised(look, real.grid.height) - incidence).max() < 0.05
    turned = (look.look_azimuth - azimuth + 180) % 360 - 180
    assert np.abs(turned).max() < 0.2
    assert real.orbit is not None
    # To the right of the flight: 90 degrees from its heading over the ground, but for the
    # convergence of the meridians between the satellite and the swath.
    at = np.argmin(np.abs(real.orbit.seconds - real.grid.seconds.mean()))
    position, velocity = real.orbit.position[at], real.orbit.velocity[at]
    up = position / np.linalg.norm(position)
    east = np.cross([0.0, 0.0, 1.0], up)
    east /= np.linalg.norm(east)
    north = np.cross(up, east)
    heading = np.rad2deg(np.arctan2(velocity @ east, velocity @ north)) % 360
    assert heading == pytest.approx(real.heading, abs=1.5)
    right = (look.look_azimuth - heading - 90 + 180) % 360 - 180
    assert np.abs(right).max() < 8.0


def test_two_slices_of_one_pass_make_one_geometry(real: Annotation) -> None:
    grid = real.grid
    parts = [part_of(grid, slice(0, 5), slice(None)), part_of(grid, slice(4, 10), slice(None))]
    look = AnnotationGeometry(parts).at(grid.longitude, grid.latitude)
    assert np.abs(raised(look, grid.height) - grid.incidence).max() < 0.002


def test_a_footprint_is_nearly_as_good(real: Annotation) -> None:
    grid = real.grid
    corners = [(0, 0), (0, -1), (-1, -1), (-1, 0)]
    outline = shapely.Polygon([(grid.longitude[c], grid.latitude[c]) for c in corners])
    exact = AnnotationGeometry([grid]).at(grid.longitude, grid.latitude)
    for shape in (outline, outline.reverse(), outline.segmentize(0.05)):
        rough = geometry_from_footprint(shape, "descending").at(grid.longitude, grid.latitude)
        assert np.abs(rough.incidence - exact.incidence).max() < 0.15
        assert np.abs(rough.look_azimuth - exact.look_azimuth).max() < 0.3


def test_footprints_that_tell_nothing() -> None:
    with pytest.raises(TerrainError, match="km wide"):
        geometry_from_footprint(tilted(12.0, 47.0, 1.0), "descending")
    turned = shapely.affinity.rotate(shapely.box(10.0, 46.0, 13.4, 48.4), 35)
    with pytest.raises(TerrainError, match="no two sides"):
        geometry_from_footprint(turned, "descending")
    with pytest.raises(TerrainError, match="corners"):
        geometry_from_footprint(shapely.Point(10, 46).buffer(1.5), "ascending")
    with pytest.raises(TerrainError, match="antimeridian"):
        geometry_from_footprint(
            shapely.union(shapely.box(-180, 0, -179, 1), shapely.box(179, 0, 180, 1)), "ascending"
        )


def tilted(lon: float, lat: float, width: float) -> shapely.Polygon:
    """A scene ``width`` degrees of latitude wide, along a descending track."""
    along, across = np.deg2rad(190.0), np.deg2rad(280.0)
    corners = [(0, 0), (width, 0), (width, 1.5), (0, 1.5)]
    return shapely.Polygon(
        [
            (
                lon + (u * np.sin(across) + v * np.sin(along)) / np.cos(np.deg2rad(lat)),
                lat + u * np.cos(across) + v * np.cos(along),
            )
            for u, v in corners
        ]
    )


def changed(data: bytes, old: bytes, new: bytes) -> bytes:
    assert old in data
    return data.replace(old, new)


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda d: d[:-2000], "no product annotation"),
        (lambda _: b"", "no element"),
        (lambda _: b"<rfi><adsHeader><productType>GRD</productType></adsHeader></rfi>", "<rfi>"),
        (lambda d: changed(d, b"<productType>GRD", b"<productType>OCN"), "OCN"),
        (lambda d: changed(d, b"<pass>Descending", b"<pass>Sideways"), "sideways"),
        (lambda d: changed(d, b"<incidenceAngle>3.07", b"<incidenceAngle>9.07"), "incidence"),
        (lambda d: changed(d, b"<incidenceAngle>3.07", b"<incidenceAngle>nan"), "no product"),
        (lambda d: d.replace(b"<line>0</line>", b"<line>7</line>", 1), "not full"),
        (lambda d: changed(d, b"platformHeading>-1.65", b"platformHeading>-1e9;"), "no product"),
        (lambda d: d + b" " * (MAX_BYTES + 1 - len(d)), "more than"),
        (lambda d: b"<a>" * 100 + d, "too deep"),
    ],
)  # fmt: skip
def test_what_is_no_annotation_is_refused(real_bytes: bytes, edit, words: str) -> None:
    with pytest.raises(TerrainError, match=words) as caught:
        parse_annotation(edit(real_bytes), "iw-vv.xml")
    assert "iw-vv.xml" in caught.value.message


@pytest.mark.parametrize(
    "dtd",
    [
        b'<!DOCTYPE product [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>',
        b'<!DOCTYPE product [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
        b'<!DOCTYPE product SYSTEM "http://127.0.0.1:9/x.dtd">',
    ],
)
def test_documents_with_a_dtd_are_refused(real_bytes: bytes, dtd: bytes) -> None:
    head, rest = real_bytes.split(b"?>", 1)
    with pytest.raises(TerrainError, match="document type"):
        parse_annotation(head + b"?>" + dtd + rest, "evil.xml")


def test_a_grid_that_is_no_radar_is_refused(real: Annotation) -> None:
    rng = np.random.default_rng(1)
    grid = part_of(real.grid, slice(None), slice(None))
    noisy = GeolocationGrid(
        grid.latitude, grid.longitude, grid.height,
        grid.incidence + rng.normal(0, 1, grid.incidence.shape), grid.slant_range, grid.seconds,
    )  # fmt: skip
    with pytest.raises(TerrainError, match="no geometry of a radar"):
        AnnotationGeometry([noisy])


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(TerrainError, match=r"absent\.xml"):
        read_annotation(tmp_path / "absent.xml")


@pytest.mark.parametrize(("incidence", "heading"), [(3.0, 190.0), (95.0, 190.0), (38.0, 999.0)])
def test_given_geometry_has_limits(incidence: float, heading: float) -> None:
    with pytest.raises(TerrainError):
        GivenGeometry(incidence, heading)
