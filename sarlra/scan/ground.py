"""Tiles that a scan may leave out before it searches: open sea, and land without relief."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from affine import Affine

from sarlra.errors import RecipeError, TerrainError
from sarlra.jobs.tiles import TileWindows
from sarlra.scan.cells import CELL_PX, Cell
from sarlra.terrain.choice import DemSource, TerrainChoice
from sarlra.terrain.ground import GroundGrid
from sarlra.terrain.relief import coarse_heights

log = logging.getLogger(__name__)
MAX_RELIEF_M = 9000.0
#: Heights are read every so many pixels of the target grid: 160 m at 10 m.
_STEP_PX = 16


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A tile that is not scanned, and why."""

    tile: TileWindows
    reason: str


@dataclass(frozen=True, slots=True)
class Selection:
    """Which tiles are scanned: all, or not those of open sea, or only those with relief.

    ``min_relief`` is in metres between the lowest and the highest place of a tile; it leaves out
    the sea too.
    """

    skip_sea: bool = False
    min_relief: float = 0.0

    @property
    def everything(self) -> bool:
        """Whether no tile is left out."""
        return not self.skip_sea and self.min_relief <= 0.0


def make_selection(*, skip_sea: bool, min_relief: float, terrain: TerrainChoice) -> Selection:
    """Check what was asked for.

    Raises
    ------
    RecipeError
        The relief makes no sense, or there is no DEM to tell it.
    """
    if not 0.0 <= min_relief <= MAX_RELIEF_M:
        raise RecipeError(f"--min-relief {min_relief:g} m", hint=f"from 0 to {MAX_RELIEF_M:g}")
    selection = Selection(skip_sea, min_relief)
    if terrain.dem is None and not selection.everything:
        raise RecipeError("--skip-sea and --min-relief need heights", hint="give a --dem")
    return selection


def select(
    cell: Cell, selection: Selection, terrain: TerrainChoice
) -> tuple[Cell, tuple[LeftOut, ...]]:
    """The cell without the tiles that are left out, and those.

    A tile whose heights cannot be told (outside a DEM file, say) is scanned: nothing is left out
    because of what is not known.

    Raises
    ------
    SearchError
        A search for heights failed.
    """
    if selection.everything or terrain.dem is None:
        return cell, ()
    heights = _heights(cell, terrain.dem)
    kept: list[TileWindows] = []
    left_out: list[LeftOut] = []
    for windows in cell.tiles:
        inside = None if heights is None else _in_tile(heights, cell, windows)
        reason = None if inside is None else _reason(inside, selection)
        if reason is None:
            kept.append(windows)
        else:
            left_out.append(LeftOut(windows, reason))
    return replace(cell, tiles=tuple(kept)), tuple(left_out)


def _heights(cell: Cell, dem: DemSource) -> npt.NDArray[np.float32] | None:
    """Heights of a whole cell at :data:`_STEP_PX` pixels; None where they cannot be had."""
    size = CELL_PX * cell.tiles[0].tile.resolution
    step = _STEP_PX * cell.tiles[0].tile.resolution
    transform = Affine(step, 0.0, cell.column * size, 0.0, -step, (cell.row + 1) * size)
    n = CELL_PX // _STEP_PX
    grid = GroundGrid(f"EPSG:{cell.epsg}", transform, (n, n))
    try:
        return coarse_heights(dem, grid)
    except TerrainError as error:
        log.warning("cell %s is scanned, as its heights are not known: %s", cell.name, error)
        return None


def _in_tile(
    heights: npt.NDArray[np.float32], cell: Cell, windows: TileWindows
) -> npt.NDArray[np.float32] | None:
    """The heights in a tile; None where it reaches out of its cell, which it may not divide."""
    left, bottom, right, top = windows.tile.bounds
    size, step = CELL_PX * windows.tile.resolution, _STEP_PX * windows.tile.resolution
    west, north = cell.column * size, (cell.row + 1) * size
    row0, row1 = round((north - top) / step), round((north - bottom) / step)
    col0, col1 = round((left - west) / step), round((right - west) / step)
    if row0 < 0 or col1 > heights.shape[1]:
        return None
    return heights[row0:row1, col0:col1]


def _reason(heights: npt.NDArray[np.float32], selection: Selection) -> str | None:
    if not np.isfinite(heights).all():
        return None
    if not (heights != 0.0).any():
        return "open sea"
    relief = float(np.ptp(heights))
    if relief < selection.min_relief:
        return f"a relief of {relief:.0f} m is under {selection.min_relief:g} m"
    return None
