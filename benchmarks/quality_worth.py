"""What the control is worth: detection with one acquisition of each track spoilt.

Every archive is detected on twice, without the control and with it, and every window that any of
them saw is kept with what was said of it, so that a spoilt archive is held against the clean one on
the same windows. The clean one has the control on: without it its levels are not brought together.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
from quality_table import Seen, row, say_head
from records import Records

from sarlra.composites.build import build_composite
from sarlra.composites.quality import Quality, corrections_of, kept_track
from sarlra.detection.lattice import score_lattice
from sarlra.events.event import Event
from sarlra.events.resolve import resolve_event
from sarlra.jobs.quality import assess_track
from sarlra.jobs.tiles import TileWindows, plan_tiles
from sarlra.models.registry import default_model
from sarlra.models.scoring import load_scorer
from sarlra.recipe import Recipe, make_recipe
from sarlra.samples.labels import LANDSLIDE_SHARE, landslide_share
from sarlra.scenes.find import find_scenes
from sarlra.scenes.model import Track
from sarlra.scenes.sources import open_source
from sarlra.simulation.spoil import Spoil, spoil_archive

Buffers = tuple[int, int]
WAYS = (
    Spoil("shift", 3.0), Spoil("offset", -3.0), Spoil("stripes", -11.0), Spoil("fringe"),
    Spoil("snow", 0.6), Spoil("flood", 0.5),
)  # fmt: skip
#: Spoilt: the first of two after the event, or the middle one of five before it.
SIDES: dict[str, Buffers] = {"post": (60, 24), "pre": (60, 12)}
#: Windows of one square of this many metres are drawn together: one slide can lie in several.
_BLOCK_M = 2560


def worth(worlds: list[Path], records: Records, sides: list[str]) -> None:
    """Measure every case on every world, and print F1 without and with the control.

    A row is printed once all worlds have its figures.
    """
    say_head()
    for side in sides:
        clean: list[Seen] = []
        for way in (None, *WAYS):
            name = "clean" if way is None else f"{way.kind}{way.amount:g}"
            found = [
                records.get(
                    f"{root.name}-{side}-{name}", partial(_one, root, side, way)
                )
                for root in worlds
            ]  # fmt: skip
            if None in found:
                sys.stderr.write("there is more to measure: run again\n")
                return
            seen = [Seen.of(one, number) for number, one in enumerate(found)]
            clean = clean or seen
            what = "none" if way is None else f"{way.kind} {way.amount:g}, {side}"
            row(what, SIDES[side], seen, clean)


@dataclass
class _Windows:
    """What was said of the windows of a world, and of its acquisitions."""

    landslide: list[bool] = field(default_factory=list)
    block: list[str] = field(default_factory=list)
    without: list[bool | None] = field(default_factory=list)
    with_: list[bool | None] = field(default_factory=list)
    said: dict[str, list[str]] = field(default_factory=dict)


def _one(root: Path, side: str, way: Spoil | None) -> dict[str, Any]:
    event = resolve_event(str(root / "event.geojson"))
    truth = gpd.read_file(root / "inventory.gpkg")
    recipe = make_recipe(pre_days=SIDES[side][0], post_days=SIDES[side][1], quality=True)
    result = _Windows()
    with tempfile.TemporaryDirectory() as folder:
        items = root / "items.json"
        if way is not None:
            items = _spoil_side(event, items, recipe, side, way, Path(folder))
        for track in find_scenes(event, open_source(str(items)), recipe).tracks:
            quality = assess_track(track, event.area, recipe, None)
            for one in quality:
                result.said.setdefault(f"{track.id} {one.verdict}", []).append(repr(one))
            for windows in plan_tiles(event.area, recipe):
                _note(result, track, quality, windows, recipe, truth)
    sys.stderr.write(f"{root.name} {side} {way}: "
                     f"{ {name: len(said) for name, said in result.said.items()} }\n")  # fmt: skip
    return asdict(result)


def _spoil_side(
    event: Event, items: Path, recipe: Recipe, side: str, way: Spoil, folder: Path
) -> Path:
    """Spoil the middle acquisition before, or the first after, of every track."""
    for number, track in enumerate(find_scenes(event, open_source(str(items)), recipe).tracks):
        one = track.pre[len(track.pre) // 2] if side == "pre" else track.post[0]
        chosen = [s.item_id for s in one.slices]
        items = spoil_archive(items, chosen, way, folder / str(number))
    return items


def _note(
    result: _Windows,
    track: Track,
    quality: tuple[Quality, ...],
    windows: TileWindows,
    recipe: Recipe,
    truth: gpd.GeoDataFrame,
) -> None:
    """Add the windows of a tile that do not overlap, of known class."""
    share = landslide_share(truth, windows.tile, recipe)[::2, ::2]
    known = windows.active[::2, ::2] & ((share > LANDSLIDE_SHARE) | (share == 0))
    result.landslide += [bool(v) for v in share[known] > LANDSLIDE_SHARE]
    each = _BLOCK_M // (2 * recipe.stride_px * recipe.resolution)
    tile = f"{windows.tile.epsg}-{windows.tile.column}-{windows.tile.row}"
    result.block += [f"{tile}-{r // each}-{c // each}" for r, c in np.argwhere(known)]
    result.without += _said(track, (), windows, recipe, known)
    result.with_ += _said(track, quality, windows, recipe, known)


def _said(
    track: Track,
    quality: tuple[Quality, ...],
    windows: TileWindows,
    recipe: Recipe,
    known: np.ndarray,
) -> list[bool | None]:
    """Whether each known window is over the threshold; None where it was not seen."""
    model = default_model(recipe.combination, track.orbit_state)
    composite = build_composite(
        kept_track(track, quality), windows.tile, windows.box, recipe, None, corrections_of(quality)
    ).compute()
    lattice = score_lattice(
        composite, windows.tile, windows.box, windows.active, load_scorer(model), recipe
    )
    score = lattice["score"].values[::2, ::2][known]
    return [bool(s > (model.threshold or 0.6)) if np.isfinite(s) else None for s in score]
