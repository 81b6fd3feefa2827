"""What the control is worth: detection with one acquisition of each track spoilt."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import geopandas as gpd
import numpy as np
from records import Records

from sarlra.composites.build import build_composite
from sarlra.composites.quality import corrections_of, kept_track
from sarlra.detection.lattice import score_lattice
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
from sarlra.scenes.sources import open_source
from sarlra.simulation.spoil import Spoil, spoil_archive

Buffers = tuple[int, int]
WAYS = (
    Spoil("shift", 3.0), Spoil("offset", -3.0), Spoil("stripes", -11.0), Spoil("fringe"),
    Spoil("snow", 0.6), Spoil("flood", 0.5),
)  # fmt: skip
#: Spoilt: the first of two after the event, or the middle one of five before it.
SIDES: tuple[tuple[str, Buffers], ...] = (("post", (60, 24)), ("pre", (60, 12)))


def worth(worlds: list[Path], records: Records) -> None:
    """Measure every case on every world, and print F1 without and with the control.

    A row is printed once all worlds have its figures.
    """
    lines = ["| one acquisition per track spoilt by | buffers | F1 without | F1 with |"]
    lines.append("|---|---|---|---|")
    for side, buffers in SIDES:
        for way in (None, *WAYS):
            name = "none" if way is None else f"{way.kind} {way.amount:g}, {side}"
            totals = [_measured(worlds, records, side, buffers, way, on) for on in (False, True)]
            if None in totals:
                sys.stderr.write("there is more to measure: run again\n")
                break
            figures = " | ".join(f"{total.f1:.3f}" for total in totals if total is not None)
            lines.append(f"| {name} | {buffers[0]}-{buffers[1]} | {figures} |")
    sys.stdout.write("\n".join(lines) + "\n")


def _measured(
    worlds: list[Path], records: Records, side: str, buffers: Buffers, way: Spoil | None, on: bool
) -> Counts | None:
    total = Counts(0, 0, 0, 0)
    for root in worlds:
        name = "clean" if way is None else f"{way.kind}{way.amount:g}"
        counted = records.get(
            f"{root.name}-{side}-{name}-{'with' if on else 'without'}",
            lambda root=root: _one(root, side, buffers, way, on),
        )
        if counted is None:
            return None
        total = total + Counts(*counted)
    return total


def _one(
    root: Path, side: str, buffers: Buffers, way: Spoil | None, control: bool
) -> tuple[int, int, int, int]:
    event = resolve_event(str(root / "event.geojson"))
    with tempfile.TemporaryDirectory() as folder:
        items = root / "items.json"
        if way is not None:
            items = _spoil_side(event, items, buffers, side, way, Path(folder))
        found = _count(event, items, gpd.read_file(root / "inventory.gpkg"), buffers, control)
    return (
        found.true_positives, found.false_positives, found.false_negatives, found.true_negatives
    )  # fmt: skip


def _spoil_side(
    event: Event, items: Path, buffers: Buffers, side: str, way: Spoil, folder: Path
) -> Path:
    """Spoil the middle acquisition before, or the first after, of every track."""
    recipe = make_recipe(pre_days=buffers[0], post_days=buffers[1])
    for number, track in enumerate(find_scenes(event, open_source(str(items)), recipe).tracks):
        one = track.pre[len(track.pre) // 2] if side == "pre" else track.post[0]
        chosen = [s.item_id for s in one.slices]
        items = spoil_archive(items, chosen, way, folder / str(number))
    return items


def _count(
    event: Event, items: Path, truth: gpd.GeoDataFrame, buffers: Buffers, control: bool
) -> Counts:
    recipe = make_recipe(pre_days=buffers[0], post_days=buffers[1], quality=control)
    total = Counts(0, 0, 0, 0)
    for track in find_scenes(event, open_source(str(items)), recipe).tracks:
        quality = assess_track(track, event.area, recipe, None) if control else ()
        model = default_model(recipe.combination, track.orbit_state)
        for windows in plan_tiles(event.area, recipe):
            composite = build_composite(
                kept_track(track, quality), windows.tile, windows.box, recipe, None,
                corrections_of(quality),
            ).compute()  # fmt: skip
            lattice = score_lattice(
                composite, windows.tile, windows.box, windows.active, load_scorer(model), recipe
            )
            share = landslide_share(truth, windows.tile, recipe)
            total += _windows(lattice["score"].values, share, model.threshold or 0.6)
    return total


def _windows(score: np.ndarray, share: np.ndarray, threshold: float) -> Counts:
    """Right and wrong answers over the windows of a tile that do not overlap."""
    score, share = score[::2, ::2], share[::2, ::2]
    counted = np.isfinite(score) & ((share > LANDSLIDE_SHARE) | (share == 0))
    return count(score[counted], share[counted] > LANDSLIDE_SHARE, threshold)
