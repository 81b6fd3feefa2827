"""A run of ``detect`` against an inventory, track by track."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from shapely import Geometry

from sarlra.catalog.read import Files, grid_of_item, read_detections, read_scores, read_visibility
from sarlra.errors import InputError
from sarlra.evaluation.fused import FusedScore, score_fused
from sarlra.evaluation.scores import Detections, score_detections, touching
from sarlra.evaluation.slides import Slides, table_of
from sarlra.evaluation.windows import Windows, joined, windows_of_tile, zones_in_utm
from sarlra.events.geometry import unite
from sarlra.inventories.inventory import Inventory, check_inside, zone_km2
from sarlra.models.calibration import apply, brier, calibration_of
from sarlra.models.card import Calibration
from sarlra.samples.cells import looked_at
from sarlra.samples.draw import TEST_RATIO
from sarlra.terrain.choice import DemSource

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class TrackScore:
    """What a run found on one track, and what was there.

    Parameters
    ----------
    track, orbit_state, combination, model
        Of its items; several models are joined by commas.
    thresholds, n_pre, n_post
        Those of its items, in order, each once.
    items, scored
        How many, and how many windows have a score.
    windows
        Those of known class, at the natural ratio.
    calibration
        From score to probability, where all items have the same.
    detections
        By count and class.
    slides
        A row per landslide (:func:`sarlra.evaluation.slides.table_of`): what else can be asked of
        a run (slopes and aspects of what was missed) starts here.
    """

    track: str
    orbit_state: str
    combination: str
    model: str
    thresholds: tuple[float, ...]
    n_pre: tuple[int, ...]
    n_post: tuple[int, ...]
    items: int
    scored: int
    windows: Windows
    calibration: Calibration | None
    detections: Detections
    slides: gpd.GeoDataFrame

    def as_json(self) -> dict[str, Any]:
        """The scores as plain values."""
        thinned = self.windows.thinned()
        return {
            "orbit_state": self.orbit_state,
            "combination": self.combination,
            "model": self.model,
            "thresholds": list(self.thresholds),
            "n_pre": list(self.n_pre),
            "n_post": list(self.n_post),
            "items": self.items,
            "windows_scored": self.scored,
            "patch": thinned.counts().as_json() | {"background_ratio": TEST_RATIO},
            "patch_natural": self.windows.counts().as_json(),
            "brier": self._brier(),
            "detections": self.detections.as_json(),
        }

    def _brier(self) -> dict[str, float | None]:
        """Of the scores, and of the probabilities, over the windows at the natural ratio."""
        score, truth = self.windows.score, self.windows.landslide
        found: dict[str, float | None] = {"score": None, "probability": None}
        if len(score):
            found["score"] = round(brier(score, truth), 6)
            if self.calibration is not None:
                found["probability"] = round(brier(apply(self.calibration, score), truth), 6)
        return found


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The scores of a run, and of what they are true; ``fused`` where it has both directions."""

    event: str
    truth: Inventory
    tracks: Mapping[str, TrackScore]
    notes: tuple[str, ...]
    fused: FusedScore | None = None

    def as_json(self) -> dict[str, Any]:
        """Plain values: ``tracks`` by name, and what the truth was."""
        return {
            "event": self.event,
            "truth": {
                "source": self.truth.source,
                "landslides": len(self.truth),
                "mapped_km2": zone_km2(self.truth.mapped),
                "unmapped_km2": zone_km2(self.truth.unmapped),
            },
            "tracks": {name: score.as_json() for name, score in self.tracks.items()},
            "fused": None if self.fused is None else self.fused.as_json(),
            "notes": list(self.notes),
        }


def evaluate_run(
    files: Files,
    event: str,
    items: Sequence[Document],
    detections: gpd.GeoDataFrame | None,
    inventory: Inventory,
    *,
    dem: DemSource | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> Evaluation:
    """Score the items of one event.

    Parameters
    ----------
    files
        Where the items' files lie.
    items
        At most one per tile and track: the current ones.
    detections
        Settled over the seams of tiles, with ``item``; None takes the items' own tables.
    inventory
        The truth. Only where it says that somebody looked counts.
    dem
        Heights for classes of slope; None leaves them out.
    progress
        Called with 1 after each item.

    Raises
    ------
    InputError
        There are no items, or no landslide lies where they are.
    CatalogError
        A file of an item cannot be read.
    """
    if not items:
        raise InputError(f"{event}: the catalogue has no items", hint="did every job fail?")
    area = unite(shapely.geometry.shape(item["geometry"]) for item in items)
    notes = (*inventory.notes, *check_inside(inventory, area, event))
    tracks: dict[str, list[Document]] = defaultdict(list)
    for item in items:
        tracks[str(item["properties"]["sarlra:track"])].append(item)
    scores = {}
    for track, own in sorted(tracks.items()):
        names = [str(item["id"]) for item in own]
        if detections is None:
            table = read_detections(files, names)
        else:
            table = detections[detections["item"].isin(names)]
        scores[track] = _score(files, track, own, table, inventory, dem, progress)
    return Evaluation(event, inventory, scores, notes, score_fused(files, items, inventory, dem))


def _score(
    files: Files,
    track: str,
    items: Sequence[Document],
    table: gpd.GeoDataFrame,
    inventory: Inventory,
    dem: DemSource | None,
    progress: Callable[[int], None],
) -> TrackScore:
    slides = Slides(inventory, dem)
    zones: dict[int, tuple[Geometry | None, Geometry | None]] = {}
    parts, scored = [], 0
    for item in items:
        tile, recipe = grid_of_item(item)
        name = str(item["id"])
        score = read_scores(files, name)
        visibility = read_visibility(files, item)
        if tile.epsg not in zones:
            zones[tile.epsg] = zones_in_utm(inventory, tile.epsg)
        threshold = float(item["properties"]["sarlra:threshold"])
        parts.append(
            windows_of_tile(tile, recipe, score, visibility, threshold, inventory, zones[tile.epsg])
        )
        slides.look(tile, recipe, score, visibility)
        scored += int(np.isfinite(score).sum())
        progress(1)
    hits, found = touching(table.geometry, inventory.landslides.geometry)
    judged = looked_at(table.geometry.to_numpy(), (inventory.mapped, inventory.unmapped))
    seen = table_of(inventory, slides.seen, found)
    facts = [item["properties"] for item in items]
    return TrackScore(
        track=track,
        orbit_state=facts[0]["sat:orbit_state"],
        combination="_".join(facts[0]["sarlra:recipe"]["polarisations"]),
        model=", ".join(sorted({fact["sarlra:model"] for fact in facts})),
        thresholds=tuple(sorted({float(fact["sarlra:threshold"]) for fact in facts})),
        n_pre=tuple(sorted({int(fact["sarlra:n_pre"]) for fact in facts})),
        n_post=tuple(sorted({int(fact["sarlra:n_post"]) for fact in facts})),
        items=len(items),
        scored=scored,
        windows=joined(parts),
        calibration=_calibration(facts),
        detections=score_detections(hits, judged, seen),
        slides=seen,
    )


def _calibration(facts: Sequence[Mapping[str, Any]]) -> Calibration | None:
    found = {calibration_of({"calibration": fact.get("sarlra:calibration")}) for fact in facts}
    return found.pop() if len(found) == 1 else None
