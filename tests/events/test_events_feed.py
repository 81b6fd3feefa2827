"""Feeds of earthquakes, the rule, the land mask, and areas of shaking."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from sarlra.errors import EventError, SearchError
from sarlra.events.feed import Quake, merge_quakes, parse_feed, read_feed
from sarlra.events.land import land_mask, may_have_land
from sarlra.events.rule import read_rule, why_not
from sarlra.events.shaking import area_of_contours, area_of_grid, shaken_area
from sarlra.events.usgs import landslide_alert
from tests.servers.usgs import UsgsService

SINCE, UNTIL = datetime(2018, 8, 1, tzinfo=UTC), datetime(2018, 10, 1, tzinfo=UTC)


def _quake(**changes: Any) -> Quake:
    facts: dict[str, Any] = {
        "id": "us1000aa", "ids": ("us1000aa",), "origin": SINCE, "updated": SINCE,
        "magnitude": 6.5, "depth_km": 10.0, "epicentre": (142.0, 42.7), "title": "M 6.5",
    }  # fmt: skip
    return Quake(**{**facts, **changes})


def test_a_real_monthly_feed_is_read_whole(shared_data: Path) -> None:
    path = shared_data / "usgs" / "4.5_month.geojson"
    content = json.loads(path.read_text())
    quakes = parse_feed(content, str(path))
    assert len(quakes) == len(content["features"]) == 314
    assert [q.origin for q in quakes] == sorted(q.origin for q in quakes)
    first = next(q for q in quakes if q.id == "usb000iigv")
    assert first.magnitude == 5.2
    assert first.depth_km == 34.89
    assert first.origin == datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=1374321680940)
    assert first.title == "M 5.2 - 234km W of Abepura, Indonesia"
    span = (datetime(2013, 7, 1, tzinfo=UTC), datetime(2013, 7, 2, tzinfo=UTC))
    assert all(span[0] <= q.origin <= span[1] for q in read_feed(str(path), *span, 4.5))


def test_the_event_service_is_asked_for_deleted_ones_too(
    shared_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    detail = json.loads((shared_data / "usgs" / "us2000h8ty.geojson").read_text())
    with UsgsService({"us2000h8ty": detail}) as server:
        monkeypatch.setenv("SARLRA_USGS_URL", server.url)
        (quake,) = read_feed("fdsn", SINCE, UNTIL, 4.5)
        assert server.requests[-1].query["includedeleted"] == "true"
        assert read_feed("fdsn", SINCE, SINCE + timedelta(days=1), 4.5) == ()
    assert quake.ids == ("at00pelgzo", "pt18248000", "us2000h8ty")
    assert quake.ground_failure


def test_a_feed_that_gives_no_list_is_an_error() -> None:
    with UsgsService({}) as server, pytest.raises(SearchError, match="HTTP 400"):
        read_feed(f"{server.url}/nothing", SINCE, UNTIL, 4.5)
    with pytest.raises(EventError, match="no file and no URL"):
        read_feed("nowhere.geojson", SINCE, UNTIL, 4.5)


@pytest.mark.parametrize("content", [[], {}, {"type": "FeatureCollection"}, {"features": []}])
def test_what_is_no_feed_is_refused(content: Any) -> None:
    with pytest.raises(EventError, match="no GeoJSON feed"):
        parse_feed(content, "it")


def test_malformed_entries_are_left_out() -> None:
    good = {
        "id": "us1000aa", "properties": {"time": 1.5e12, "mag": None, "ids": None},
        "geometry": {"coordinates": [190.0, 10.0]},
    }  # fmt: skip
    bad = [
        None,
        {},
        {**good, "id": "../x"},
        {**good, "geometry": None},
        {**good, "properties": {}},
        {**good, "geometry": {"coordinates": ["x", 1]}},
        {**good, "properties": {"time": 1e40}},
    ]
    (quake,) = parse_feed({"type": "FeatureCollection", "features": [*bad, good]}, "it")
    assert quake.epicentre == (-170.0, 10.0)
    assert quake.magnitude is None


def test_ids_that_meet_are_one_event_and_the_latest_word_counts() -> None:
    early = _quake(id="us1000aa", ids=("us1000aa",), magnitude=6.0)
    other = _quake(id="ci1234aa", ids=("ci1234aa",), updated=SINCE + timedelta(hours=1))
    both = _quake(id="ci1234aa", ids=("ci1234aa", "us1000aa"), updated=SINCE + timedelta(hours=2),
                  magnitude=6.4)  # fmt: skip
    for order in ((early, other, both), (both, other, early), (other, both, early)):
        (merged,) = merge_quakes(order)
        assert merged.ids == ("ci1234aa", "us1000aa")
        assert merged.magnitude == 6.4
    gone = _quake(deleted=True, updated=both.updated + timedelta(hours=1))
    assert merge_quakes([both, gone])[0].deleted


@pytest.mark.parametrize(
    ("changes", "alert", "reason"),
    [
        ({}, None, None),
        ({"magnitude": 5.4}, None, "under 5.5"),
        ({"magnitude": 5.4}, "orange", None),
        ({"magnitude": 5.4}, "green", "under 5.5"),
        ({"depth_km": 80.0}, None, "too deep"),
        ({"depth_km": 80.0, "magnitude": 7.0}, None, None),
        ({"depth_km": None}, None, None),
        ({"magnitude": None}, None, "not known"),
        ({"kind": "explosion"}, "red", "explosion"),
        ({"deleted": True}, "red", "deleted"),
    ],
)
def test_the_rule(changes: dict[str, Any], alert: str | None, reason: str | None) -> None:
    found = why_not(_quake(**changes), read_rule(), alert)
    assert (found is None) if reason is None else (found is not None and reason in found)


def test_a_rule_of_ones_own_is_checked(tmp_path: Path) -> None:
    path = tmp_path / "rule.json"
    with pytest.raises(EventError, match="cannot be read"):
        read_rule(path)
    path.write_text("{")
    with pytest.raises(EventError, match="no JSON"):
        read_rule(path)
    path.write_text('{"min_magnitude": 20}')
    with pytest.raises(EventError, match="min_magnitude"):
        read_rule(path)


def test_the_landslide_alert_of_a_real_event(shared_data: Path) -> None:
    detail = json.loads((shared_data / "usgs" / "us2000h8ty.geojson").read_text())
    assert landslide_alert(detail["properties"]) == "orange"
    assert landslide_alert({}) is None
    assert landslide_alert({"products": {"ground-failure": [None]}}) is None


@pytest.mark.parametrize(
    ("place", "land"),
    [((141.93, 42.68), True), ((137.0, 38.0), False), ((6.6, 0.25), True), ((6.0, 0.8), False),
     ((116.4, -8.4), True), ((-150.0, -40.0), False)],
)  # fmt: skip
def test_land_and_sea(place: tuple[float, float], land: bool) -> None:
    lon, lat = place
    assert land_mask((lon - 1e-3, lat - 1e-3, lon, lat)).land.any() == land
    if land:
        assert may_have_land((lon - 0.1, lat - 0.1, lon + 0.1, lat + 0.1))


def test_the_land_mask_lies_where_it_says(shared_data: Path) -> None:
    import rasterio

    with rasterio.open(next((shared_data / "dem").rglob("*.tif"))) as dem:
        heights, bounds = dem.read(1), dem.bounds
    mask = land_mask((bounds.left, bounds.bottom, bounds.right, bounds.top))
    # The DEM is 0 at sea; in pixels of the mask, land is where most of it is above.
    n = heights.shape[0] // 120
    own = heights[: n * 120, : n * 120].reshape(120, n, 120, n).mean(axis=(1, 3)) > 5
    assert (mask.land[:120, :120] == own).mean() > 0.98


def _contour(value: float, radius: float) -> dict[str, Any]:
    ring = shapely.Point(142.0, 42.7).buffer(radius).exterior.coords
    return {
        "type": "Feature", "properties": {"value": value},
        "geometry": {"type": "MultiLineString", "coordinates": [list(map(list, ring))]},
    }  # fmt: skip


def test_contours_of_intensity_become_an_area() -> None:
    content = {"features": [_contour(5.0, 2.0), _contour(6.0, 1.0), _contour(7.0, 0.5)]}
    area = area_of_contours(json.dumps(content).encode(), 6.0)
    assert area is not None
    assert area.area == pytest.approx(np.pi, rel=0.01)
    assert area_of_contours(json.dumps(content).encode(), 9.0) is None
    with pytest.raises(ValueError, match="malformed"):
        area_of_contours(b'{"features": [{}]}', 6.0)


def test_a_contour_across_the_antimeridian_is_split() -> None:
    ring = [[179.5, -1], [180.5, -1], [180.5, 1], [179.5, 1], [179.5, -1]]
    feature = {"properties": {"value": 6.5},
               "geometry": {"type": "LineString", "coordinates": ring}}  # fmt: skip
    area = area_of_contours(json.dumps({"features": [feature]}).encode(), 6.0)
    assert area is not None
    assert sorted(part.bounds for part in area.geoms) == [
        (-180, -1, -179.5, 1),
        (179.5, -1, 180, 1),
    ]


def _grid(cols: int = 5, rows: int = 4) -> bytes:
    lines = []
    for row in range(rows):
        for col in range(cols):
            mmi = 7.0 if (row, col) in ((1, 1), (1, 2)) else 4.0
            lines.append(f"{140 + col * 0.1:.4f} {43 - row * 0.1:.4f} {mmi}")
    return (
        f'<shakemap_grid><grid_specification lon_min="140.0" lat_min="42.7" lon_max="140.4" '
        f'lat_max="43.0" nlon="{cols}" nlat="{rows}"/>'
        '<grid_field index="1" name="LON"/><grid_field index="2" name="LAT"/>'
        '<grid_field index="3" name="MMI"/>'
        f"<grid_data>\n{chr(10).join(lines)}\n</grid_data></shakemap_grid>"
    ).encode()


def test_a_grid_of_intensity_becomes_an_area() -> None:
    area = area_of_grid(_grid(), 6.0)
    assert area is not None
    assert area.bounds == pytest.approx((140.05, 42.85, 140.25, 42.95))
    with pytest.raises(ValueError, match="another size"):
        area_of_grid(_grid().replace(b'nlon="5"', b'nlon="50"'), 6.0)
    with pytest.raises(ValueError, match="no ShakeMap grid"):
        area_of_grid(b"<xml/>", 6.0)


def test_the_shakemap_is_fetched_contours_first() -> None:
    contours = json.dumps({"features": [_contour(6.0, 1.0)]}).encode()
    with UsgsService({}, {"/cont.json": contours, "/grid.xml": _grid()}) as server:

        def told(**files: str) -> dict[str, Any]:
            contents = {name: {"url": f"{server.url}/{file}"} for name, file in files.items()}
            renamed = {k.replace("__", "/").replace("_x", ".x").replace("_j", ".j"): v
                       for k, v in contents.items()}  # fmt: skip
            return {"products": {"shakemap": [{"contents": renamed}]}}

        both = told(download__cont_mmi_json="cont.json", download__grid_xml="grid.xml")
        first = shaken_area(both, 6.0)
        assert first is not None
        assert first[1] == "shakemap-mmi"
        lost = told(download__cont_mmi_json="gone.json", download__grid_xml="grid.xml")
        second = shaken_area(lost, 6.0)
        assert second is not None
        assert second[1] == "shakemap-grid"
    assert shaken_area({}, 6.0) is None
    assert shaken_area({"products": {"shakemap": [{"contents": {}}]}}, 6.0) is None
