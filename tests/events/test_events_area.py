"""Areas of interest from boxes and vector files."""

from __future__ import annotations

from pathlib import Path

import geopandas
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely import LineString, MultiPolygon, Point, Polygon, box

from sarlra.errors import AreaError
from sarlra.events import area as area_module
from sarlra.events.area import parse_area
from sarlra.events.geometry import split_antimeridian


def store(path: Path, *shapes: shapely.Geometry, crs: int | None = 4326, **how: str) -> str:
    geopandas.GeoDataFrame(geometry=list(shapes), crs=crs).to_file(path, **how)
    return str(path)


def test_a_box() -> None:
    assert parse_area(" 141.7, 42.5,142.3,43 ").equals(MultiPolygon([box(141.7, 42.5, 142.3, 43)]))


def test_a_box_across_the_antimeridian() -> None:
    area = parse_area("179.5,-17,-179.5,-16")
    assert len(area.geoms) == 2
    expected = MultiPolygon([box(179.5, -17, 180, -16), box(-180, -17, -179.5, -16)])
    assert area.equals(expected)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nan,1,2,3", "four numbers"),
        ("1,2,inf,3", "four numbers"),
        ("1,2,3", "four numbers"),
        ("1,2,3,4,5", "four numbers"),
        ("1,2,3,x", "four numbers"),
        ("10,46,11,45", "south above its north"),
        ("10,45,10,46", "empty"),
        ("10,45,11,45", "empty"),
        ("200,45,201,46", "leaves the map"),
        ("10,45,11,95", "leaves the map"),
        ("10,83,11,85", "UTM grid"),
        ("10,-81,11,-79", "UTM grid"),
        ("nothing.geojson", "neither a box nor a file"),
        ("", "neither a box nor a file"),
        ("x" * 5000, "neither a box nor a file"),
        ("a\0b", "neither a box nor a file"),
    ],
)
def test_texts_that_are_no_area(text: str, words: str) -> None:
    with pytest.raises(AreaError, match=words):
        parse_area(text)


@pytest.mark.parametrize("name", ["a.geojson", "a.gpkg", "a.shp", "a.fgb"])
def test_vector_files(tmp_path: Path, name: str) -> None:
    point = [] if name == "a.shp" else [Point(50, 50)]  # a shapefile holds one kind of geometry
    path = store(tmp_path / name, box(10, 45, 11, 46), box(10.5, 45, 12, 46), *point)
    assert parse_area(path).equals(box(10, 45, 12, 46))


def test_other_projections_and_invalid_rings(tmp_path: Path) -> None:
    path = store(tmp_path / "utm.gpkg", box(500000, 5_000_000, 510000, 5_010_000), crs=32632)
    west, south, east, north = parse_area(path).bounds
    assert (west, south) == pytest.approx((9.0, 45.15), abs=0.01)
    assert (east - west, north - south) == pytest.approx((0.127, 0.09), abs=0.001)
    bow = Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])
    area = parse_area(store(tmp_path / "bow.geojson", bow))
    assert area.is_valid
    assert area.area == pytest.approx(0.5)
    beyond = parse_area(store(tmp_path / "b.geojson", box(179, -1, 181, 1)))
    assert beyond.equals(MultiPolygon([box(179, -1, 180, 1), box(-180, -1, -179, 1)]))


def test_files_that_are_no_area(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "text.geojson").write_text("hello")
    (tmp_path / "empty.geojson").write_text('{"type": "FeatureCollection", "features": []}')
    cases = {
        "no polygons": store(tmp_path / "p.geojson", Point(0, 0), LineString([(0, 0), (1, 1)])),
        "no CRS": store(tmp_path / "nocrs.gpkg", box(0, 0, 1, 1), crs=None),
        "cannot be read": str(tmp_path / "text.geojson"),
        "empty.geojson": str(tmp_path / "empty.geojson"),
        "neither a box nor a file": str(tmp_path),
    }
    for words, text in cases.items():
        with pytest.raises(AreaError, match=words):
            parse_area(text)
    monkeypatch.setattr(area_module, "MAX_FILE_BYTES", 10)
    with pytest.raises(AreaError, match="larger than"):
        parse_area(cases["no polygons"])


def test_a_file_with_layers(shared_data: Path) -> None:
    path = shared_data / "inventories" / "noto2024.gpkg"
    with pytest.raises(AreaError, match="landslides, cloud, interpreted_area"):
        parse_area(str(path))
    with pytest.raises(AreaError, match="no layer 'rain'"):
        parse_area(f"{path}#rain")
    area = parse_area(f"{path}#interpreted_area")
    frame = geopandas.read_file(path, layer="interpreted_area")
    assert area.area == pytest.approx(frame.geometry.union_all().area, rel=1e-9)


@given(
    west=st.floats(-180, 179.9), south=st.floats(-80, 83), wide=st.floats(0.01, 170),
    high=st.floats(0.01, 1),
)  # fmt: skip
def test_splitting_keeps_the_size_and_the_range(
    west: float, south: float, wide: float, high: float
) -> None:
    whole = box(west, south, west + wide, south + high)
    parts = split_antimeridian(whole, wide_crosses=False)
    assert parts.area == pytest.approx(whole.area, rel=1e-6)
    assert parts.bounds[0] >= -180
    assert parts.bounds[2] <= 180
    assert len(parts.geoms) == (1 if west + wide <= 180 else 2)
