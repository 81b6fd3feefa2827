"""Taking earthquakes up: new, revised, merged, deleted, at sea, aftershocks; and the area."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import shapely
from shapely import MultiPolygon, box

from sarlra.catalog.sink import open_sink
from sarlra.events.feed import read_feed
from sarlra.events.rule import read_rule
from sarlra.serving.place import open_place
from sarlra.serving.results import read_results
from sarlra.terrain.choice import DemSource, TerrainChoice
from sarlra.watch.area import land_share, on_land, relief_mask, same_area, with_relief
from sarlra.watch.refused import put_refused, read_refused
from sarlra.watch.trigger import take_up
from sarlra.watch.watch import make_watch, poll
from sarlra.watch.watched import TrackState, Watched, list_watched, put_watched
from tests.contents import files_of
from tests.servers.usgs import UsgsService

RULE = read_rule()
NO_HEIGHTS = TerrainChoice()
NOW = datetime(2018, 9, 7, tzinfo=UTC)
HOKKAIDO = "us2000h8ty"


@pytest.fixture
def usgs(shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[UsgsService]:
    detail = json.loads((shared_data / "usgs" / f"{HOKKAIDO}.geojson").read_text())
    # The files of its ShakeMap are not here.
    detail["properties"]["products"]["shakemap"][0]["contents"] = {}
    with UsgsService({HOKKAIDO: detail}) as server:
        monkeypatch.setenv("SARLRA_USGS_URL", server.url)
        yield server


def _look(known: list[Watched], now: datetime = NOW) -> tuple[list[Watched], dict[str, str]]:
    quakes = read_feed("fdsn", now - timedelta(days=75), now, 4.5)
    found = take_up(known, quakes, RULE, NO_HEIGHTS, now)
    return list(found.watched), dict(found.passed)


def _another(usgs: UsgsService, name: str, **changes: Any) -> dict[str, Any]:
    """Another event of the service: Hokkaido's, moved."""
    detail = copy.deepcopy(usgs.events[HOKKAIDO])
    detail["id"] = name
    place = changes.pop("place", None)
    if place is not None:
        detail["geometry"]["coordinates"] = [*place, 10.0]
        detail["properties"]["products"] = {}
        detail["properties"]["types"] = ",origin,"
    detail["properties"] |= {"ids": f",{name},", **changes}
    usgs.events = {**usgs.events, name: detail}
    return detail


def test_hokkaido_is_taken_up_on_land(usgs: UsgsService, tmp_path: Path) -> None:
    watched, passed = _look([])
    assert passed == {}
    (event,) = watched
    assert event.event.id == HOKKAIDO
    assert event.state == "waiting"
    assert event.ids == ("at00pelgzo", "pt18248000", HOKKAIDO)
    assert event.event.area_origin == "shakemap, on land"
    # The Pacific south of the epicentre is not looked at.
    assert not shapely.contains(event.event.area, shapely.Point(141.9, 42.3))
    assert shapely.contains(event.event.area, shapely.Point(142.0, 42.75))
    sink = open_sink(str(tmp_path / "out"))
    put_watched(sink, event, [])
    assert list_watched(sink) == (event,)
    before = (tmp_path / "out" / "catalog.json").stat().st_mtime_ns
    put_watched(sink, event, [])
    assert (tmp_path / "out" / "catalog.json").stat().st_mtime_ns == before


def test_looking_again_changes_nothing(usgs: UsgsService) -> None:
    first, _ = _look([])
    asked = len(usgs.requests)
    assert _look(first)[0] == first
    # Nothing is asked in detail twice.
    assert len(usgs.requests) == asked + 1


def test_revisions_and_new_ids(usgs: UsgsService) -> None:
    first, _ = _look([])
    told = usgs.events[HOKKAIDO]["properties"]
    told |= {"mag": 6.7, "updated": told["updated"] + 1000, "ids": f",{HOKKAIDO},jp123456,"}
    (event,) = _look(first)[0]
    assert event.event.magnitude == 6.7
    assert "jp123456" in event.ids
    assert event.event.origins == first[0].event.origins
    # The agencies agree on another preferred id: it stays the same watch.
    moved = copy.deepcopy(usgs.events[HOKKAIDO])
    moved["id"] = "jp123456"
    moved["properties"]["updated"] += 1000
    usgs.events = {"jp123456": moved}
    (same,) = _look([event])[0]
    assert same.id == event.id
    assert same.updated > event.updated


def test_two_entries_that_turn_out_to_be_one_earthquake(usgs: UsgsService) -> None:
    """Two agencies list it, half a minute apart and the earlier one last; then they are merged."""
    origin = usgs.events[HOKKAIDO]["properties"]["time"]
    first, _ = _look([])
    _another(usgs, "jp123456", place=(142.0, 42.7), mag=6.4, time=origin - 30_000)
    both, _ = _look(first, NOW + timedelta(hours=1))
    assert sorted(w.event.id for w in both) == ["jp123456", HOKKAIDO]
    told = usgs.events[HOKKAIDO]["properties"]
    told |= {"updated": told["updated"] + 1000, "ids": f",{HOKKAIDO},jp123456,"}
    usgs.events = {HOKKAIDO: usgs.events[HOKKAIDO]}
    later = NOW + timedelta(hours=2)
    merged, _ = _look(both, later)
    by_id = {w.event.id: w for w in merged}
    assert by_id[HOKKAIDO].state == "waiting"
    assert "jp123456" in by_id[HOKKAIDO].ids
    twin = by_id["jp123456"]
    assert (twin.state, twin.since) == ("given up", later)
    assert twin.reason == f"it is the same earthquake as {HOKKAIDO}"
    # That stays so, whatever the USGS says of it next.
    told["updated"] += 1000
    again = {w.event.id: w for w in _look(merged, later + timedelta(hours=1))[0]}
    assert again["jp123456"] == twin
    assert again[HOKKAIDO].updated > by_id[HOKKAIDO].updated
    # What has a product is kept, though it came second.
    made = [replace(w, tracks=(TrackState("T1A", 5, 1, "60-12"),)) if w.event.id == "jp123456"
            else w for w in both]  # fmt: skip
    kept = {w.event.id: w.state for w in _look(made, later)[0]}
    assert kept == {"jp123456": "waiting", HOKKAIDO: "given up"}


def test_a_deleted_event_is_given_up(usgs: UsgsService) -> None:
    first, _ = _look([])
    told = usgs.events[HOKKAIDO]["properties"]
    told |= {"status": "deleted", "updated": told["updated"] + 1000}
    (event,) = _look(first)[0]
    assert event.state == "given up"
    assert "deleted" in event.reason
    assert _look([])[0] == []
    assert _look([event])[0] == [event]
    # It was deleted by mistake: the USGS brings it back, with another magnitude.
    told |= {"status": "reviewed", "mag": 6.5, "updated": told["updated"] + 1000}
    (again,) = _look([event])[0]
    assert again.state == "waiting"
    assert "taken up again" in again.reason
    assert again.event.magnitude == 6.5
    # Months later that changes nothing any more.
    late = NOW + timedelta(days=70)
    quakes = read_feed("fdsn", NOW - timedelta(days=75), late, 4.5)
    assert take_up([event], quakes, RULE, NO_HEIGHTS, late).watched == (event,)


def test_a_revision_below_the_rule_gives_up_what_has_no_product(usgs: UsgsService) -> None:
    first, _ = _look([])
    told = usgs.events[HOKKAIDO]["properties"]
    told |= {"mag": 5.0, "updated": told["updated"] + 1000}
    told["products"]["ground-failure"] = []
    (event,) = _look(first)[0]
    assert event.state == "given up"
    assert "under 5.5" in event.reason
    made = replace(first[0], tracks=(TrackState("T046D", 5, 1, "60-12"),))
    assert _look([made])[0][0].state == "waiting"


@pytest.mark.parametrize(
    ("place", "changes", "reason"),
    [
        ((-150.0, -40.0), {}, "at sea"),
        ((140.0, 36.0), {"mag": 5.0}, "under 5.5"),
    ],
)
def test_what_is_not_watched_has_a_reason(
    usgs: UsgsService, place: tuple[float, float], changes: dict[str, Any], reason: str
) -> None:
    _another(usgs, "us1000zz", place=place, **changes)
    watched, passed = _look([])
    assert [w.event.id for w in watched] == [HOKKAIDO]
    assert reason in passed["us1000zz"]


def test_a_landslide_alert_keeps_a_small_event(usgs: UsgsService) -> None:
    usgs.events[HOKKAIDO]["properties"]["mag"] = 5.2
    assert [w.event.id for w in _look([])[0]] == [HOKKAIDO]
    usgs.events[HOKKAIDO]["properties"]["products"]["ground-failure"][0]["properties"][
        "landslide-alert"
    ] = "green"
    assert _look([])[0] == []


def _write_dem(path: Path, height: float) -> TerrainChoice:
    """Level ground, or a single hill of that height, around the epicentre of Hokkaido 2018."""
    heights = np.zeros((400, 500), np.float32)
    heights[200, 250] = height
    with rasterio.open(
        path, "w", driver="GTiff", count=1, dtype="float32", crs="EPSG:4326",
        height=400, width=500, transform=rasterio.transform.from_origin(139.5, 44.7, 0.01, 0.01),
    ) as raster:  # fmt: skip
        raster.write(heights, 1)
    return TerrainChoice(DemSource(file=path))


def test_what_was_refused_is_looked_up_once(usgs: UsgsService, tmp_path: Path) -> None:
    level = _write_dem(tmp_path / "level.tif", 0.0)
    quakes = read_feed("fdsn", NOW - timedelta(days=75), NOW, 4.5)
    first = take_up([], quakes, RULE, level, NOW)
    assert first.watched == ()
    assert "no relief" in dict(first.passed)[HOKKAIDO]
    (refused,) = first.refused
    sink = open_sink(str(tmp_path / "out"))
    put_refused(sink, first.refused, NOW - timedelta(days=75))
    document = json.loads((tmp_path / "out/collections/not-watched/collection.json").read_text())
    assert HOKKAIDO in document["description"]
    assert "no relief" in document["description"]
    assert read_refused(sink) == (refused,)
    # The next poll asks nobody, and says the same.
    asked = len(usgs.requests)
    again = take_up([], quakes, RULE, level, NOW, read_refused(sink))
    assert again == first
    assert len(usgs.requests) == asked
    assert list_watched(sink) == ()
    # A revision is looked up, and so is everything under another rule or with other heights.
    newer = [replace(q, updated=q.updated + timedelta(seconds=1)) for q in quakes]
    assert take_up([], newer, RULE, level, NOW, again.refused).refused != again.refused
    assert len(usgs.requests) == asked + 1
    hill = _write_dem(tmp_path / "hill.tif", 900.0)
    assert len(take_up([], quakes, RULE, hill, NOW, again.refused).watched) == 1
    lax = RULE.model_copy(update={"least_relief_m": 0.0})
    assert len(take_up([], quakes, lax, level, NOW, again.refused).watched) == 1
    # What the feed no longer lists is forgotten, and a damaged file is no trouble.
    put_refused(sink, first.refused, NOW)
    assert read_refused(sink) == ()
    sink.put_bytes("collections/not-watched/collection.json", b"{")
    assert read_refused(sink) == ()


def test_a_watch_shows_what_it_refused(usgs: UsgsService, tmp_path: Path) -> None:
    level = _write_dem(tmp_path / "level.tif", 0.0)
    (tmp_path / "items.json").write_text('{"type": "FeatureCollection", "features": []}')
    asked = make_watch(str(tmp_path / "out"), source=str(tmp_path / "items.json"),
                       dem=str(level.dem.file if level.dem else ""), cluster="none")  # fmt: skip
    assert poll(asked, NOW).watched == ()
    state = files_of(tmp_path / "out")
    assert len(state) == 2
    before = len(usgs.requests)
    assert "no relief" in dict(poll(asked, NOW).passed)[HOKKAIDO]
    assert len(usgs.requests) == before + 1  # the feed
    assert files_of(tmp_path / "out") == state
    served = read_results(open_place(str(tmp_path / "out")))
    assert set(served.collections) == {"not-watched"}
    assert served.events == ()


def test_an_event_that_cannot_be_read_is_tried_again(usgs: UsgsService) -> None:
    whole = usgs.events[HOKKAIDO]
    quakes = read_feed("fdsn", NOW - timedelta(days=75), NOW, 4.5)
    usgs.events = {}
    found = take_up([], quakes, RULE, NO_HEIGHTS, NOW)
    assert found.watched == ()
    assert "cannot be looked at now" in dict(found.passed)[HOKKAIDO]
    # That is no refusal: nothing is remembered.
    assert found.refused == ()
    usgs.events = {HOKKAIDO: whole}
    assert len(_look([])[0]) == 1


def test_a_second_main_shock_restarts_and_an_aftershock_is_noted(usgs: UsgsService) -> None:
    """As at Lombok in August 2018: two shocks of M 6.9 two weeks apart."""
    first, _ = _look([])
    origin = usgs.events[HOKKAIDO]["properties"]["time"]
    later = NOW + timedelta(days=14)
    day = 86_400_000
    _another(usgs, "us1000as", place=(142.0, 42.7), mag=5.6, time=origin + day)
    _another(usgs, "us1000ms", place=(142.0, 42.7), mag=6.6, time=origin + 13 * day)
    _another(usgs, "us1000fr", place=(138.0, 36.0), mag=6.6, time=origin + 13 * day)
    made = replace(first[0], state="updated", reason="version 2")
    watched, _ = _look([made], later)
    by_id = {w.event.id: w for w in watched}
    assert sorted(by_id) == ["us1000fr", HOKKAIDO]
    event = by_id[HOKKAIDO]
    assert len(event.event.origins) == 2
    assert event.event.last_origin - event.event.first_origin == timedelta(days=13)
    assert [(s.id, s.joined) for s in event.shocks] == [("us1000as", False), ("us1000ms", True)]
    assert event.state == "waiting"
    assert "restarted" in event.reason
    assert _look(watched, later)[0] == watched
    # Once a sequence is over, what follows is an event of its own.
    over = replace(first[0], state="complete")
    again = {w.event.id: w for w in _look([over], later)[0]}
    assert again[HOKKAIDO] == over
    assert again["us1000as"].shocks[0].id == "us1000ms"
    assert len(again["us1000as"].event.origins) == 2


def test_an_area_across_the_antimeridian_takes_in_its_own_aftershocks_only(
    usgs: UsgsService, tmp_path: Path
) -> None:
    """Fiji's Taveuni lies on both sides of 180 degrees."""
    time, hour = usgs.events[HOKKAIDO]["properties"]["time"], 3_600_000
    _another(usgs, "us1000fj", place=(179.97, -16.8), mag=6.8, time=time + hour)
    fiji, hokkaido = _look([])[0]
    assert fiji.event.area.bounds[0] == -180
    assert fiji.event.area.bounds[2] == pytest.approx(180)
    # Beyond 180 degrees, in the area; and on its parallels on the other side of the Earth.
    _another(usgs, "us1000af", place=(-179.95, -16.8), mag=5.6, time=time + 2 * hour)
    _another(usgs, "us1000bo", place=(-65.0, -16.8), mag=6.7, time=time + 2 * hour)
    watched, _ = _look([fiji, hokkaido])
    by_id = {w.event.id: w for w in watched}
    assert sorted(by_id) == ["us1000bo", "us1000fj", HOKKAIDO]
    assert [(s.id, s.joined) for s in by_id["us1000fj"].shocks] == [("us1000af", False)]
    sink = open_sink(str(tmp_path / "out"))
    put_watched(sink, fiji, [])
    held = json.loads((tmp_path / "out" / "collections" / fiji.id / "collection.json").read_text())
    west, _, east, _ = held["extent"]["spatial"]["bbox"][0]
    assert 178 < west < 180
    assert -180 < east < -178
    assert list_watched(sink) == (fiji,)


def test_areas_are_cut_to_land_and_relief(shared_data: Path) -> None:
    """A steep island and the sea around it (Copernicus GLO-30 tile N00E006)."""
    dem = DemSource(file=next((shared_data / "dem").rglob("*.tif")))
    sea_and_island = MultiPolygon([box(6.3, 0.05, 6.9, 0.6)])
    dry = on_land(sea_and_island)
    assert dry is not None
    assert 0 < dry.area < 0.6 * sea_and_island.area
    assert land_share(sea_and_island) < 0.6
    rough = with_relief(dry, RULE, dem)
    assert rough is not None
    assert shapely.contains(rough, shapely.Point(6.6, 0.25))
    assert rough.area <= dry.area
    assert with_relief(dry, RULE, None) == dry
    assert on_land(MultiPolygon([box(-150.5, -40.5, -150.0, -40.0)])) is None
    steep = RULE.model_copy(update={"least_relief_m": 5000.0})
    assert with_relief(dry, steep, dem) is None


def test_relief_is_counted_within_cells() -> None:
    heights = np.zeros((60, 60), np.float32)
    heights[30, 30] = 150.0
    heights[:10] = np.nan
    rough = relief_mask(heights, 5, 100.0)
    rows, cols = np.nonzero(rough)
    assert (rows.min(), rows.max(), cols.min(), cols.max()) == (28, 32, 28, 32)
    assert not relief_mask(np.full((8, 8), np.nan, np.float32), 3, 1.0).any()


def test_areas_are_compared() -> None:
    one, other = MultiPolygon([box(0, 0, 2, 1)]), MultiPolygon([box(1, 0, 3, 1)])
    assert same_area(one, other) == pytest.approx(1 / 3)
    assert same_area(one, one) == pytest.approx(1.0)
