"""Inventories read from files: the real one to the polygon, and what people get wrong."""

from __future__ import annotations

import shutil
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod
from shapely import Geometry, MultiPolygon, Point, Polygon

from sarlra.errors import InputError
from sarlra.inventories.inventory import areas_m2, check_inside, zone_km2
from sarlra.inventories.mend import mend
from sarlra.inventories.read import read_inventory
from sarlra.inventories.write import write_inventory

UTM = 32653
X, Y = 700_000.0, 4_130_000.0


def square(col: int, row: int, size: float = 100.0) -> Polygon:
    return shapely.box(X + col * 200, Y + row * 200, X + col * 200 + size, Y + row * 200 + size)


def frame(*shapes: Geometry | None, crs: int | None = UTM) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame({"name": [f"s{i}" for i in range(len(shapes))]},
                            geometry=list(shapes), crs=crs)  # fmt: skip


def test_the_real_inventory_is_kept_to_the_polygon(shared_data: Path) -> None:
    file = shared_data / "inventories" / "noto2024.gpkg"
    found = read_inventory(file)
    raw = gpd.read_file(file, layer="landslides")
    assert len(found) == 2345
    assert np.array_equal(
        shapely.to_wkb(found.landslides.geometry), shapely.to_wkb(shapely.force_2d(raw.geometry))
    )
    assert list(found.landslides.columns) == list(raw.columns)
    # An independent measure: geodesic areas, polygon by polygon.
    geod = Geod(ellps="WGS84")
    geodesic = [abs(geod.geometry_area_perimeter(shape)[0]) for shape in raw.geometry]
    np.testing.assert_allclose(areas_m2(found.landslides.geometry), geodesic, rtol=1e-4)
    assert sum(geodesic) / 1e6 == pytest.approx(8.86, abs=0.005)
    # Each layer's polygons overlap one another: what counts is their union.
    for zone, layer in ((found.mapped, "interpreted_area"), (found.unmapped, "cloud")):
        union = gpd.read_file(file, layer=layer).union_all()
        assert zone is not None
        assert zone.area == pytest.approx(union.area)
    assert zone_km2(found.unmapped) == pytest.approx(327.46, abs=0.1)


@pytest.mark.parametrize("ending", [".shp", ".gpkg", ".geojson", ".parquet"])
def test_formats_and_crs_agree(tmp_path: Path, ending: str) -> None:
    shapes = [square(0, 0), MultiPolygon([square(1, 0), square(2, 0)])]
    file = tmp_path / f"slides{ending}"
    given = frame(*shapes, crs=4326 if ending == ".geojson" else UTM)
    if ending == ".geojson":
        given = frame(*shapes).to_crs(4326)
    if ending == ".parquet":
        given.to_parquet(file)
    else:
        given.to_file(file)
    found = read_inventory(file)
    assert found.landslides.crs.to_epsg() == 4326
    assert found.landslides["name"].tolist() == ["s0", "s1"]
    back = found.landslides.geometry.to_crs(UTM)
    for got, wanted in zip(back, shapes, strict=True):
        assert got.symmetric_difference(wanted).area < 0.01


def test_rings_that_cross_or_touch_themselves_are_mended(tmp_path: Path) -> None:
    bow_tie = Polygon([(X, Y), (X + 100, Y + 100), (X + 100, Y), (X, Y + 100)])
    # A ring that touches itself in one point: two squares, corner on corner.
    touching = Polygon([(X + 300, Y), (X + 400, Y), (X + 400, Y + 100), (X + 500, Y + 100),
                        (X + 500, Y + 200), (X + 400, Y + 200), (X + 400, Y + 100),
                        (X + 300, Y + 100)])  # fmt: skip
    flat = Polygon([(X, Y), (X + 10, Y + 10), (X + 20, Y + 20)])
    assert not bow_tie.is_valid
    assert not touching.is_valid
    frame(bow_tie, square(5, 5), touching, flat, None).to_file(tmp_path / "a.gpkg")
    found = read_inventory(tmp_path / "a.gpkg")
    assert found.landslides["name"].tolist() == ["s0", "s1", "s2"]
    assert found.landslides.is_valid.all()
    areas = found.landslides.geometry.to_crs(UTM).area.to_numpy()
    np.testing.assert_allclose(areas, [5000, 10_000, 20_000], rtol=1e-6)
    assert "3 polygons with invalid rings were mended" in found.notes
    assert "2 geometries without an area were dropped" in found.notes


RINGS = st.lists(
    st.tuples(st.integers(0, 20), st.integers(0, 20)), min_size=4, max_size=9, unique=True
)


@given(st.lists(RINGS, min_size=1, max_size=4))
def test_mending_any_ring_gives_valid_ground_within_its_hull(rings: list[list]) -> None:
    shapes = [Polygon(ring) for ring in rings]
    given_ = gpd.GeoDataFrame({"n": range(len(shapes))}, geometry=shapes, crs=UTM)
    mended, _ = mend(given_)
    again, notes = mend(mended)
    assert notes == ()
    assert again.geometry.equals(mended.geometry)
    for n, shape in zip(mended["n"], mended.geometry, strict=True):
        assert shape.is_valid
        assert shape.geom_type in ("Polygon", "MultiPolygon")
        assert 0 < shape.area <= shapes[n].convex_hull.area * (1 + 1e-9)
        if shapes[n].is_valid:
            assert shape.wkb == shapes[n].wkb


def test_points_are_refused_in_words(tmp_path: Path) -> None:
    frame(Point(X, Y), Point(X + 1, Y)).to_file(tmp_path / "points.gpkg")
    with pytest.raises(InputError, match=r"2 Point: points and lines have no area") as caught:
        read_inventory(tmp_path / "points.gpkg")
    assert "polygons" in str(caught.value.hint)
    frame(square(0, 0), Point(X, Y)).to_crs(4326).to_file(tmp_path / "mixed.geojson")
    with pytest.raises(InputError, match="1 Point"):
        read_inventory(tmp_path / "mixed.geojson")


def test_no_crs_or_a_wrong_one(tmp_path: Path) -> None:
    frame(square(0, 0), crs=None).to_file(tmp_path / "none.shp")
    with pytest.raises(InputError, match="coordinate reference system"):
        read_inventory(tmp_path / "none.shp")
    frame(square(0, 0), crs=4326).to_file(tmp_path / "wrong.gpkg")
    with pytest.raises(InputError, match="no longitudes and latitudes"):
        read_inventory(tmp_path / "wrong.gpkg")


def test_layers_have_to_be_told_apart(tmp_path: Path) -> None:
    file = tmp_path / "two.gpkg"
    frame(square(0, 0)).to_file(file, layer="first")
    frame(square(1, 0), square(2, 0)).to_file(file, layer="second")
    with pytest.raises(InputError, match="first, second"):
        read_inventory(file)
    assert len(read_inventory(f"{file}#second")) == 2
    with pytest.raises(InputError, match="no layer 'third'"):
        read_inventory(f"{file}#third")
    zone = frame(shapely.box(X, Y, X + 1000, Y + 1000))
    zone.to_file(tmp_path / "zone.gpkg")
    found = read_inventory(f"{file}#first", mapped=tmp_path / "zone.gpkg")
    assert zone_km2(found.mapped) == pytest.approx(1.0, rel=2e-3)


def test_files_that_are_none(tmp_path: Path, shared_data: Path) -> None:
    with pytest.raises(InputError, match="there is no inventory"):
        read_inventory(tmp_path / "absent.gpkg")
    with pytest.raises(InputError, match="there is no inventory"):
        read_inventory(tmp_path)
    for name, content, words in (
        ("text.gpkg", b"hello", "no inventory that can be read"),
        ("archive.zip", b"PK\x03\x04", "zip archive"),
        ("broken.geojson", b'{"type": "FeatureCollection", "features": [', "cannot be read"),
        ("script.geojson", b'<OGRVRTDataSource><SrcDataSource>/vsicurl/http://localhost/x'
                           b"</SrcDataSource></OGRVRTDataSource>", "no inventory"),
        ("list.geojson", b'{"type": "FeatureCollection", "features": []}', "no polygon|or none"),
        ("half.parquet", b"PAR1abc", "cannot be read"),
    ):  # fmt: skip
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=words):
            read_inventory(tmp_path / name)
    whole = (shared_data / "inventories" / "noto2024.gpkg").read_bytes()
    (tmp_path / "cut.gpkg").write_bytes(whole[: len(whole) // 3])
    with pytest.raises(InputError, match="cannot be read"):
        read_inventory(tmp_path / "cut.gpkg")
    frame(square(0, 0)).to_file(tmp_path / "part.shp")
    (tmp_path / "part.dbf").unlink()
    with pytest.raises(InputError, match=r"lacks its \.dbf"):
        read_inventory(tmp_path / "part.shp")


def test_an_inventory_of_another_place_and_one_that_reaches_out(tmp_path: Path) -> None:
    frame(square(0, 0), square(100, 0)).to_file(tmp_path / "a.gpkg")
    found = read_inventory(tmp_path / "a.gpkg")
    here = MultiPolygon([frame(square(0, 0, 500)).to_crs(4326).geometry[0]])
    assert check_inside(found, here, "here") == ("1 of 2 landslides lie outside the area",)
    assert check_inside(found, MultiPolygon([shapely.box(-180, 0, 180, 80)]), "all") == ()
    with pytest.raises(InputError, match=r"lies in the area of there.*west, south, east, north"):
        check_inside(found, MultiPolygon([shapely.box(0, 0, 1, 1)]), "there")


def test_what_is_written_reads_back(tmp_path: Path, shared_data: Path) -> None:
    found = read_inventory(shared_data / "inventories" / "noto2024.gpkg")
    for name in ("a.gpkg", "b.gpkg", "c.parquet", "d.parquet"):
        write_inventory(found, tmp_path / name)
    assert (tmp_path / "a.gpkg").read_bytes() == (tmp_path / "b.gpkg").read_bytes()
    assert (tmp_path / "c.parquet").read_bytes() == (tmp_path / "d.parquet").read_bytes()
    back = read_inventory(tmp_path / "a.gpkg")
    assert back.landslides.geometry.equals(found.landslides.geometry)
    assert back.mapped is not None
    assert back.mapped.equals(found.mapped)
    assert back.unmapped is not None
    assert back.unmapped.equals(found.unmapped)
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "a.gpkg", "b.gpkg", "c.parquet", "d.parquet",
    ]  # fmt: skip
    from sarlra.errors import OutputError

    with pytest.raises(OutputError, match="ends in none of"):
        write_inventory(found, tmp_path / "a.dxf")
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        write_inventory(found, tmp_path / "file" / "a.gpkg")
    shutil.rmtree(tmp_path)
