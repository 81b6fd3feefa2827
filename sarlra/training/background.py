"""The background of a model's explanations: windows in which no slope failed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sarlra.detection.composite_file import open_composite
from sarlra.errors import InputError
from sarlra.evaluation.low_change import low_change_windows
from sarlra.models.background import COUNT, spread_over_level
from sarlra.models.fill import fill_nodata
from sarlra.models.registry import ModelInfo
from sarlra.recipe import make_recipe
from sarlra.samples.rendered import rendered_world
from sarlra.samples.store import open_dataset
from sarlra.training.worlds import World, has_bands, make_split

F32 = NDArray[np.float32]
Show = Callable[[str, int, int], None]


def from_composite(path: Path, info: ModelInfo) -> F32:
    """Windows of a composite (as ``sarlra score`` takes it) in which little changed.

    Raises
    ------
    InputError
        It cannot be read, or has too few windows.
    """
    with open_composite(path, info.bands, info.name) as composite:
        return low_change_windows(composite, info.bands, make_recipe())


def from_dataset(folder: Path, info: ModelInfo, buffers: tuple[int, int]) -> F32:
    """Background patches of a dataset (``sarlra dataset build``) of the model's directions.

    Raises
    ------
    InputError
        There is no dataset, or no background patch of the model's bands and directions in it.
    """
    dataset = open_dataset(folder)
    array = dataset.array(f"{info.combination}/{buffers[0]}-{buffers[1]}")
    table = dataset.table
    own = ~table["landslide"] & table[f"has_{info.combination}"]
    own &= table["orbit_state"].isin(info.orbit_states)
    rows = np.flatnonzero(own.to_numpy())
    if not len(rows):
        raise InputError(f"dataset {folder} has no background patch for {info.name}")
    # Some thousand are enough to choose from: the rest need not be read.
    rows = rows[np.linspace(0, len(rows) - 1, min(len(rows), 32 * COUNT)).round().astype(int)]
    windows = np.asarray(array.oindex[np.unique(rows)], dtype=np.float32)
    return spread_over_level(fill_nodata(windows, info.bands))


def from_simulation(info: ModelInfo, show: Show = lambda *_: None, size_px: int = 2048) -> F32:
    """Background patches of the simulated worlds that validation takes (:func:`make_split`): one
    of each event to learn from, as many of each; for models that were trained on simulation.
    """
    worlds = [w for w in make_split(0, 1, 0).validation if has_bands(w, info.combination)]
    each = -(-COUNT // len(worlds))
    parts = []
    for number, world in enumerate(worlds):
        show("simulated worlds", number, len(worlds))
        parts.append(_of_world(world, info, each, size_px))
    show("simulated worlds", len(worlds), len(worlds))
    return spread_over_level(np.concatenate(parts))


def _of_world(world: World, info: ModelInfo, number: int, size_px: int) -> F32:
    recipe = make_recipe(polarisations=tuple(info.combination.split("_")))
    buffers = (recipe.pre_days, recipe.post_days)
    tracks = rendered_world(
        world.profile, world.seed, recipe, [buffers], size_px=size_px, product=world.product
    )
    own = [t for t in tracks if t.orbit_state in info.orbit_states]
    windows = np.concatenate([t.windows[buffers][t.share == 0] for t in own])
    return spread_over_level(fill_nodata(windows, recipe.bands), number)
