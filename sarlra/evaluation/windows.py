"""The windows of a run that do not overlap, with their class in an inventory.

Even rows and columns of the lattice: the cells of the patch grid. Landslide: over 5 % of a
window's pixels are landslide that the track sees; background: no landslide pixel of the inventory
as it is; what is between is neither. Only windows with a score count, and only where somebody
looked: wholly inside what was mapped, clear of what was hidden (method: paper, section 3.2).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from shapely import Geometry

from sarlra.events.geometry import to_utm
from sarlra.grid import PixelBox, Tile
from sarlra.inventories.inventory import Inventory
from sarlra.models.metrics import Counts, count
from sarlra.recipe import Recipe
from sarlra.samples.cells import cells_of
from sarlra.samples.cut import classes, see_cells
from sarlra.samples.draw import TEST_RATIO, ratios
from sarlra.samples.labels import burn
from sarlra.samples.split import priorities


@dataclass(frozen=True, slots=True)
class Windows:
    """Windows of known class; all arrays have the length n.

    Parameters
    ----------
    score
        float32 in [0, 1].
    over
        bool: the score is over the threshold of the window's item.
    landslide
        bool: landslide or background.
    drawn
        uint64: orders the background; the same for the same window of the UTM zone.
    """

    score: NDArray[np.float32]
    over: NDArray[np.bool_]
    landslide: NDArray[np.bool_]
    drawn: NDArray[np.uint64]

    def __len__(self) -> int:
        return len(self.score)

    def take(self, chosen: NDArray[np.bool_]) -> Windows:
        """Some of the windows."""
        return Windows(
            self.score[chosen], self.over[chosen], self.landslide[chosen], self.drawn[chosen]
        )

    def counts(self) -> Counts:
        """Right and wrong answers."""
        # "Over the threshold" was settled per item: here it is a score of 1 against one of 0.
        return count(self.over.astype(np.float32), self.landslide, 0.5)

    def thinned(self, ratio: float = TEST_RATIO) -> Windows:
        """With at most ``ratio`` background windows per landslide window; the same ones each time.

        Where there is no landslide window, there is no such ratio and nothing is left.
        """
        sides = np.full(len(self), "test")
        return self.take(ratios(sides, self.landslide, self.drawn) <= ratio)


def zones_in_utm(inventory: Inventory, epsg: int) -> tuple[Geometry | None, Geometry | None]:
    """What an inventory says was mapped, and what could not be seen, in a UTM zone."""
    mapped, unmapped = (
        None if zone is None else to_utm(zone, epsg)
        for zone in (inventory.mapped, inventory.unmapped)
    )
    return mapped, unmapped


def windows_of_tile(
    tile: Tile,
    recipe: Recipe,
    score: NDArray[np.float32],
    visibility: NDArray[np.uint8] | None,
    threshold: float,
    inventory: Inventory,
    zones: tuple[Geometry | None, Geometry | None],
) -> Windows:
    """The windows of one item.

    Parameters
    ----------
    score
        ``(n, n)`` float32, the tile's lattice; NaN is no score.
    visibility
        ``(size, size)`` uint8 codes on the tile's pixels; None where not known: then all is seen.
    zones
        What was mapped and what was hidden, in the tile's CRS; None where not known.
    """
    cells = cells_of(tile, np.isfinite(score), inventory, zones, recipe)
    if not len(cells):
        return nothing()
    burnt = burn(inventory.landslides, tile, recipe)
    box = PixelBox(0, tile.size_px, 0, tile.size_px)
    landslide, background = classes(cells, see_cells(cells, burnt, visibility, box, recipe), recipe)
    use = (landslide & cells.mapped) | background
    chosen = cells.take(use)
    stride = recipe.stride_px
    own = score[chosen.rows // stride, chosen.cols // stride]
    drawn = priorities(0, "", "evaluation", list(chosen.names))
    return Windows(own, own > threshold, landslide[use], drawn)


def nothing() -> Windows:
    """No windows."""
    return Windows(
        np.empty(0, np.float32), np.empty(0, bool), np.empty(0, bool), np.empty(0, np.uint64)
    )


def joined(parts: list[Windows]) -> Windows:
    """The windows of several items."""
    parts = parts or [nothing()]
    return Windows(
        np.concatenate([part.score for part in parts]),
        np.concatenate([part.over for part in parts]),
        np.concatenate([part.landslide for part in parts]),
        np.concatenate([part.drawn for part in parts]),
    )
