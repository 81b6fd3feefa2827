"""Which spoilt acquisitions the control catches, and which good ones it loses.

A spoilt acquisition counts as caught where it is rejected, or where it is corrected such that what
is left of its shift is under 0.3 pixels of the scene and its level within 0.3 dB of what the
control makes of the same acquisition unspoilt. That is strict for levels: a spoilt one can move the
median that all are brought to, and the level of all together, which no change sees.
"""

from __future__ import annotations

import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from records import Records

from sarlra.composites.quality import Quality
from sarlra.events.event import Event
from sarlra.jobs.quality import assess_track
from sarlra.recipe import make_recipe
from sarlra.scenes.find import find_scenes
from sarlra.scenes.model import Track
from sarlra.scenes.sources import open_source
from sarlra.simulation.spoil import Spoil, spoil_archive

WAYS = (
    Spoil("shift", 0.5), Spoil("shift", 1.0), Spoil("shift", 2.0), Spoil("shift", 3.0),
    Spoil("offset", 0.5), Spoil("offset", -1.0), Spoil("offset", 2.0), Spoil("offset", -3.0),
    Spoil("stripes", -14.0), Spoil("stripes", -11.0), Spoil("fringe"),
    Spoil("snow", 0.6), Spoil("flood", 0.5),
)  # fmt: skip
RECIPE = make_recipe(pre_days=70, post_days=12, quality=True)


@dataclass(frozen=True)
class Place:
    """An archive and an area in it."""

    name: str
    event: Event
    items: Path


@dataclass
class Tally:
    """How many of how many."""

    hit: int = 0
    of: int = 0

    def add(self, hit: bool) -> None:
        """Count one."""
        self.hit += hit
        self.of += 1

    def __str__(self) -> str:
        return f"{self.hit} of {self.of} ({self.hit / self.of:.1%})" if self.of else "none"


def caught(places: Iterator[Place], records: Records) -> None:
    """Spoil one acquisition after the other, ask for verdicts, and print what came of it."""
    found: list[dict[str, Any]] = []
    for number, place in enumerate(places):
        for track in find_scenes(place.event, open_source(str(place.items)), RECIPE).tracks:
            one = records.get(
                f"{place.name}-{track.id}", lambda p=place, t=track, n=number: _ask(p, t, n)
            )
            if one is None:
                sys.stderr.write("there is more to measure: run again\n")
                return _show(found)
            found.append(one)
    _show(found)


def _ask(place: Place, track: Track, number: int) -> dict[str, Any]:
    """The verdicts on one track, clean and spoilt in every way."""
    clean = assess_track(track, place.event.area, RECIPE, None)
    if not any(q.measures.offset_db for q in clean):
        return {"clean": [], "spoilt": []}  # sea: nothing that a landslide could be on
    spoilt = []
    for turn, way in enumerate(WAYS):
        at = (number + turn) % len(clean)
        again = _with(place, track, at, Spoil(way.kind, way.amount, number))
        spoilt.append({
            "way": f"{way.kind} {way.amount:g}",
            "caught": _mended(clean[at], again[at], way),
            "verdict": again[at].verdict,
            "said": repr(again),
            "others": [q.verdict for i, q in enumerate(again) if i != at],
        })  # fmt: skip
        sys.stderr.write(f"{place.name} {track.id} {way.kind} {way.amount:g}: "
                         f"{again[at].verdict}\n")  # fmt: skip
    return {"clean": [q.verdict for q in clean], "said": repr(clean), "spoilt": spoilt}


def _show(found: list[dict[str, Any]]) -> None:
    by_way: dict[str, Tally] = defaultdict(Tally)
    rejected: dict[str, Tally] = defaultdict(Tally)
    lost, beside = Tally(), Tally()
    for one in found:
        for verdict in one["clean"]:
            lost.add(verdict == "reject")
        for spoilt in one["spoilt"]:
            by_way[spoilt["way"]].add(spoilt["caught"])
            rejected[spoilt["way"]].add(spoilt["verdict"] == "reject")
            for verdict in spoilt["others"]:
                beside.add(verdict == "reject")
    lines = ["| spoilt by | caught | of these rejected |", "|---|---|---|"]
    lines += [f"| {name} | {tally} | {rejected[name].hit} |" for name, tally in by_way.items()]
    whole = Tally(sum(t.hit for t in by_way.values()), sum(t.of for t in by_way.values()))
    lines += [
        f"| all | {whole} | |", "",
        f"Good ones lost: {lost} in archives without a bad one, {beside} beside a bad one.",
    ]  # fmt: skip
    sys.stdout.write("\n".join(lines) + "\n")


def _with(place: Place, track: Track, at: int, way: Spoil) -> tuple[Quality, ...]:
    chosen = [s.item_id for s in (*track.pre, *track.post)[at].slices]
    with tempfile.TemporaryDirectory() as folder:
        spoilt = spoil_archive(place.items, chosen, way, Path(folder))
        tracks = find_scenes(place.event, open_source(str(spoilt)), RECIPE).tracks
        same = next(t for t in tracks if t.id == track.id)
        return assess_track(same, place.event.area, RECIPE, None)


def _mended(clean: Quality, spoilt: Quality, way: Spoil) -> bool:
    if spoilt.verdict == "reject":
        return True
    if way.kind == "shift":
        scene = spoilt.measures.scene_px
        left = np.subtract(spoilt.correction.shift_px, clean.correction.shift_px) / scene
        return bool(abs(np.hypot(*left) - way.amount) < 0.3)
    if way.kind == "offset":
        return all(
            abs(spoilt.correction.offset(p) - clean.correction.offset(p) - way.amount) < 0.3
            for p in ("VV", "VH")
        )
    return way.kind == "fringe" and spoilt.correction.fringe > 0
