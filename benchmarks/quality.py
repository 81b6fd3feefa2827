"""What the control of acquisitions catches, what it loses, and what it is worth.

    python benchmarks/quality.py caught --items ../shared/data/opera-rtc-s1/items.json
    python benchmarks/quality.py caught --worlds 4
    python benchmarks/quality.py worth --worlds 2

``caught`` spoils one acquisition at a time, in every way, and asks for verdicts, on crops of the
real OPERA series or on simulated worlds; a good acquisition is one that nobody touched. ``worth``
detects on simulated worlds with one acquisition spoilt, with the control and without, and counts
windows against the truth. Both print a table in Markdown.

A spoilt acquisition counts as caught where it is rejected, or where it is corrected such that what
is left of its shift is under 0.3 pixels of the scene and its level within 0.3 dB of what the
control makes of the same acquisition unspoilt.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import geopandas as gpd
import numpy as np

from sarlra.composites.build import build_composite
from sarlra.composites.quality import Quality, corrections_of, kept_track
from sarlra.detection.lattice import score_lattice
from sarlra.events.area import parse_area
from sarlra.events.event import Event
from sarlra.events.resolve import resolve_event
from sarlra.jobs.quality import assess_track
from sarlra.jobs.tiles import plan_tiles
from sarlra.models.metrics import Counts, count
from sarlra.models.registry import default_model
from sarlra.models.scoring import load_scorer
from sarlra.recipe import make_recipe
from sarlra.samples.labels import LANDSLIDE_SHARE, landslide_share
from sarlra.scenes.find import find_scenes
from sarlra.scenes.model import Track
from sarlra.scenes.sources import open_source
from sarlra.simulation.spoil import Spoil, spoil_archive
from sarlra.simulation.world import simulate

WAYS = (
    Spoil("shift", 0.5), Spoil("shift", 1.0), Spoil("shift", 2.0), Spoil("shift", 3.0),
    Spoil("offset", 0.5), Spoil("offset", -1.0), Spoil("offset", 2.0), Spoil("offset", -3.0),
    Spoil("stripes", -14.0), Spoil("stripes", -11.0), Spoil("fringe"),
    Spoil("snow", 0.6), Spoil("flood", 0.5),
)  # fmt: skip
#: Spoilt one before the event, and the first after it.
WORTH_PRE = (Spoil("shift", 3.0), Spoil("stripes", -11.0), Spoil("offset", -3.0))
WORTH_POST = (Spoil("shift", 3.0), Spoil("offset", -3.0), Spoil("stripes", -11.0))
#: Origins that put the dates of the real series before and after.
ORIGINS = ("2021-12-12T00:00:00Z", "2022-12-25T00:00:00Z", "2023-12-20T00:00:00Z")
RECIPE = make_recipe(pre_days=70, post_days=12, quality=True)


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


def say(line: str) -> None:
    """Write a line of the table."""
    sys.stdout.write(line + "\n")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("what", choices=("caught", "worth"))
    parser.add_argument("--items", type=Path, help="items.json of the real series")
    parser.add_argument("--origins", type=int, default=3, help="of the real series")
    parser.add_argument("--worlds", type=int, default=2)
    parser.add_argument("--size", type=int, default=1024)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if asked.what == "worth":
            worth(_worlds(asked, Path(folder)))
        else:
            places = (
                _crops(asked.items, asked.origins)
                if asked.items
                else _places(_worlds(asked, Path(folder)))
            )
            caught(places)


def _worlds(asked: argparse.Namespace, folder: Path) -> list[Path]:
    roots = [folder / f"world-{seed}" for seed in range(301, 301 + asked.worlds)]
    for seed, root in enumerate(roots, start=301):
        simulate(seed, root, size_px=asked.size, post_days=24)
    return roots


def _places(worlds: list[Path]) -> Iterator[tuple[Event, Path]]:
    for root in worlds:
        yield resolve_event(str(root / "event.geojson")), root / "items.json"


def _crops(items: Path, origins: int) -> Iterator[tuple[Event, Path]]:
    """Each crop of the real series that is mostly land, with each origin."""
    boxes = {
        f["properties"]["opera:burst_id"]: f["bbox"]
        for f in json.loads(items.read_text())["features"]
    }
    for origin in ORIGINS[-origins:]:
        moment = datetime.fromisoformat(origin)
        for west, south, east, north in boxes.values():
            area = parse_area(f"{west + 0.003},{south + 0.003},{east - 0.003},{north - 0.003}")
            yield resolve_event(None, origins=(moment,), aoi=area), items


def caught(places: Iterator[tuple[Event, Path]]) -> None:
    """Spoil one acquisition after the other and ask for verdicts."""
    found: dict[str, Tally] = defaultdict(Tally)
    named: dict[str, Tally] = defaultdict(Tally)
    lost, without = Tally(), Tally()
    for number, (event, items) in enumerate(places):
        for track in find_scenes(event, open_source(str(items)), RECIPE).tracks:
            clean = assess_track(track, event.area, RECIPE, None)
            if not any(q.measures.offset_db for q in clean):
                continue  # sea: nothing that a landslide could be on
            for quality in clean:
                without.add(quality.verdict == "reject")
            for turn, way in enumerate(WAYS):
                at = (number + turn) % len(clean)
                again = _with(event, items, track, at, Spoil(way.kind, way.amount, number))
                found[f"{way.kind} {way.amount:g}"].add(_mended(clean[at], again[at], way))
                named[f"{way.kind} {way.amount:g}"].add(again[at].verdict == "reject")
                for other, quality in enumerate(again):
                    if other != at:
                        lost.add(quality.verdict == "reject")
            sys.stderr.write(f"{event.id} {track.id}: lost {lost}\n")
    say("| spoilt by | caught | of these rejected |\n|---|---|---|")
    for name, tally in found.items():
        say(f"| {name} | {tally} | {named[name].hit} |")
    whole = Tally(sum(t.hit for t in found.values()), sum(t.of for t in found.values()))
    say(f"| all | {whole} | |\n")
    say(f"Good ones lost: {without} in archives without a bad one, {lost} beside a bad one.")


def _with(event: Event, items: Path, track: Track, at: int, way: Spoil) -> tuple[Quality, ...]:
    chosen = [s.item_id for s in (*track.pre, *track.post)[at].slices]
    with tempfile.TemporaryDirectory() as folder:
        spoilt = spoil_archive(items, chosen, way, Path(folder))
        tracks = find_scenes(event, open_source(str(spoilt)), RECIPE).tracks
        same = next(t for t in tracks if t.id == track.id)
        return assess_track(same, event.area, RECIPE, None)


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


def worth(worlds: list[Path]) -> None:
    """Detect with one acquisition of each track spoilt, with and without control.

    One before the event of five with the buffers 60-12, the first of two after it with 60-24.
    """
    cases: list[tuple[str, tuple[int, int], Spoil | None]] = [
        ("pre", (60, 12), None), *(("pre", (60, 12), way) for way in WORTH_PRE),
        ("post", (60, 24), None), *(("post", (60, 24), way) for way in WORTH_POST),
    ]  # fmt: skip
    say("| one acquisition per track spoilt by | buffers | F1 without | F1 with |")
    say("|---|---|---|---|")
    for side, buffers, way in cases:
        off, on = (
            _total([_one(root, side, buffers, way, control) for root in worlds])
            for control in (False, True)
        )
        name = "none" if way is None else f"{way.kind} {way.amount:g}, {side}"
        say(f"| {name} | {buffers[0]}-{buffers[1]} | {off.f1:.3f} | {on.f1:.3f} |")
        sys.stdout.flush()


def _one(
    root: Path, side: str, buffers: tuple[int, int], way: Spoil | None, control: bool
) -> Counts:
    event = resolve_event(str(root / "event.geojson"))
    truth = gpd.read_file(root / "inventory.gpkg")
    if way is None:
        return _count(event, root / "items.json", truth, buffers, control)
    with tempfile.TemporaryDirectory() as folder:
        items = _spoil_side(event, root / "items.json", buffers, side, way, Path(folder))
        return _count(event, items, truth, buffers, control)


def _windows(score: np.ndarray, share: np.ndarray, threshold: float) -> Counts:
    """Right and wrong answers over the windows of a tile that do not overlap."""
    score, share = score[::2, ::2], share[::2, ::2]
    counted = np.isfinite(score) & ((share > LANDSLIDE_SHARE) | (share == 0))
    return count(score[counted], share[counted] > LANDSLIDE_SHARE, threshold)


def _total(parts: list[Counts]) -> Counts:
    return sum(parts, Counts(0, 0, 0, 0))


def _spoil_side(
    event: Event, items: Path, buffers: tuple[int, int], side: str, way: Spoil, folder: Path
) -> Path:
    """Spoil the middle acquisition before, or the first after, of every track."""
    recipe = make_recipe(pre_days=buffers[0], post_days=buffers[1])
    for number, track in enumerate(find_scenes(event, open_source(str(items)), recipe).tracks):
        one = track.pre[len(track.pre) // 2] if side == "pre" else track.post[0]
        chosen = [s.item_id for s in one.slices]
        items = spoil_archive(items, chosen, way, folder / str(number))
    return items


def _count(
    event: Event, items: Path, truth: gpd.GeoDataFrame, buffers: tuple[int, int], control: bool
) -> Counts:
    recipe = make_recipe(pre_days=buffers[0], post_days=buffers[1], quality=control)
    parts = []
    for track in find_scenes(event, open_source(str(items)), recipe).tracks:
        quality = assess_track(track, event.area, recipe, None) if control else ()
        model = default_model(recipe.combination, track.orbit_state)
        for windows in plan_tiles(event.area, recipe):
            composite = build_composite(
                kept_track(track, quality),
                windows.tile,
                windows.box,
                recipe,
                None,
                corrections_of(quality),
            ).compute()
            lattice = score_lattice(
                composite, windows.tile, windows.box, windows.active, load_scorer(model), recipe
            )
            share = landslide_share(truth, windows.tile, recipe)
            parts.append(_windows(lattice["score"].values, share, model.threshold or 0.6))
    return _total(parts)


if __name__ == "__main__":
    main()
