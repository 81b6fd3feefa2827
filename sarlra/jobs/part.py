"""The patches of one track on one tile, in a folder of their own: what a build goes on from."""

from __future__ import annotations

import hashlib
import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import dask
import numpy as np
from numpy.typing import NDArray

from sarlra import __version__
from sarlra.composites.build import build_composite
from sarlra.composites.terrain_bands import with_terrain
from sarlra.errors import TerrainError
from sarlra.jobs.case_plan import CasePlan, inputs_of
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


def make_part(plan: CasePlan, layers: Layers, cells: Cells, shelf: Path, threads: int = 2) -> Part:
    """Composite a tile for every layer of a track and cut its cells, unless that was done before.

    Parameters
    ----------
    shelf
        Folder of parts; the part gets a folder named by everything that decides it, whole or not
        at all.

    Raises
    ------
    AssetError
        A scene cannot be read.
    TerrainError
        sigma0 on the ellipsoid is wanted and the way to it is not known.
    """
    folder = shelf / _digest(plan, layers, cells)
    if not folder.is_dir():
        begun = folder.with_suffix(".part")
        shutil.rmtree(begun, ignore_errors=True)
        begun.mkdir(parents=True)
        _fill(begun, plan, layers, cells, threads)
        begun.rename(folder)
    with np.load(folder / "cells.npz", allow_pickle=False) as held:
        return Part(folder, held["chosen"], held["landslide"], held["share"], held["hidden"],
                    tuple(str(note) for note in held["notes"]))  # fmt: skip


def _digest(plan: CasePlan, layers: Layers, cells: Cells) -> str:
    facts = [
        __version__,
        {k: v for k, v in plan.facts().items() if k != "tracks"},
        [[recipe.hash(), inputs_of(track)] for recipe, track in layers],
        cells.tile.id,
    ]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:24]


def _fill(folder: Path, plan: CasePlan, layers: Layers, cells: Cells, threads: int) -> None:
    recipe, track = layers[0]
    box = cells.box(recipe.window_px)
    terrain = _terrain(plan, track, cells, recipe, threads)
    burnt = burn(plan.case.inventory.landslides, cells.tile, recipe)
    seen = see_cells(cells, burnt, terrain.visibility, box, recipe)
    landslide, background = classes(cells, seen, recipe)
    chosen = np.flatnonzero(landslide | background)
    held = [_windows(plan, layer, cells, chosen, terrain, folder / f"all-{i}.npy", threads)
            for i, layer in enumerate(layers)] if len(chosen) else []  # fmt: skip
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


def _terrain(
    plan: CasePlan, track: Track, cells: Cells, recipe: Recipe, threads: int
) -> TileTerrain:
    wanted = recipe.radiometry == "sigma0e"
    terrain = tile_terrain(
        track,
        GroundGrid.of(cells.tile, cells.box(recipe.window_px)),
        plan.case.terrain,
        plan.case.source.signing,
        buffer_m=recipe.visibility_buffer,
        sigma0e=wanted,
        threads=threads,
    )
    if wanted and terrain.sigma0e_db is None:
        raise TerrainError(
            f"{plan.case.name}, track {track.id}: the way to sigma0 is not known: "
            f"{'; '.join(terrain.notes)}",
            hint="build the dataset of gamma0, or give a --dem",
        )
    return terrain


def _windows(
    plan: CasePlan,
    layer: tuple[Recipe, Track],
    cells: Cells,
    chosen: NDArray[np.int64],
    terrain: TileTerrain,
    file: Path,
    threads: int,
) -> NDArray[np.bool_]:
    recipe, track = layer
    box = cells.box(recipe.window_px)
    lazy = build_composite(track, cells.tile, box, recipe, plan.case.source.signing)
    with ThreadPoolExecutor(threads) as pool, dask.config.set(scheduler="threads", pool=pool):
        composite = lazy.compute()
    composite = with_terrain(composite, terrain.visibility, terrain.sigma0e_db)
    windows, valid = windows_of(composite, cells.take(chosen), box, recipe)
    np.save(file, windows)
    return valid
