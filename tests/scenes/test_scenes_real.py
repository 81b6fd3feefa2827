"""The real OPERA items, through a real STAC API and from files: the same answer."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sarlra.events.area import box_area
from sarlra.events.event import Event
from sarlra.recipe import Recipe
from sarlra.scenes.find import find_scenes
from sarlra.scenes.frozen import freeze_bytes, thaw
from sarlra.scenes.model import Scenes
from sarlra.scenes.sources import open_source
from tests.scenes.conftest import event_at
from tests.servers.items import opera_items
from tests.servers.stac_api import StacApi

ROOT = "https://data.example.com/opera"


def per_burst(scenes: Scenes, side: str) -> Counter[str | None]:
    (track,) = scenes.tracks
    return Counter(s.burst for a in getattr(track, side) for s in a.slices)


def by_hand(items: list[dict], start: datetime, end: datetime) -> set[str]:
    """Ids within [start, end], from the ids' own dates and nothing else."""

    def moment(item: dict) -> datetime:
        text = item["id"].split("_")[4]
        return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)

    return {item["id"] for item in items if start <= moment(item) <= end}


def test_five_before_and_one_after_per_burst(shared_data: Path, december: Event) -> None:
    source = open_source(str(shared_data / "opera-rtc-s1" / "items.json"))
    scenes = find_scenes(december, source, Recipe())
    (track,) = scenes.tracks
    assert track.id == "T137A"
    assert [a.id[:12] for a in track.pre] == [
        "S1A-20231016", "S1A-20231028", "S1A-20231109", "S1A-20231121", "S1A-20231203",
    ]  # fmt: skip
    assert [a.id[:12] for a in track.post] == ["S1A-20231215"]
    assert set(per_burst(scenes, "pre").values()) == {5}
    assert set(per_burst(scenes, "post").values()) == {1}
    assert len(per_burst(scenes, "pre")) == len(per_burst(scenes, "post")) == 9
    origin = december.first_origin
    wanted = by_hand(opera_items(shared_data), origin - timedelta(60), origin + timedelta(12))
    assert {item["id"] for item in scenes.items} == wanted
    for item in scenes.items:
        assert all(Path(asset["href"]).is_file() for asset in item["assets"].values())


def test_both_satellites_of_2021(shared_data: Path) -> None:
    source = open_source(str(shared_data / "opera-rtc-s1" / "items.json"))
    event = event_at("2021-12-04T00:00:00Z")
    (track,) = find_scenes(event, source, Recipe(pre_days=12, post_days=12)).tracks
    assert [a.id[:12] for a in track.pre] == ["S1B-20211125", "S1A-20211201"]
    assert [a.id[:12] for a in track.post] == ["S1B-20211207", "S1A-20211213"]


@pytest.mark.parametrize("methods", [("GET", "POST"), ("GET",), ("POST",)])
def test_api_and_file_give_the_same(
    shared_data: Path, december: Event, tmp_path: Path, methods: tuple[str, ...]
) -> None:
    items = opera_items(shared_data, ROOT)
    file = tmp_path / "items.json"
    file.write_text(json.dumps({"type": "FeatureCollection", "features": items}))
    recipe = Recipe(pre_days=80, post_days=30)
    with StacApi(items, page_size=7, methods=methods) as api:
        searched = find_scenes(december, open_source(api.url), recipe)
        assert api.count("/search") == -(-len(searched.items) // 7) == 11
    indexed = find_scenes(december, open_source(str(file)), recipe)
    assert searched.tracks == indexed.tracks
    assert searched.skipped == indexed.skipped
    assert searched.notes == indexed.notes
    assert [i["id"] for i in searched.items] == [i["id"] for i in indexed.items]
    assert len(searched.tracks[0].pre) == 6


def test_a_small_area_takes_one_burst(shared_data: Path) -> None:
    items = opera_items(shared_data)
    west, south, east, north = items[0]["bbox"]
    area = box_area(west + 0.01, south + 0.01, east - 0.01, north - 0.01)
    event = event_at("2023-12-10T00:00:00Z", area=area)
    source = open_source(str(shared_data / "opera-rtc-s1" / "items.json"))
    scenes = find_scenes(event, source, Recipe())
    assert set(per_burst(scenes, "pre")) == {items[0]["properties"]["opera:burst_id"]}
    assert not [note for note in scenes.notes if "covers" in note]


def test_nothing_around_the_origin(shared_data: Path) -> None:
    source = open_source(str(shared_data / "opera-rtc-s1" / "items.json"))
    scenes = find_scenes(event_at("2024-12-10T00:00:00Z"), source, Recipe())
    assert scenes.tracks == ()
    assert scenes.items == ()
    only_post = find_scenes(event_at("2024-12-25T00:00:00Z"), source, Recipe())
    assert only_post.tracks == ()
    assert [(s.subject, s.code) for s in only_post.skipped] == [("T137A", "no-pre")]


def test_missing_dates_are_named(shared_data: Path) -> None:
    source = open_source(str(shared_data / "opera-rtc-s1" / "items.json"))
    scenes = find_scenes(event_at("2022-11-20T00:00:00Z"), source, Recipe())
    (note,) = [note for note in scenes.notes if "not found" in note]
    assert "2022-10-21 (S1A), " not in note
    assert note.endswith("2022-09-27 (S1A), 2022-10-09 (S1A), 2022-10-21 (S1A)")


@pytest.mark.parametrize("kind", ["api", "file"])
def test_a_frozen_search_repeats_the_run(
    shared_data: Path, december: Event, tmp_path: Path, kind: str
) -> None:
    frozen = tmp_path / "inputs.json"
    if kind == "api":
        with StacApi(opera_items(shared_data, ROOT)) as api:
            scenes = find_scenes(december, open_source(api.url), Recipe())
    else:
        source = open_source(str(shared_data / "opera-rtc-s1" / "items.json"))
        scenes = find_scenes(december, source, Recipe())
    frozen.write_bytes(freeze_bytes(scenes))
    thawed = thaw(frozen)
    assert thawed.parameters["event"] == december.id
    assert len(thawed.items) == 54
    again = find_scenes(december, open_source(str(frozen)), Recipe())
    assert again.tracks == scenes.tracks
    assert freeze_bytes(again) == freeze_bytes(scenes)


def test_stac_geoparquet_and_static_catalogue(
    shared_data: Path, december: Event, tmp_path: Path
) -> None:
    import stac_geoparquet.arrow

    items = opera_items(shared_data)
    expected = find_scenes(
        december, open_source(str(shared_data / "opera-rtc-s1" / "items.json")), Recipe()
    )
    table = stac_geoparquet.arrow.parse_stac_items_to_arrow(items).read_all()
    stac_geoparquet.arrow.to_parquet(table, tmp_path / "items.parquet")
    from_table = find_scenes(december, open_source(str(tmp_path / "items.parquet")), Recipe())
    assert from_table.tracks == expected.tracks

    links = []
    for number, item in enumerate(items):
        folder = tmp_path / "static" / "items" / str(number)
        folder.mkdir(parents=True)
        (folder / "item.json").write_text(json.dumps(item))
        links.append({"rel": "item", "href": f"./items/{number}/item.json"})
    child = {"type": "Collection", "id": "c", "links": links}
    (tmp_path / "static" / "collection.json").write_text(json.dumps(child))
    root = {"type": "Catalog", "id": "r", "links": [{"rel": "child", "href": "collection.json"}]}
    (tmp_path / "static" / "catalog.json").write_text(json.dumps(root))
    for path in ("static/catalog.json", "static/collection.json", "static"):
        walked = find_scenes(december, open_source(str(tmp_path / path)), Recipe())
        assert walked.tracks == expected.tracks
