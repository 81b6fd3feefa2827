"""A catalogue of two tiles side by side, for tests that evaluate it."""

from __future__ import annotations

from sarlra.grid import Tile
from sarlra.recipe import Recipe

RECIPE = Recipe(tile_px=512)
TILES = (Tile(32654, 110, 923, 512), Tile(32654, 111, 923, 512))
EVENT = "us2000h8ty"
