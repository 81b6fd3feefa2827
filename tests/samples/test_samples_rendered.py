"""Rendered patches are those of the same world published, searched, composited and cut."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sarlra.composites.build import build_composite
from sarlra.events.resolve import resolve_event
from sarlra.grid import PixelBox, Tile
from sarlra.inventories.read import read_inventory
from sarlra.recipe import Recipe
from sarlra.samples.labels import burn
from sarlra.samples.patches import cut_patches
from sarlra.samples.rendered import rendered_world
from sarlra.scenes.find import find_scenes
from sarlra.scenes.sources import open_source
from sarlra.simulation.world import simulate

SEED, SIZE = 31, 640
# The default event lies on the edge of two tiles of the usual size.
RECIPE = Recipe(tile_px=8192)


def _tile(x: float, y: float, epsg: int) -> Tile:
    size = RECIPE.tile_px * RECIPE.resolution
    return Tile(epsg, int(x // size), int(y // size), RECIPE.tile_px)


@pytest.mark.slow
def test_both_ways_give_the_same_patches(tmp_path: Path) -> None:
    world = simulate(SEED, tmp_path / "world", size_px=SIZE)
    rendered = {
        track.orbit_state: track
        for track in rendered_world("default", SEED, RECIPE, [(60, 12)], size_px=SIZE)
    }
    left, bottom, right, top = world.bounds
    edge = RECIPE.window_px * RECIPE.resolution
    west, east = -(-left // edge) * edge, right // edge * edge
    south, north = -(-bottom // edge) * edge, top // edge * edge
    tile = _tile(west, north - 1, world.epsg)
    row0, col0 = round((tile.bounds[3] - north) / 10), round((west - tile.bounds[0]) / 10)
    box = PixelBox(row0, row0 + round((north - south) / 10), col0, col0 + round((east - west) / 10))
    burnt = burn(read_inventory(world.inventory).landslides, tile, RECIPE)
    event = resolve_event(str(world.event))
    tracks = find_scenes(event, open_source(str(world.items)), RECIPE).tracks
    assert {track.orbit_state for track in tracks} == set(rendered)
    for track in tracks:
        ours = rendered[track.orbit_state]
        assert (len(track.pre), len(track.post)) == ours.acquisitions[(60, 12)]
        composite = build_composite(track, tile, box, RECIPE, None).compute(scheduler="threads")
        bands = np.stack([composite[name].values for name in RECIPE.bands], axis=-1)
        windows, share = cut_patches(bands, burnt[box.slices], RECIPE)
        kept = np.isnan(windows).any(axis=-1).mean(axis=(1, 2)) <= RECIPE.max_nodata
        assert len(ours.share) == kept.sum() > 40
        np.testing.assert_allclose(ours.share, share[kept], atol=0.003)
        left_, right_ = ours.windows[(60, 12)], windows[kept]
        both = np.isfinite(left_) & np.isfinite(right_)
        assert both.mean() > 0.97
        assert np.abs(left_ - right_)[both].max() < 0.01
