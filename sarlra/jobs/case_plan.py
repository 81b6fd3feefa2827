"""What of a study area goes into a dataset: its cells with their sides, and the tracks to cut."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import Geometry

from sarlra.events.geometry import to_utm
from sarlra.inventories.inventory import check_inside
from sarlra.jobs.cases import Case
from sarlra.jobs.tiles import plan_tiles
from sarlra.recipe import Recipe
from sarlra.samples.cells import Cells, cells_of
from sarlra.samples.draw import wanted
from sarlra.samples.split import SIDE, UNSEEN, priorities, split_blocked, split_random
from sarlra.samples.store import layer_name
from sarlra.scenes.find import find_scenes
from sarlra.scenes.model import OrbitState, Track
from sarlra.scenes.polarisations import choose_polarisations

#: Background cells that are cut for each that is wanted, as some turn out not to be valid.
SLACK = 2.0

Combination = Literal["VV", "VV_VH"]


@dataclass(frozen=True, slots=True)
class Sides:
    """Sides of the cells of a case by name: random split, blocked split, and order of drawing."""

    random: dict[str, str]
    blocked: dict[str, str]
    drawn: dict[str, int]


@dataclass(frozen=True, slots=True)
class CasePlan:
    """What is to be cut of a case.

    ``tracks`` has, for each track by id, what each layer's recipe composites: the same recipes for
    all tracks of one direction. ``tiles`` are the tiles with the cells that may become patches.
    """

    case: Case
    tiles: tuple[Cells, ...]
    sides: Sides
    tracks: tuple[tuple[tuple[Recipe, Track], ...], ...]
    notes: tuple[str, ...]

    def facts(self) -> dict[str, Any]:
        """What decides the case's patches, as JSON values."""
        cells = hashlib.sha256()
        for tile in self.tiles:
            cells.update("".join(tile.names).encode())
            cells.update(tile.share.tobytes())
            cells.update(tile.mapped.tobytes())
        polygons = np.asarray(self.case.inventory.landslides.geometry)
        return {
            "case": self.case.name,
            "role": self.case.role,
            "title": self.case.event.title,
            "origins": [origin.isoformat() for origin in self.case.event.origins],
            "area": hashlib.sha256(self.case.event.area.wkb).hexdigest(),
            "cells": cells.hexdigest(),
            "inventory": hashlib.sha256(b"".join(shapely.to_wkb(polygons))).hexdigest(),
            "terrain": self.case.terrain.facts(),
            "tracks": {
                layers[0][1].id: {layer_name(recipe): inputs_of(track) for recipe, track in layers}
                for layers in self.tracks
            },
        }


def plan_case(case: Case, recipes: tuple[Recipe, ...], seed: int,
              orbits: frozenset[OrbitState]) -> CasePlan:  # fmt: skip
    """Choose the cells and tracks of a case; reads the search, but no scene.

    Raises
    ------
    InputError
        The inventory lies outside the case's area.
    SearchError
        The search failed.
    """
    inventory = case.inventory
    outside = check_inside(inventory, case.event.area, case.name)
    tiles = []
    for windows in plan_tiles(case.event.area, recipes[0]):
        zones = (
            _in_utm(inventory.mapped, windows.tile.epsg),
            _in_utm(inventory.unmapped, windows.tile.epsg),
        )
        cells = cells_of(windows.tile, windows.active, inventory, zones, recipes[0])
        tiles.append(cells.take(cells.landslide | cells.background))
    sides, chosen = _sides(case, tiles, seed)
    kept = [cells.take(np.isin(cells.names, chosen)) for cells in tiles]
    tracks, notes = _tracks(case, recipes, orbits)
    landslides = sum(int(cells.landslide.sum()) for cells in kept)
    notes = [*inventory.notes, *outside, *notes]
    if not landslides:
        notes.append("no cell has more than 5 % of landslide: the case gives no patch")
    return CasePlan(
        case,
        tuple(cells for cells in kept if len(cells)),
        sides,
        tracks,
        tuple(f"{case.name}: {note}" for note in notes),
    )


def _in_utm(zone: Geometry | None, epsg: int) -> Geometry | None:
    return None if zone is None else to_utm(zone, epsg)


def _sides(case: Case, tiles: list[Cells], seed: int) -> tuple[Sides, NDArray[np.str_]]:
    """The side of every cell, and the names of those that may be drawn."""
    if not any(len(cells) for cells in tiles):
        return Sides({}, {}, {}), np.array([], dtype=str)
    names = np.concatenate([cells.names for cells in tiles])
    slides = np.concatenate([cells.landslide for cells in tiles])
    if case.role == "unseen":
        random = blocked = np.full(len(names), UNSEEN, dtype=SIDE)
    else:
        random = split_random(seed, case.name, names, slides)
        blocked = split_blocked(seed, case.name, names, slides)
    drawn = priorities(seed, case.name, "background", list(names))
    chosen = wanted(random, slides, drawn, SLACK) | wanted(blocked, slides, drawn, SLACK)
    found = Sides(
        dict(zip(names.tolist(), random.tolist(), strict=True)),
        dict(zip(names.tolist(), blocked.tolist(), strict=True)),
        dict(zip(names.tolist(), drawn.tolist(), strict=True)),
    )
    return found, names[chosen]


def _tracks(
    case: Case, recipes: tuple[Recipe, ...], orbits: frozenset[OrbitState]
) -> tuple[tuple[tuple[tuple[Recipe, Track], ...], ...], list[str]]:
    """Tracks that every recipe compared in their direction has, and what was left out."""
    found = [_search(case, recipe, orbits) for recipe in recipes]
    notes: list[str] = []
    tracks: dict[str, tuple[tuple[Recipe, Track], ...]] = {}
    for orbit in sorted(orbits):
        own = [
            {name: track for name, track in tracks_of.items() if track.orbit_state == orbit}
            for tracks_of in found
        ]
        kept, said = _comparable(recipes, own, orbit)
        notes += said
        names = sorted({name for index in kept for name in own[index]})
        for name in names:
            lacking = [layer_name(recipes[i]) for i in kept if name not in own[i]]
            if lacking:
                notes.append(f"track {name} is left out: it gives no {', '.join(lacking)}")
            else:
                tracks[name] = tuple((recipes[i], own[i][name]) for i in kept)
    return tuple(tracks[name] for name in sorted(tracks)), notes


def _search(case: Case, recipe: Recipe, orbits: frozenset[OrbitState]) -> dict[str, Track]:
    single = recipe.model_copy(update={"polarisations": ("VV",)})
    scenes = find_scenes(case.event, case.source, single, orbits=orbits)
    chosen = choose_polarisations(scenes, recipe.combination)
    return {track.id: track for track in chosen.scenes.tracks}


def _comparable(
    recipes: tuple[Recipe, ...], own: list[dict[str, Track]], orbit: OrbitState
) -> tuple[list[int], list[str]]:
    """The recipes that a direction is compared in: polarisations that it has nowhere drop out."""
    has = {r.combination for r, tracks in zip(recipes, own, strict=True) if tracks}
    notes = [
        f"{orbit} passes have no {combination}"
        for combination in sorted({r.combination for r in recipes} - has)
    ]
    return list(_with(recipes, has)), notes


def _with(recipes: tuple[Recipe, ...], has: set[Combination]) -> Iterator[int]:
    for index, recipe in enumerate(recipes):
        if recipe.combination in has:
            yield index


def inputs_of(track: Track) -> list[list[str]]:
    """Ids and addresses of everything that a track's composite is made of."""
    return [
        [track.id, acquisition.id, part.item_id, *sorted(href for _, href in part.assets)]
        for acquisition in (*track.pre, *track.post)
        for part in acquisition.slices
    ]
