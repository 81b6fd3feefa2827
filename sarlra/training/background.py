"""The background of a model's explanations: windows in which no slope failed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sarlra.detection.composite_file import open_composite
from sarlra.errors import InputError
from sarlra.evaluation.low_change import low_change_windows
from sarlra.models.background import COUNT, spread_over_level
from sarlra.models.fill import fill_nodata
from sarlra.models.info import ModelInfo
from sarlra.recipe import Recipe, make_recipe
from sarlra.samples.rendered import Rendered, rendered_world
from sarlra.samples.store import open_dataset
from sarlra.training.worlds import has_bands, make_split, world_recipe

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


def from_simulation(
    infos: Sequence[ModelInfo], show: Show = lambda *_: None, size_px: int = 2048
) -> list[F32]:
    """Background patches of the simulated worlds that validation takes (:func:`make_split`), for
    each of some models: as many of each event to learn from whose radar has the model's bands.

    Each world is rendered once for all models.
    """
    worlds = make_split(0, 1, 0).validation
    own = [[w for w in worlds if has_bands(w, info.combination)] for info in infos]
    parts: list[list[F32]] = [[] for _ in infos]
    for number, world in enumerate(worlds):
        show("simulated worlds", number, len(worlds))
        recipe = world_recipe(world)
        buffers = (recipe.pre_days, recipe.post_days)
        tracks = rendered_world(
            world.profile, world.seed, recipe, [buffers], size_px=size_px, product=world.product
        )
        for info, chosen, part in zip(infos, own, parts, strict=True):
            if world in chosen:
                part.append(_quiet(tracks, info, recipe, -(-COUNT // len(chosen))))
    show("simulated worlds", len(worlds), len(worlds))
    return [spread_over_level(np.concatenate(part)) for part in parts]


def _quiet(tracks: Sequence[Rendered], info: ModelInfo, recipe: Recipe, number: int) -> F32:
    """So many windows without landslides, of a model's directions and with its bands."""
    buffers = (recipe.pre_days, recipe.post_days)
    own = [t for t in tracks if t.orbit_state in info.orbit_states]
    windows = np.concatenate([t.windows[buffers][t.share == 0] for t in own])
    bands = [recipe.bands.index(band) for band in info.bands]
    return spread_over_level(fill_nodata(windows[..., bands], info.bands), number)
