"""The patches of one track on one tile, in a folder of their own: what a build goes on from."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sarlra import __version__
from sarlra.composites.build import build_composite, compute
from sarlra.composites.quality import Quality, corrections_of, kept_track
from sarlra.composites.terrain_bands import with_terrain
from sarlra.errors import OutputError, TerrainError
from sarlra.jobs.case_plan import CasePlan, inputs_of
from sarlra.jobs.cases import Case
from sarlra.jobs.quality import Judging, judging_of
from sarlra.recipe import Recipe
from sarlra.samples.cells import Cells
from sarlra.samples.cut import Seen, classes, see_cells, windows_of
from sarlra.samples.labels import burn
from sarlra.scenes.model import Track
from sarlra.terrain.ground import GroundGrid
from sarlra.terrain.tile import TileTerrain, tile_terrain

Layers = tuple[tuple[Recipe, Track], ...]


@dataclass(frozen=True, slots=True)
class Part:
    """Patches that are valid in every layer of a track on a tile, and of one of the two classes.

    ``chosen`` are their places among the tile's cells; ``landslide``, ``share`` and ``hidden`` go
    with them. The windows of layer i lie in ``folder/i.npy``, a row for each of ``chosen``.
    """

    folder: Path
    chosen: NDArray[np.int64]
    landslide: NDArray[np.bool_]
    share: NDArray[np.float64]
    hidden: NDArray[np.float64]
    notes: tuple[str, ...]

    def windows(self, layer: int, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Some of the windows of a layer."""
        held: NDArray[np.float32] = np.load(self.folder / f"{layer}.npy", mmap_mode="r")
        return np.asarray(held[rows])


@dataclass(frozen=True, slots=True)
class PartWork:
    """What one part is made of: picklable, so that it can be made on any worker.

    ``facts`` are those of the case's plan but for its tracks; ``shelf`` is the folder of parts,
    which every worker has to reach. ``verdicts`` are those on the acquisitions of each layer; none
    where its recipe does not ask for them.
    """

    case: Case
    facts: dict[str, Any]
    layers: Layers
    cells: Cells
    shelf: Path
    verdicts: tuple[tuple[Quality, ...], ...]
    threads: int = 2


def judgings(plan: CasePlan) -> Iterator[Judging]:
    """How the acquisitions of a case are judged: of each layer of each track, in their order."""
    area, signing = plan.case.event.area, plan.case.source.signing
    for layers in plan.tracks:
        for recipe, track in layers:
            if recipe.quality:
                yield judging_of(track, area, recipe, signing)


def part_works(
    plan: CasePlan, shelf: Path, judged: Iterator[tuple[Quality, ...]]
) -> Iterator[PartWork]:
    """The parts of a case, in the order of tracks and tiles.

    Parameters
    ----------
    judged
        What came of its :func:`judgings`; as many are taken.
    """
    facts = {name: value for name, value in plan.facts().items() if name != "tracks"}
    for layers in plan.tracks:
        verdicts = tuple(next(judged) if recipe.quality else () for recipe, _ in layers)
        for cells in plan.tiles:
            yield PartWork(plan.case, facts, layers, cells, shelf, verdicts)


def make_part(work: PartWork) -> Part:
    """Composite a tile for every layer of a track and cut its cells, unless that was done before.

    The part gets a folder of the shelf named by everything that decides it, whole or not at all.

    Raises
    ------
    AssetError
        A scene cannot be read.
    OutputError
        The shelf cannot be written.
    TerrainError
        sigma0 on the ellipsoid is wanted and the way to it is not known.
    """
    folder = work.shelf / _digest(work)
    try:
        if not folder.is_dir():
            _make(work, folder)
    except OSError as error:
        raise OutputError(f"dataset at {work.shelf.parent} cannot be written: {error}") from error
    with np.load(folder / "cells.npz", allow_pickle=False) as held:
        return Part(folder, held["chosen"], held["landslide"], held["share"], held["hidden"],
                    tuple(str(note) for note in held["notes"]))  # fmt: skip


def _make(work: PartWork, folder: Path) -> None:
    """Made aside and renamed: another worker may be making the same one, after this one died."""
    work.shelf.mkdir(parents=True, exist_ok=True)
    begun = Path(tempfile.mkdtemp(suffix=".part", dir=work.shelf))
    try:
        _fill(begun, work)
        if not folder.is_dir():
            begun.rename(folder)
    finally:
        shutil.rmtree(begun, ignore_errors=True)


def _digest(work: PartWork) -> str:
    facts = [
        __version__,
        work.facts,
        [[recipe.hash(), inputs_of(track)] for recipe, track in work.layers],
        work.cells.tile.id,
    ]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:24]


def _fill(folder: Path, work: PartWork) -> None:
    layers, cells = work.layers, work.cells
    recipe, track = layers[0]
    box = cells.box(recipe.window_px)
    terrain = _terrain(work, track, recipe)
    burnt = burn(work.case.inventory.landslides, cells.tile, recipe)
    seen = see_cells(cells, burnt, terrain.visibility, box, recipe)
    landslide, background = classes(cells, seen, recipe)
    chosen = np.flatnonzero(landslide | background)
    held = [_windows(work, i, chosen, terrain, folder / f"all-{i}.npy")
            for i in range(len(layers))] if len(chosen) else []  # fmt: skip
    good = np.flatnonzero(np.logical_and.reduce(held)) if held else np.array([], dtype=np.int64)
    for index in range(len(layers)) if len(chosen) else ():
        everything = np.load(folder / f"all-{index}.npy", mmap_mode="r")
        np.save(folder / f"{index}.npy", everything[good])
        del everything
        (folder / f"all-{index}.npy").unlink()
    _save_cells(folder, chosen[good], landslide, seen, terrain.notes)


def _save_cells(
    folder: Path,
    chosen: NDArray[np.int64],
    landslide: NDArray[np.bool_],
    seen: Seen,
    notes: tuple[str, ...],
) -> None:
    np.savez(
        folder / "cells.npz",
        chosen=chosen,
        landslide=landslide[chosen],
        share=seen.share[chosen],
        hidden=seen.hidden[chosen],
        notes=np.array(notes, dtype=str),
    )


def _terrain(work: PartWork, track: Track, recipe: Recipe) -> TileTerrain:
    wanted = recipe.radiometry == "sigma0e"
    terrain = tile_terrain(
        track,
        GroundGrid.of(work.cells.tile, work.cells.box(recipe.window_px)),
        work.case.terrain,
        work.case.source.signing,
        buffer_m=recipe.visibility_buffer,
        sigma0e=wanted,
        threads=work.threads,
    )
    if wanted and terrain.sigma0e_db is None:
        raise TerrainError(
            f"{work.case.name}, track {track.id}: the way to sigma0 is not known: "
            f"{'; '.join(terrain.notes)}",
            hint="build the dataset of gamma0, or give a --dem",
        )
    return terrain


def _windows(
    work: PartWork,
    index: int,
    chosen: NDArray[np.int64],
    terrain: TileTerrain,
    file: Path,
) -> NDArray[np.bool_]:
    (recipe, track), verdicts = work.layers[index], work.verdicts[index]
    cells = work.cells
    box = cells.box(recipe.window_px)
    used = kept_track(track, verdicts)
    lazy = build_composite(
        used, cells.tile, box, recipe, work.case.source.signing, corrections_of(verdicts)
    )
    composite = compute(lazy, used, work.threads)
    composite = with_terrain(composite, terrain.visibility, terrain.sigma0e_db)
    windows, valid = windows_of(composite, cells.take(chosen), box, recipe)
    np.save(file, windows)
    return valid
