"""A whole life of a watched event: 70 simulated days, polled each day, restarted and killed."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import feedparser
import geopandas as gpd
import pystac
import pytest

from sarlra.catalog.sink import open_sink
from sarlra.catalog.validate import own_schema, validate_document
from sarlra.serving.index import Index
from sarlra.serving.live import Reading
from sarlra.serving.page import page
from sarlra.serving.place import open_place
from sarlra.serving.results import read_results
from sarlra.simulation.world import SimulatedWorld
from sarlra.watch.notices import give_notices
from sarlra.watch.versions import read_versions
from sarlra.watch.watch import Poll, make_watch, poll, preview
from sarlra.watch.watched import put_watched, read_watched
from tests.conftest import ROOT
from tests.contents import files_of
from tests.servers.usgs import UsgsService
from tests.watch.watch_world import (
    TILE_PX,
    Archive,
    Listener,
    make_archive,
    make_world,
    model_without_table,
)

#: A life is lived once for all tests here, in minutes on a busy machine.
pytestmark = pytest.mark.timeout(1500)
KILLED, BY_COMMAND, BY_FLOW = 17, 10, 44


@dataclass
class Life:
    """What happened: per day, the version that was made and why; and what was told."""

    world: SimulatedWorld
    out: Path
    archive: Archive
    model: str
    history: list[tuple[int, str, list[str]]] = field(default_factory=list)
    states: dict[int, str] = field(default_factory=dict)
    posted: list[dict[str, Any]] = field(default_factory=list)
    artifacts: dict[str, str] = field(default_factory=dict)
    killed_with: int = 0

    @property
    def name(self) -> str:
        return f"{self.world.event_id}-watch"

    def version(self, number: int) -> dict[str, Any]:
        path = self.out / "collections" / self.name / f"v{number:04d}"
        document: dict[str, Any] = json.loads(
            (path / f"{self.name}-v{number:04d}.json").read_text()
        )
        return document


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> SimulatedWorld:
    return make_world(tmp_path_factory.mktemp("watched") / "world")


@pytest.fixture(scope="module")
def usgs(world: SimulatedWorld) -> Iterator[UsgsService]:
    detail = json.loads(world.event.read_text())
    with UsgsService({world.event_id: detail}) as server:
        before = os.environ.get("SARLRA_USGS_URL")
        os.environ["SARLRA_USGS_URL"] = server.url
        yield server
        if before is None:
            del os.environ["SARLRA_USGS_URL"]
        else:
            os.environ["SARLRA_USGS_URL"] = before


def _poll(life: Life, now: datetime) -> Poll:
    """A poll as of a process that was started just now."""
    asked = make_watch(
        str(life.out), source=str(life.archive.path), model=life.model, tile_px=TILE_PX,
        cluster="none",
    )  # fmt: skip
    return poll(asked, now)


def _command(life: Life, now: datetime) -> list[str]:
    code = "from sarlra.cli import main; main()"
    return [
        sys.executable, "-c", code, "watch", "--out", str(life.out), "--source",
        str(life.archive.path), "--model", life.model, "--tile-px", str(TILE_PX),
        "--cluster", "none", "--now", now.isoformat(), "--json",
    ]  # fmt: skip


def _flow(life: Life, now: datetime) -> list[str]:
    return [
        sys.executable, "flows/watch.py", "--out", str(life.out), "--source",
        str(life.archive.path), "--model", life.model, "--tile-px", str(TILE_PX),
        "--cluster", "none", "--now", now.isoformat(),
    ]  # fmt: skip


def _home(folder: Path) -> dict[str, str]:
    """The environment of a flow with a server of its own."""
    return {
        **os.environ, "PREFECT_HOME": str(folder / "prefect"), "PREFECT_API_URL": "",
        "PYTHONPATH": str(ROOT),
    }  # fmt: skip


def _artifacts(database: Path) -> dict[str, str]:
    """What a flow left for people, by key."""
    with contextlib.closing(sqlite3.connect(database)) as opened:
        return dict(opened.execute("SELECT key, data FROM artifact").fetchall())


def _kill_in_the_middle(life: Life, now: datetime) -> int:
    """Start a poll in a process of its own and kill it once its job has begun to write."""
    stores = life.out / "composites"
    before = {p for p in stores.rglob("c") if p.is_dir()}
    process = subprocess.Popen(_command(life, now), cwd=ROOT, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)  # fmt: skip
    until = time.monotonic() + 240
    while time.monotonic() < until and process.poll() is None:
        if {p for p in stores.rglob("c") if p.is_dir()} - before:
            break
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    return process.wait(30)


@pytest.fixture(scope="module")
def life(
    world: SimulatedWorld, usgs: UsgsService, tmp_path_factory: pytest.TempPathFactory
) -> Life:
    folder = tmp_path_factory.mktemp("life")
    life = Life(world, folder / "out", make_archive(world, folder), model_without_table(folder))
    with Listener() as listener:
        target = f"json://{listener.host}/hook"
        for day in range(1, 71):
            now = world.origin + timedelta(days=day)
            life.archive.publish(now)
            if day == KILLED:
                life.killed_with = _kill_in_the_middle(life, now)
            if day == BY_COMMAND:
                done = subprocess.run(_command(life, now), cwd=ROOT, capture_output=True)
                assert done.returncode == 0, done.stderr
                assert json.loads(done.stdout)["new"] == []
            if day == BY_FLOW:
                home = _home(folder) | {"SARLRA_NOTIFY": target}
                done = subprocess.run(_flow(life, now), cwd=ROOT, capture_output=True, env=home)
                assert done.returncode == 0, done.stderr
                said = life.version(10)["properties"]
                life.history.append((day, said["version"], said["sarlra:why"]))
                life.artifacts = _artifacts(folder / "prefect" / "prefect.db")
            result = _poll(life, now)
            assert result.trouble == ()
            life.states[day] = result.watched[0].state
            for _, version in result.new:
                said = version["properties"]
                life.history.append((day, said["version"], said["sarlra:why"]))
            give_notices(open_sink(str(life.out)), [target])
        life.posted = listener.posted
    return life


def test_the_history_is_exactly_the_expected_one(life: Life) -> None:
    days = [(day, number) for day, number, _ in life.history]
    assert days == [
        (5, "1"),  # ascending, taken on day 4
        (8, "2"),  # descending
        (17, "3"),  # ascending; the poll was killed once
        (20, "4"),  # descending
        (21, "5"),  # a late one before the event
        (29, "6"),  # ascending: a bad one
        (32, "7"),  # descending
        (40, "8"),  # one was processed again
        (41, "9"),  # ascending
        (44, "10"),  # descending
        (53, "11"),  # ascending
        (56, "12"),  # descending
    ]
    reasons = {number: " / ".join(why) for _, number, why in life.history}
    assert "first images after the event" in reasons["1"]
    assert "first images after the event" in reasons["2"]
    assert "after the event" in reasons["3"]
    assert "before the event, late" in reasons["5"]
    assert reasons["8"].count("was replaced") == 1
    tracks = life.version(3)["properties"]["sarlra:tracks"]
    assert all("no figures by buffer" in track["rule"] for track in tracks)
    assert "60-24 instead of 60-12" in reasons["3"]


def test_states_go_through_a_life(life: Life) -> None:
    seen = [life.states[1]]
    for day in range(2, 71):
        if life.states[day] != seen[-1]:
            seen.append(life.states[day])
    assert seen == ["waiting", "first product", "updated", "complete"]
    assert life.states[4] == "waiting"
    assert life.states[5] == "first product"
    assert life.states[67] == "updated"
    assert life.states[68] == "complete"
    assert life.killed_with == -signal.SIGKILL


def test_versions_have_the_fields_of_the_table(life: Life) -> None:
    """Each was checked when it was written; together they have every field that is listed."""
    schema = own_schema("version")["properties"]["properties"]["properties"]
    found = [life.version(number)["properties"] for number in range(1, 13)]
    assert set().union(*found) == set(schema)
    tracks = [track for properties in found for track in properties["sarlra:tracks"]]
    assert set().union(*tracks) == set(schema["sarlra:tracks"]["items"]["properties"])
    assert {"density", "changed", "score", "seen_by"} <= set(found[-1]["renders"])


def test_versions_name_each_other(life: Life) -> None:
    for number in range(1, 13):
        document = life.version(number)
        validate_document(document)
        links = {link["rel"]: link["href"] for link in document["links"]}
        here = life.out / "collections" / life.name / f"v{number:04d}"
        expected = {"predecessor-version": number - 1, "successor-version": number + 1}
        if number < 12:
            expected["latest-version"] = 12
        for rel, other in expected.items():
            if 1 <= other <= 12:
                target = json.loads((here / links[rel]).resolve().read_text())
                assert target["id"] == f"{life.name}-v{other:04d}"
            else:
                assert rel not in links
        assert document["properties"]["deprecated"] == (number < 12)


def test_the_catalogue_can_be_walked(life: Life) -> None:
    root = pystac.Catalog.from_file(str(life.out / "catalog.json"))
    collections = {c.id: c for c in root.get_children()}
    watch = collections[life.name]
    items = list(watch.get_items())
    assert [i.properties["version"] for i in items] == [str(n) for n in range(1, 13)]
    assert "complete" in watch.description
    told = read_watched(open_sink(str(life.out)), life.name)
    assert told.state == "complete"
    assert told.notified == 12
    assert {p.state for p in told.passes} == {"seen"}
    served = read_results(open_place(str(life.out)))
    assert {i.id for i in items} <= set(served.items)
    assert not [path for path, _ in served.rejected if "watch" in path]
    for item in items:
        for asset in item.get_assets().values():
            assert Path(asset.get_absolute_href() or "").is_file()


def test_a_watched_catalogue_is_served(life: Life) -> None:
    results = read_results(open_place(str(life.out)))
    assert results.events == (life.world.event_id,)
    shown = page(Reading(results, Index(results), 1), has_map=True)
    assert "complete: 12 versions" in shown
    assert shown.count("Superseded by a newer version") >= 11
    assert "first images after the event" in shown
    assert f"{life.name}/v0012/overview.png" in shown


def test_a_rejected_image_is_not_hidden(life: Life) -> None:
    verdicts: dict[str, dict[str, Any]] = {}
    for name in life.version(6)["properties"]["sarlra:items"]:
        document = json.loads((life.out / "items" / name / f"{name}.json").read_text())
        verdicts |= {q["id"]: q for q in document["properties"]["sarlra:quality"]}
    rejected = [q for q in verdicts.values() if q["verdict"] == "reject"]
    assert len(rejected) == 1
    assert rejected[0]["side"] == "post"
    assert not rejected[0]["used"]
    assert "interference" in rejected[0]["reasons"][0]
    # The version says so, too, and counts what was used; so does its notice.
    said = life.version(6)["properties"]
    track = next(t for t in said["sarlra:tracks"] if t["rejected"])
    (name,) = track["rejected"]
    assert name == rejected[0]["id"]
    assert track["n_post"] == len(track["post"]) - 1 == 2
    assert any(name in why and "left out: interference" in why for why in said["sarlra:why"])
    told = next(p for p in life.posted if "version 6" in json.dumps(p))
    assert f"{name} rejected, left out: interference" in json.dumps(told)


def test_changes_add_up(life: Life) -> None:
    confirmed = 0
    for number in range(1, 13):
        said = life.version(number)["properties"]
        changes = said["sarlra:changes"]
        assert changes["new"] + changes["kept"] == said["sarlra:numbers"]["detections"]
        folder = life.out / "collections" / life.name / f"v{number:04d}"
        table = gpd.read_parquet(folder / "detections.parquet")
        assert int(table["confirmed"].sum()) == said["sarlra:numbers"]["detections"]
        assert {"score", "seen_by", "detected_by", "tracks"} <= set(table.columns)
        confirmed += len(table)
    assert confirmed > 0
    first, second = (life.version(n)["properties"]["sarlra:numbers"] for n in (1, 2))
    assert first["seen_by_both"] == first["seen_by_descending"] == 0
    assert second["seen_by_both"] > 0


def test_notice_was_given_of_every_version_once(life: Life) -> None:
    titles = [post["title"] for post in life.posted]
    assert len(titles) == 12
    assert [title.rsplit(" ", 1)[1] for title in titles] == [str(n) for n in range(1, 13)]
    assert "one image after the event" in life.posted[0]["message"]
    assert life.posted[0]["attachments"][0]["mimetype"] == "image/png"
    told = feedparser.parse(str(life.out / "collections" / "watch.atom.xml"))
    assert not told.bozo
    assert len(told.entries) == 12
    assert told.entries[0].title.endswith("version 12")
    assert told.entries[0].where["type"] in ("Box", "Polygon")


def test_a_flow_shows_states_passes_and_its_notice(life: Life) -> None:
    states = json.loads(json.loads(life.artifacts["watch-states"]))
    assert [(row["event"], row["state"]) for row in states] == [(life.world.event_id, "updated")]
    passes = json.loads(json.loads(life.artifacts["watch-passes"]))
    assert {row["state"] for row in passes} == {"seen", "expected"}
    notice = life.artifacts[f"watch-{life.world.event_id.lower().replace('_', '-')}"]
    assert "version 10" in notice
    assert "overview.png" in notice
    assert "least noise" in notice


def test_a_target_that_does_not_answer_is_tried_again(life: Life) -> None:
    sink = open_sink(str(life.out))
    told = read_watched(sink, life.name)
    put_watched(sink, replace(told, notified=11), read_versions(sink, told))
    assert give_notices(sink, ["json://127.0.0.1:9/nobody"]) == []
    assert read_watched(sink, life.name).notified == 11
    with Listener() as listener:
        given = give_notices(sink, [f"json://{listener.host}/hook", "no-such-kind://x"])
        assert [notice.number for notice in given] == [12]
        assert len(listener.posted) == 1
    assert read_watched(sink, life.name) == told


def test_polling_again_changes_no_byte(life: Life) -> None:
    def state() -> dict[str, bytes]:
        return files_of(life.out)

    before = state()
    result = _poll(life, life.world.origin + timedelta(days=71))
    assert result.new == ()
    give_notices(open_sink(str(life.out)), [])
    assert state() == before


def test_weeks_without_polls_end_in_the_same_product(
    life: Life, usgs: UsgsService, tmp_path: Path
) -> None:
    other = Life(life.world, tmp_path / "out", life.archive, life.model)
    for day in (30, 66):
        now = life.world.origin + timedelta(days=day)
        life.archive.publish(now)
        asked = make_watch(str(other.out), source=str(life.archive.path), model=life.model,
                           tile_px=TILE_PX, cluster="none")  # fmt: skip
        todo = preview(asked, now)
        assert todo.looks[0][1].plan is not None
        assert len(_poll(other, now).new) == 1
    ours, theirs = life.version(12), other.version(2)
    assert ours["properties"]["sarlra:items"] == theirs["properties"]["sarlra:items"]
    for key in ("detections", "density-32654", "heat-32654", "scores-32654"):
        assert ours["assets"][key]["file:checksum"] == theirs["assets"][key]["file:checksum"]
