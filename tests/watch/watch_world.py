"""A simulated event whose acquisitions appear day by day, one bad, one late, one replaced."""

from __future__ import annotations

import copy
import json
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sarlra.models.registry import DEFAULT_MODELS, find_model
from sarlra.simulation.spoil import Spoil, spoil_archive
from sarlra.simulation.world import SimulatedWorld, simulate
from tests.servers.base import LocalServer, Reply, Request

#: In the middle of a tile of 1024 pixels.
CENTRE = (52 * 10240.0 + 5120.0, 462 * 10240.0 + 5120.0)
TILE_PX = 1024
#: Scenes are published so long after they were taken.
DELAY = timedelta(hours=12)


class Listener(LocalServer):
    """Takes whatever is posted."""

    def reply(self, request: Request) -> Reply:
        return Reply.json({})

    @property
    def posted(self) -> list[dict[str, Any]]:
        return [r.body for r in self.requests if r.method == "POST"]


def make_world(folder: Path) -> SimulatedWorld:
    return simulate(77, folder, size_px=512, centre=CENTRE, post_days=60)


def model_without_table(folder: Path) -> str:
    """The shipped model of VV and VH, its card without figures: the fallback chooses buffers."""
    shipped = find_model(DEFAULT_MODELS["VV_VH", "ascending"])
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / "watch-test.keras"
    shutil.copyfile(shipped.path, target)
    card = json.loads(shipped.path.with_suffix(".json").read_text())
    card["name"] = "watch-test"
    card["metrics"] = None
    card["orbit_states"] = ["ascending", "descending"]
    target.with_suffix(".json").write_text(json.dumps(card))
    return str(target)


@dataclass
class Archive:
    """The growing archive: ``items.json`` holds what is published at a moment."""

    origin: datetime
    path: Path
    features: list[dict[str, Any]]
    replaced: dict[str, dict[str, Any]]
    late: frozenset[str]
    late_day: float
    replaced_day: float

    def publish(self, now: datetime) -> None:
        day = (now - self.origin) / timedelta(days=1)
        listed = []
        for feature in self.features:
            name = feature["id"]
            if _time(feature) + DELAY > now and feature["collection"] != "cop-dem-glo-30":
                continue
            if name in self.late and day < self.late_day:
                continue
            listed.append(
                self.replaced[name] if name in self.replaced and day >= self.replaced_day
                else feature
            )  # fmt: skip
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps({"type": "FeatureCollection", "features": listed}))


def make_archive(world: SimulatedWorld, folder: Path) -> Archive:
    """Bad: ascending, day 27. Late until day 21: an ascending one before. Replaced on day 40:
    descending, day 19.
    """
    bad = spoil_archive(world.items, _ids(world, "ascending", 27), Spoil("stripes", -9.0),
                        folder / "bad")  # fmt: skip
    again = _ids(world, "descending", 19)
    new = spoil_archive(bad, again, Spoil("offset", 1.0), folder / "replaced")
    features = json.loads(bad.read_text())["features"]
    replaced = {}
    for feature in json.loads(new.read_text())["features"]:
        if feature["id"] in again:
            mended = copy.deepcopy(feature)
            mended["properties"]["s1:processing_datetime"] = (
                world.origin + timedelta(days=39)
            ).isoformat()
            replaced[feature["id"]] = mended
    return Archive(
        world.origin, folder / "archive" / "items.json", features, replaced,
        frozenset(_ids(world, "ascending", -21)), 21.0, 40.0,
    )  # fmt: skip


def _ids(world: SimulatedWorld, state: str, day: float) -> list[str]:
    """RTC items of the pass within a day and a half of a day after the origin."""
    found = [
        f["id"]
        for f in json.loads(world.items.read_text())["features"]
        if f["collection"] == "sentinel-1-rtc"
        and f["properties"]["sat:orbit_state"] == state
        and abs((_time(f) - world.origin) / timedelta(days=1) - day) < 1.5
    ]
    assert found, (state, day)
    return found


def _time(feature: dict[str, Any]) -> datetime:
    text = feature["properties"].get("start_datetime") or feature["properties"]["datetime"]
    return datetime.fromisoformat(text).astimezone(UTC)
