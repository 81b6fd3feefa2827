"""Patches of simulated worlds: from a seed to labelled patches, by the same way as real scenes.

Each world is written as an archive would publish it, searched, composited and cut, then thrown
away; the patches of a seed are kept in a cache, so that an interrupted run goes on where it was.
"""

from __future__ import annotations

import hashlib
import json
import logging
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import dask
import geopandas as gpd
import numpy as np

from sarlra import __version__
from sarlra.composites.build import build_composite
from sarlra.events.event import Event
from sarlra.events.resolve import resolve_event
from sarlra.grid import PixelBox
from sarlra.jobs.tiles import plan_tiles
from sarlra.recipe import Recipe
from sarlra.samples.labels import burn
from sarlra.samples.patches import Patches, grid_patches, join
from sarlra.scenes.find import find_scenes
from sarlra.scenes.model import Track
from sarlra.scenes.sources import open_source
from sarlra.simulation.world import simulate

log = logging.getLogger(__name__)


def patches_of_seed(seed: int, recipe: Recipe, cache: Path, size_px: int = 2048) -> Patches:
    """The patches of one simulated world, both directions, from the cache or made anew.

    Parameters
    ----------
    seed, size_px
        Of the world.
    recipe
        Bands, buffers and window of the patches.
    cache
        Folder of ``.npz`` files, one per seed, size, recipe and version; made where absent.
    """
    digest = hashlib.sha256(
        json.dumps([seed, size_px, recipe.hash(), __version__]).encode()
    ).hexdigest()[:16]
    held = cache / f"patches-{seed}-{digest}.npz"
    if held.is_file():
        with np.load(held, allow_pickle=False) as stored:
            return Patches(stored["windows"], stored["labels"], stored["events"])
    with tempfile.TemporaryDirectory(prefix="sarlra-world-") as folder:
        simulate(seed, Path(folder) / "world", size_px=size_px)
        patches = join(list(_of_world(Path(folder) / "world", recipe)))
    cache.mkdir(parents=True, exist_ok=True)
    part = held.with_suffix(".part.npz")
    np.savez(part, windows=patches.windows, labels=patches.labels, events=patches.events)
    part.replace(held)
    log.info("seed %s: %s patches, %s landslide", seed, len(patches), int(patches.labels.sum()))
    return patches


def _of_world(world: Path, recipe: Recipe) -> Iterator[Patches]:
    event = resolve_event(str(world / "event.geojson"))
    inventory = gpd.read_file(world / "inventory.gpkg")
    scenes = find_scenes(event, open_source(str(world / "items.json")), recipe)
    for track in scenes.tracks:
        yield from _of_track(event, track, inventory, recipe)


def _of_track(
    event: Event, track: Track, inventory: gpd.GeoDataFrame, recipe: Recipe
) -> Iterator[Patches]:
    for windows in plan_tiles(event.area, recipe):
        box = _patch_box(windows.box, recipe)
        lazy = build_composite(track, windows.tile, box, recipe, None)
        with ThreadPoolExecutor(2) as pool, dask.config.set(scheduler="threads", pool=pool):
            composite = lazy.compute()
        burnt = burn(inventory, windows.tile, recipe)[box.slices]
        yield grid_patches(composite, burnt, recipe, event.id)


def _patch_box(box: PixelBox, recipe: Recipe) -> PixelBox:
    """The part of a box that the patch grid of its tile fills; the halo is the next tile's."""
    edge, size = recipe.window_px, recipe.tile_px
    return PixelBox(
        box.row0 // edge * edge,
        min(-(-box.row1 // edge) * edge, size),
        box.col0 // edge * edge,
        min(-(-box.col1 // edge) * edge, size),
    )


def balance(patches: Patches, ratio: float, rng: np.random.Generator) -> Patches:
    """Draw background down to ``ratio`` per landslide patch; keeps the order."""
    slides = np.flatnonzero(patches.labels)
    rest = np.flatnonzero(~patches.labels)
    wanted = min(len(rest), round(ratio * len(slides)))
    return patches.take(np.sort(np.concatenate([slides, rng.choice(rest, wanted, replace=False)])))
