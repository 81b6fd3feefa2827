"""Copies, passes, windows and polarisations on synthetic items."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import MultiPolygon, box

from sarlra.errors import RecipeError
from sarlra.events.area import box_area
from sarlra.events.event import Event
from sarlra.recipe import Recipe
from sarlra.scenes.expected import coverage, expected_missing
from sarlra.scenes.find import assemble
from sarlra.scenes.hrefs import Base
from sarlra.scenes.items import FoundItem
from sarlra.scenes.model import Scenes
from sarlra.scenes.polarisations import choose_polarisations
from sarlra.scenes.search import IndexSearch
from sarlra.scenes.sources import Source
from tests.scenes.conftest import event_at
from tests.servers.items import changed, make_item

AREA = MultiPolygon([box(10.5, 45.2, 11.5, 45.8)])
ORIGIN = datetime(2024, 3, 1, 12, 0, tzinfo=UTC)
EVENT = event_at(ORIGIN.isoformat(), area=AREA)
SOURCE = Source("x", "file", "/x")
VV = Recipe(polarisations=("VV",))


def found(items: list[dict[str, Any]]) -> list[FoundItem]:
    return [FoundItem(item, Base(url="https://example.com/i")) for item in items]


def scenes_of(
    items: list[dict[str, Any]], recipe: Recipe | None = None, event: Event = EVENT, **choices: Any
) -> Scenes:
    return assemble(found(items), event, SOURCE, recipe or Recipe(), **choices)


def codes(scenes: Scenes) -> set[tuple[str, str]]:
    return {(s.subject, s.code) for s in scenes.skipped}


def at(days: float, **choices: Any) -> dict[str, Any]:
    orbit = 53000 + round(days * 14.6)
    return make_item(ORIGIN + timedelta(days=days), **{"orbit": orbit, **choices})


PAIR = [at(-5), at(7)]


def test_slices_of_one_orbit_are_one_acquisition() -> None:
    first = make_item(ORIGIN - timedelta(days=5), orbit=1, footprint=box(10, 45.4, 12, 46))
    second = make_item(
        ORIGIN - timedelta(days=5) + timedelta(seconds=25), orbit=1, footprint=box(10, 45, 12, 45.6)
    )
    (track,) = scenes_of([second, first, at(7)]).tracks
    (pre,) = track.pre
    assert [s.item_id for s in pre.slices] == [first["id"], second["id"]]
    assert pre.id == "S1A-20240225-120000"
    assert pre.datetime == ORIGIN - timedelta(days=5)


@pytest.mark.parametrize(("gap_min", "acquisitions"), [(29, 1), (31, 2)])
def test_without_orbit_and_datatake_time_decides(gap_min: int, acquisitions: int) -> None:
    near = [
        at(-5, orbit=None, datatake=None, footprint=box(10, 45.4, 12, 46)),
        make_item(
            ORIGIN - timedelta(days=5) + timedelta(minutes=gap_min),
            orbit=None, datatake=None, footprint=box(10, 45, 12, 45.6),
        ),
    ]  # fmt: skip
    (track,) = scenes_of([*near, at(7)]).tracks
    assert len(track.pre) == acquisitions


def test_different_orbits_or_datatakes_are_parted_even_when_close() -> None:
    for one, two in (
        ({"orbit": 1}, {"orbit": 2}),
        ({"orbit": None, "datatake": "a"}, {"orbit": None, "datatake": "b"}),
    ):
        near = [
            make_item(ORIGIN - timedelta(days=5, minutes=10), **one),
            make_item(ORIGIN - timedelta(days=5), **two),
        ]
        (track,) = scenes_of([*near, at(7)]).tracks
        assert len(track.pre) == 2
    plain = make_item(ORIGIN - timedelta(days=5, minutes=2), orbit=None, datatake=None)
    (track,) = scenes_of([*near, plain, at(7)]).tracks
    assert [len(a.slices) for a in track.pre] == [1, 2]


def test_other_satellites_and_tracks_stay_apart() -> None:
    items = [
        *PAIR,
        at(-5, platform="SENTINEL-1B"),
        *[at(d, track=39) for d in (-4, 8)],
        *[at(d, state="ascending") for d in (-4, 8)],
    ]
    scenes = scenes_of(items)
    assert [t.id for t in scenes.tracks] == ["T037A", "T037D", "T039D"]
    assert len(scenes.tracks[1].pre) == 2
    rising = scenes_of(items, orbits=frozenset({"ascending"}))
    assert [t.id for t in rising.tracks] == ["T037A"]
    assert {("T037D", "orbit"), ("T039D", "orbit")} <= codes(rising)
    assert len(rising.items) == 2


def test_the_latest_processing_of_a_slice_wins() -> None:
    old = changed(
        at(-5, suffix="AAAA", item_id="z"), **{"processing:datetime": "2024-02-26T00:00:00Z"}
    )
    new = changed(
        at(-5, suffix="BBBB", item_id="a"), **{"s1:processing_datetime": "2024-02-27T00:00:00Z"}
    )
    unknown = at(-5, suffix="CCCC", item_id="zz")
    for order in ([old, new, unknown], [unknown, new, old]):
        scenes = scenes_of([*order, at(7)])
        assert [s.item_id for s in scenes.tracks[0].pre[0].slices] == ["a"]
        assert {("z", "duplicate"), ("zz", "duplicate")} <= codes(scenes)
    plain = scenes_of([at(-5, item_id="m"), at(-5, item_id="n"), at(7)])
    assert [s.item_id for s in plain.tracks[0].pre[0].slices] == ["n"]
    twice = scenes_of([*PAIR, *PAIR])
    assert len(twice.tracks[0].pre[0].slices) == 1
    assert len(twice.items) == 2


def test_bursts_and_neighbours_are_no_copies() -> None:
    bursts = [
        changed(
            at(-5, item_id=f"b{n}"),
            **{"opera:burst_id": f"T037-07800{n}-IW1", "end_datetime": None},
        )
        for n in range(3)
    ]
    (track,) = scenes_of([*bursts, at(7)]).tracks
    assert len(track.pre[0].slices) == 3
    apart = [
        at(-5, item_id="north", footprint=box(10, 45.5, 12, 46)),
        at(-5, item_id="south", footprint=box(10, 45, 12, 45.6)),
    ]
    (track,) = scenes_of([*apart, at(7)]).tracks
    assert len(track.pre[0].slices) == 2


def test_windows_end_exactly_at_the_origin_and_their_lengths() -> None:
    def sides(**offset: float) -> tuple[int, int]:
        start = ORIGIN + timedelta(**offset)
        item = changed(make_item(start, orbit=None), end_datetime=None)
        scenes = scenes_of([item, at(-7.3), at(7.3)])
        (track,) = scenes.tracks
        return len(track.pre) - 1, len(track.post) - 1

    assert sides(seconds=-1) == (1, 0)
    assert sides(seconds=0) == (0, 0)
    assert sides(seconds=1) == (0, 1)
    assert sides(days=-60) == (1, 0)
    assert sides(days=-60, seconds=-1) == (0, 0)
    assert sides(days=12) == (0, 1)
    assert sides(days=12, seconds=1) == (0, 0)


def test_an_acquisition_during_the_shock_is_in_neither_window() -> None:
    during = make_item(ORIGIN - timedelta(seconds=10), orbit=9)
    scenes = scenes_of([during, *PAIR])
    assert len(scenes.tracks[0].pre) == 1
    (skip,) = [s for s in scenes.skipped if s.code == "outside-windows"]
    assert "a shock struck during it" in skip.reason


def test_of_a_sequence_what_lies_between_is_left_out() -> None:
    event = event_at("2024-03-01T12:00:00Z", "2024-03-15T12:00:00Z", area=AREA)
    scenes = scenes_of([at(-5), at(7), at(19)], event=event)
    (track,) = scenes.tracks
    assert [a.id for a in track.pre] == ["S1A-20240225-120000"]
    assert [a.id for a in track.post] == ["S1A-20240320-120000"]
    assert ("S1A-20240308-120000", "outside-windows") in codes(scenes)


def test_tracks_without_a_side_are_reported_and_others_go_on() -> None:
    scenes = scenes_of([*PAIR, at(-4, track=5), at(8, track=6)])
    assert [t.id for t in scenes.tracks] == ["T037D"]
    assert {("T005D", "no-post"), ("T006D", "no-pre")} <= codes(scenes)


def test_scenes_elsewhere_are_not_used() -> None:
    scenes = scenes_of([*PAIR, at(-4, item_id="far", footprint=box(50, 0, 51, 1))])
    assert ("far", "outside-area") in codes(scenes)


def test_both_polarisations_when_asked_for() -> None:
    items = [
        *PAIR,
        at(-17, polarisations=("vv",)),
        at(-3, track=5, polarisations=("vv",)),
        at(9, track=5),
    ]
    both = scenes_of(items)
    assert [t.id for t in both.tracks] == ["T037D"]
    assert len(both.tracks[0].pre) == 1
    assert {s.code for s in both.skipped} == {"polarisation", "no-pre"}
    assert len(both.items) == 2
    single = scenes_of(items, VV)
    assert [len(t.pre) for t in single.tracks] == [1, 2]
    assert choose_polarisations(single, "VV").scenes == single
    asked = choose_polarisations(single, "VV_VH")
    assert asked.scenes.tracks == both.tracks
    assert asked.scenes.skipped == both.skipped
    assert asked.scenes.items == both.items
    auto = choose_polarisations(single, "auto")
    assert [t.id for t in auto.scenes.tracks] == ["T005D", "T037D"]
    assert auto.polarisations == (("VV",), ("VV", "VH"))
    assert [n for n in auto.scenes.notes if n.startswith("T005D: falls back to VV")]
    assert {s.code for s in auto.scenes.skipped} == {"polarisation"}
    assert len(auto.scenes.items) == 4
    with pytest.raises(RecipeError, match="unknown"):
        choose_polarisations(single, "HH")  # type: ignore[arg-type]


def test_expected_passes_that_are_missing() -> None:
    items = [at(d) for d in (-41, -17, -5, 7)] + [at(-11, platform="SENTINEL-1C")]
    (track,) = scenes_of(items).tracks
    day = ORIGIN.date()
    assert expected_missing(track, EVENT, Recipe()) == (
        ("sentinel-1c", day - timedelta(59)),
        ("sentinel-1a", day - timedelta(53)),
        ("sentinel-1c", day - timedelta(47)),
        ("sentinel-1c", day - timedelta(35)),
        ("sentinel-1a", day - timedelta(29)),
        ("sentinel-1c", day - timedelta(23)),
        ("sentinel-1c", day + timedelta(1)),
    )
    early = expected_missing(track, EVENT, Recipe(), now=ORIGIN)
    assert ("sentinel-1c", date(2024, 3, 2)) not in early
    full = scenes_of([at(12 * n - 5) for n in range(-4, 2)])
    assert full.notes == ()


def test_coverage_is_of_the_ground_not_of_degrees() -> None:
    half = [at(d, footprint=box(10.5, 45.2, 11.0, 45.8)) for d in (-5, 7)]
    scenes = scenes_of(half)
    assert coverage(scenes.tracks[0], EVENT) == pytest.approx(0.5)
    assert any("covers 50.0%" in note for note in scenes.notes)
    split = [at(-5, footprint=box(10.5, 45.2, 11.0, 45.8)), at(7, footprint=box(11, 45.2, 12, 46))]
    assert coverage(scenes_of(split).tracks[0], EVENT) == 0


SHAPES = {
    "split": MultiPolygon([box(179, -18, 180, -16), box(-180, -18, -179, -16)]),
    "beyond": box(179, -18, 181, -16),
    "wrapped": box(-179, -18, 179, -16),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_across_the_antimeridian(shape: str) -> None:
    items = [at(d, footprint=SHAPES[shape]) for d in (-5, 7)]
    elsewhere = [at(d, item_id=f"f{d}", footprint=box(0, -18, 2, -16)) for d in (-5, 7)]
    index = IndexSearch(found([*items, *elsewhere]))
    for area in (
        box_area(179.5, -17, -179.5, -16.5),
        box_area(179.2, -17, 179.5, -16.5),
        box_area(-179.5, -17, -179.2, -16.5),
    ):
        event = event_at(ORIGIN.isoformat(), area=area)
        hits = index.find(area, ORIGIN - timedelta(60), ORIGIN + timedelta(60))
        assert [h.item["id"] for h in hits] == [i["id"] for i in items]
        scenes = assemble(hits, event, SOURCE, Recipe())
        assert coverage(scenes.tracks[0], event) == pytest.approx(1.0)
    assert index.find(box_area(170, -17, 171, -16), ORIGIN - timedelta(60), ORIGIN) == []


MANY = [
    item
    for days in (-53, -29, -5, 7, 19)
    for item in (
        at(days, footprint=box(10, 45.4, 12, 46)),
        at(days + 25 / 86400, footprint=box(10, 45, 12, 45.6)),
        at(days, suffix="0000", item_id=f"copy{days}", footprint=box(10, 45.4, 12, 46)),
        at(days, track=110, state="ascending", orbit=None, datatake=None, polarisations=("vv",)),
    )
] + [{"id": "broken"}, at(-4, item_id="hh", polarisations=("hh",))]
EXPECTED = scenes_of(MANY, VV)


@settings(max_examples=40, deadline=None)
@given(order=st.permutations(MANY))
def test_the_order_of_items_does_not_matter(order: list[dict[str, Any]]) -> None:
    scenes = scenes_of(order, VV)
    assert scenes == EXPECTED
    assert choose_polarisations(scenes, "auto") == choose_polarisations(EXPECTED, "auto")


@settings(max_examples=60, deadline=None)
@given(days=st.lists(st.floats(-70, 20), min_size=1, max_size=12))
def test_every_acquisition_is_on_its_side_or_reported(days: list[float]) -> None:
    items = [changed(at(d, item_id=f"i{n}"), end_datetime=None) for n, d in enumerate(days)]
    scenes = scenes_of(items, VV)
    for track in scenes.tracks:
        for a in track.pre:
            assert EVENT.first_origin - timedelta(60) <= a.datetime < EVENT.first_origin
        for a in track.post:
            assert EVENT.last_origin < a.datetime <= EVENT.last_origin + timedelta(12)
    used = {s.item_id for t in scenes.tracks for a in (*t.pre, *t.post) for s in a.slices}
    assert {item["id"] for item in scenes.items} == used
    assert used or scenes.skipped
