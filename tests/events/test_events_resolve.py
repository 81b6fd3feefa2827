"""Events from files, a real local event service, study cases, and bare times."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pystac
import pytest
import shapely
from pyproj import Geod
from shapely import MultiPolygon, box

from sarlra.catalogs import catalogs_folder
from sarlra.errors import AreaError, EventError, SearchError
from sarlra.events import usgs
from sarlra.events.area import box_area
from sarlra.events.cases import find_case, study_cases
from sarlra.events.extent import default_area, radius_km
from sarlra.events.resolve import resolve_event
from sarlra.events.usgs import event_from_detail
from sarlra.events.web import fetch
from tests.servers.base import Failure
from tests.servers.usgs import UsgsService

AREA = MultiPolygon([box(141.7, 42.5, 142.3, 43.0)])
WGS84 = Geod(ellps="WGS84")


def detail(**properties: Any) -> dict[str, Any]:
    return {
        "type": "Feature",
        "id": "us7000abcd",
        "properties": {
            "mag": 6.5, "time": 1700000000900, "type": "earthquake", "title": "M 6.5 - x",
            **properties,
        },
        "geometry": {"type": "Point", "coordinates": [10.0, 45.0, 12.5]},
    }  # fmt: skip


@pytest.fixture
def hokkaido(shared_data: Path) -> dict[str, Any]:
    return json.loads((shared_data / "usgs" / "us2000h8ty.geojson").read_text())


@pytest.fixture
def service(hokkaido: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[UsgsService]:
    with UsgsService({"us2000h8ty": hokkaido}) as server:
        monkeypatch.setenv("SARLRA_USGS_URL", server.url)
        yield server


def test_the_real_detail(shared_data: Path) -> None:
    event = resolve_event(str(shared_data / "usgs" / "us2000h8ty.geojson"))
    assert event.id == "us2000h8ty"
    assert event.title == "M 6.6 - 27km ENE of Tomakomai, Japan"
    assert event.origins == (datetime(2018, 9, 5, 18, 7, 59, tzinfo=UTC),)
    assert (event.magnitude, event.depth_km) == (6.6, 35.0)
    assert event.epicentre == (141.9294, 42.6861)
    assert event.area_origin == "shakemap"
    assert event.area.contains(shapely.Point(*event.epicentre))
    shakemap = box(136.9294, 39.0111, 146.9294, 46.3611)
    assert shakemap.contains(event.area)
    # 2 * sqrt(10 ** (6.6 - 3.46) / pi) km to either side, on the ellipsoid to half a percent
    west, south, east, north = event.area.bounds
    reach = 2 * math.sqrt(10**3.14 / math.pi)
    assert WGS84.inv(west, 42.6861, east, 42.6861)[2] / 2000 == pytest.approx(reach, rel=5e-3)
    assert WGS84.inv(141.9294, south, 141.9294, north)[2] / 2000 == pytest.approx(reach, rel=5e-3)


def test_the_same_from_the_service(service: UsgsService, shared_data: Path) -> None:
    asked = resolve_event("US2000h8ty")
    read = resolve_event(str(shared_data / "usgs" / "us2000h8ty.geojson"))
    assert asked.area.equals(read.area)
    assert (asked.id, asked.origins, asked.magnitude) == (read.id, read.origins, read.magnitude)
    assert asked.source.startswith(service.url)
    assert service.requests[0].query == {"eventid": "us2000h8ty", "format": "geojson"}


def test_the_service_is_asked_again_when_busy(service: UsgsService) -> None:
    service.failures += [Failure("/query", 503), Failure("/query", 0)]
    assert resolve_event("us2000h8ty").id == "us2000h8ty"
    assert len(service.requests) == 3


def test_what_the_service_does_not_have(
    service: UsgsService, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(EventError, match="knows no event 'us9999zzzz'"):
        resolve_event("us9999zzzz")
    service.failures.append(Failure("/query", 200, 1, body=b"<html>"))
    with pytest.raises(EventError, match="not JSON"):
        resolve_event("us2000h8ty")
    service.failures.append(Failure("/query", 403, 1))
    with pytest.raises(SearchError, match="HTTP 403"):
        resolve_event("us2000h8ty")
    monkeypatch.setattr(usgs, "_MAX_BYTES", 1000)
    with pytest.raises(SearchError, match="more than 1000 bytes"):
        resolve_event("us2000h8ty")


def test_an_unreachable_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SARLRA_USGS_URL", "http://127.0.0.1:9")
    monkeypatch.setattr(usgs, "fetch", lambda url, **k: fetch(url, **{**k, "budget_s": 0.2}))
    with pytest.raises(SearchError, match="give the event's detail as a file"):
        resolve_event("us2000h8ty")


def test_files_that_are_no_event(shared_data: Path, tmp_path: Path) -> None:
    for name, words in (
        ("usgs/4.5_month.geojson", "a feed of events"),
        ("opera-rtc-s1/items.json", "a collection of STAC items"),
        ("stac-items/mspc-s1-rtc.json", "no event detail"),
        ("README.md", "not JSON"),
        ("dem/Copernicus_DSM_COG_10_N00_00_E006_00_DEM.tif", "UTF-8"),
    ):
        with pytest.raises(EventError, match=words):
            resolve_event(str(shared_data / name))
    for content in ("", "5", "[]", "{}", '{"type": "Feature", "properties": {}}'):
        (tmp_path / "e.geojson").write_text(content)
        with pytest.raises(EventError, match=r"e\.geojson"):
            resolve_event(str(tmp_path / "e.geojson"))
    for text in ("missing.geojson", "folder/us2000h8ty", "", "Atlantis", "us 2000", "x" * 500):
        with pytest.raises(EventError):
            resolve_event(text)


@pytest.mark.parametrize(
    "change",
    [
        {"time": None}, {"time": "x"}, {"time": float("nan")}, {"time": 1e300}, {"time": True},
        {"time": 1371000000000}, {"time": 4102444800000}, {"type": "quarry blast"},
    ],
)  # fmt: skip
def test_details_without_a_usable_time_or_kind(change: dict[str, Any]) -> None:
    with pytest.raises(EventError, match="the file"):
        event_from_detail(detail(**change), "the file")


@pytest.mark.parametrize(
    "part",
    [
        {"id": None}, {"id": "../../etc"}, {"id": "a b"}, {"id": "x" * 65}, {"geometry": None},
        {"geometry": {"coordinates": [math.nan, 5, 1]}}, {"geometry": {"coordinates": [1]}},
        {"geometry": {"coordinates": [10, 95, 1]}}, {"geometry": {"coordinates": "xy"}},
        {"properties": None},
    ],
)  # fmt: skip
def test_details_with_a_hostile_part(part: dict[str, Any]) -> None:
    with pytest.raises(EventError, match="the file"):
        event_from_detail({**detail(), **part}, "the file")


def test_the_time_is_rounded_down() -> None:
    event = event_from_detail(detail(), "x")
    assert event.origins == (datetime.fromtimestamp(1700000000, UTC),)


def test_without_magnitude_an_area_is_needed() -> None:
    with pytest.raises(AreaError, match="no magnitude"):
        event_from_detail(detail(mag=None), "x")
    assert event_from_detail(detail(mag=None), "x", AREA).magnitude is None
    with pytest.raises(AreaError, match="beyond the UTM grid"):
        event_from_detail({**detail(), "geometry": {"coordinates": [0, 85, 1]}}, "x")


def test_hostile_shakemaps_are_not_used(hokkaido: dict[str, Any]) -> None:
    assert event_from_detail(detail(), "x").area_origin == "magnitude-radius"
    for change in (
        {"minimum-longitude": "nan"}, {"minimum-latitude": "50"}, {"maximum-longitude": None},
        {"maximum-longitude": "-999"},
    ):  # fmt: skip
        other = copy.deepcopy(hokkaido)
        other["properties"]["products"]["shakemap"][0]["properties"] |= change
        assert event_from_detail(other, "x").area_origin == "magnitude-radius"
    for products in ([], {"shakemap": 5}, {"shakemap": [5]}, {"shakemap": []}):
        event = event_from_detail(detail(products=products), "x")
        assert event.area_origin == "magnitude-radius"


def test_the_default_area() -> None:
    assert radius_km(3.0) == 10
    assert radius_km(9.9) == radius_km(99) == 300
    assert radius_km(7.8) == pytest.approx(166.9, abs=0.5)
    tight = (9.9, 44.9, 10.2, 45.2)
    area, found = default_area((10, 45), 7.0, tight, "x")
    assert found == "shakemap"
    assert area.bounds == pytest.approx(tight)
    # the rupture runs west: the ShakeMap's middle is chosen while the epicentre stays inside
    west, _ = default_area((10, 45), 7.5, (5.0, 43.0, 14.0, 47.0), "x")
    assert west.centroid.x == pytest.approx(9.5)
    away, _ = default_area((10, 45), 5.5, (0.0, 43.0, 12.0, 47.0), "x")
    assert away.centroid.x == pytest.approx(10, abs=1e-6)
    apart, found = default_area((10, 45), 6.0, (50.0, 43.0, 52.0, 47.0), "x")
    assert (found, apart.centroid.x) == ("magnitude-radius", pytest.approx(10))


@pytest.mark.parametrize("longitude", [179.9, -179.9, 180.0])
def test_the_default_area_across_the_antimeridian(longitude: float) -> None:
    area, _ = default_area((longitude, -17), 6.8, (177.0, -20.0, 183.0, -14.0), "x")
    assert len(area.geoms) == 2
    assert area.bounds[0] == -180
    assert area.bounds[2] == 180
    here, _ = default_area((10.0, -17), 6.8, None, "x")
    assert default_area((longitude, -17), 6.8, None, "x")[0].area == pytest.approx(here.area)


def test_a_bare_time_and_area() -> None:
    moment = datetime(2023, 12, 10, 9, 0, 0, 999999, tzinfo=timezone(timedelta(hours=9)))
    event = resolve_event(None, origins=(moment,), aoi=AREA)
    assert event.id == "origin-20231210T000000Z"
    assert event.origins == (datetime(2023, 12, 10, tzinfo=UTC),)
    assert event.area.equals(AREA)
    sequence = resolve_event(
        None, origins=(moment + timedelta(days=3), moment, moment), aoi=box_area(179, -1, -179, 1)
    )
    assert len(sequence.origins) == 2
    assert sequence.first_origin == event.first_origin < sequence.last_origin


def test_a_bare_time_that_cannot_be_used() -> None:
    now = datetime.now(UTC)
    for origins, words in (
        ((), "neither an event nor an origin time"),
        ((datetime(2023, 12, 10),), "no time zone"),
        ((now + timedelta(days=2),), "in the future"),
        ((datetime(2013, 1, 1, tzinfo=UTC),), "before Sentinel-1 flew"),
    ):
        with pytest.raises(EventError, match=words):
            resolve_event(None, origins=origins, aoi=AREA)
    with pytest.raises(AreaError, match="without an area"):
        resolve_event(None, origins=(now - timedelta(days=5),))
    with pytest.raises(AreaError, match="empty"):
        resolve_event(None, origins=(now - timedelta(days=5),), aoi=MultiPolygon())


def test_given_times_and_areas_replace_the_events_own(shared_data: Path) -> None:
    path = str(shared_data / "usgs" / "us2000h8ty.geojson")
    second = datetime(2018, 9, 20, tzinfo=UTC)
    event = resolve_event(path, origins=(second,), aoi=AREA)
    assert event.origins == (second,)
    assert event.area_origin == "given"
    assert event.area.equals(AREA)
    assert event.magnitude == 6.6
    assert resolve_event("lombok", aoi=AREA).area_origin == "given"


CASES = {
    "gorkha": ("2015-04-25T06:11", 7.8, "VV", 24903),
    "kaikoura": ("2016-11-13T11:02", 7.8, "VV", 14168),
    "capellades": ("2016-12-01T00:25", 5.3, "VV", 51),
    "milin": ("2017-11-17T22:34", 6.4, "VV VH", 766),
    "papua-new-guinea": ("2018-02-25T17:44", 7.5, "VV VH", 4584),
    "lombok": ("2018-08-05T11:46", 6.9, "VV VH", 12688),
    "hokkaido": ("2018-09-05T18:07:58", 6.6, "VV VH", 5625),
    "mesetas": ("2019-12-24T19:03", 6.0, "VV VH", 837),
    "haiti": ("2021-08-14T12:29", 7.2, "VV VH", 4887),
    "sumatra": ("2022-02-25T01:39", 6.1, "VV VH", 171),
    "luding": ("2022-09-05T04:52", 6.6, "VV VH", 5006),
}


def test_the_eleven_study_cases() -> None:
    assert [case.id for case in study_cases()] == list(CASES)
    for case in study_cases():
        first, magnitude, polarisations, landslides = CASES[case.id]
        assert case.origins[0] == datetime.fromisoformat(f"{first}+00:00")
        assert (case.magnitude, case.landslides) == (magnitude, landslides)
        assert case.polarisations == tuple(polarisations.split())
        event = resolve_event(case.id)
        assert event.area_origin == "study-case"
        assert event.area.is_valid
        assert 0.01 < event.area.area < 10  # square degrees
    assert [c.usgs_id for c in study_cases() if c.usgs_id] == ["us1000778i", "us2000h8ty"]
    lombok = resolve_event("lombok")
    assert lombok.last_origin == datetime(2018, 8, 19, 14, 56, tzinfo=UTC)


def test_names_of_study_cases_in_any_spelling() -> None:
    for text in ("Kaikōura", "KAIKOURA", "kaikoura", "Kaikoura, New Zealand"):
        assert resolve_event(text).id == "kaikoura"
    assert resolve_event("Papua New Guinea").id == resolve_event("png").id == "papua-new-guinea"
    assert resolve_event("Haïti").id == "haiti"
    assert find_case("hokk") is None
    assert find_case("---") is None


def test_the_hokkaido_case_holds_the_real_epicentre(shared_data: Path) -> None:
    real = resolve_event(str(shared_data / "usgs" / "us2000h8ty.geojson"))
    case = resolve_event("hokkaido")
    assert case.area.contains(shapely.Point(*real.epicentre or ()))
    assert abs(case.first_origin - real.first_origin) <= timedelta(seconds=2)


def test_the_catalogue_of_cases_is_valid_stac() -> None:
    root = catalogs_folder() / "study-cases" / "collection.json"
    collection = pystac.Collection.from_file(str(root))
    items = list(collection.get_items())
    assert {item.id for item in items} == set(CASES)
    for thing in (collection, *items):
        thing.validate()
    for item in items:
        assert item.bbox == list(shapely.geometry.shape(item.geometry).bounds)
        assert "pproximate" in item.properties["sarlra:area_note"]
