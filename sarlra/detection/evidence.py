"""The main evidence of a detection, in numbers and in one line of words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
from affine import Affine
from numpy.typing import NDArray

from sarlra.terrain.ground import GroundGrid
from sarlra.terrain.look import look_at
from sarlra.terrain.place import Relief
from sarlra.terrain.slopes import gradients, rise_in_range, slope_aspect
from sarlra.terrain.tile import TileTerrain

#: Slopes in range flatter than this face neither way.
FACING_DEG = 5.0
_FACING = {1: "facing the radar", -1: "facing away from the radar", 0: "across the radar's look"}
_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


@dataclass(frozen=True, slots=True)
class WindowGround:
    """Slopes of a window: ``slope`` and ``toward`` (slope in range, over 0 where it faces the
    radar; None where the geometry is not known), (rows, columns) float32 degrees, NaN = void.
    """

    slope: NDArray[np.float32]
    toward: NDArray[np.float32] | None


def ground_of(terrain: TileTerrain | None, row: int, col: int, edge: int) -> WindowGround | None:
    """The ground of a window whose upper left pixel is (row, col) of the terrain's grid; None
    where no heights are known.
    """
    if terrain is None or terrain.relief is None:
        return None
    relief: Relief = terrain.relief
    # The relief has a rim of one pixel.
    heights = relief.heights[row : row + edge + 2, col : col + edge + 2]
    grid = GroundGrid(
        relief.grid.crs, relief.grid.transform @ Affine.translation(col, row), heights.shape
    )
    east, north = gradients(heights, grid.resolution)
    inner = (slice(1, -1), slice(1, -1))
    slope, _ = slope_aspect(east, north)
    if terrain.view is None:
        return WindowGround(slope[inner], None)
    rise = rise_in_range(east, north, look_at(terrain.view, grid, heights).look_azimuth)
    return WindowGround(slope[inner], np.rad2deg(np.arctan(rise))[inner])


def facing_of(toward: float) -> str:
    """In words, where a slope in range (degrees, over 0 towards the radar) faces; empty for NaN."""
    if not np.isfinite(toward):
        return ""
    return _FACING[0 if abs(toward) < FACING_DEG else int(np.sign(toward))]


def line_of(outline: Mapping[str, Any]) -> str:
    """One line on an outline, such as ``VV rose 3.1 dB over 2.4 ha on a 34 deg slope facing away
    from the radar; one post image``.

    Parameters
    ----------
    outline
        A row of :func:`sarlra.detection.outlines.outline_detections`.
    """
    change = float(outline["change_vv_db"])
    verb = "rose" if change >= 0 else "fell"
    text = f"VV {verb} {abs(change):.1f} dB over {_hectares(float(outline['area_m2']))} ha"
    slope = float(outline.get("slope_deg", np.nan))
    if np.isfinite(slope):
        facing = facing_of(float(outline.get("toward_deg", np.nan)))
        ground = f"a {slope:.0f} deg slope" if slope >= FACING_DEG else "level ground"
        text += f" on {ground}" + (f" {facing}" if facing and slope >= FACING_DEG else "")
    return f"{text}; {_images(int(outline['n_post']))}"


def evidence_of(outlines: gpd.GeoDataFrame, detections: int, scored: int) -> str:
    """The main evidence of an item in one line: that of the outline with the most changed ground
    (score times change times area), and how much more there is.
    """
    if not detections:
        return f"No window over the threshold among {scored:,} scored"
    rest = f"{detections} window{'s' if detections > 1 else ''} over the threshold"
    if outlines.empty:
        return f"{rest}, in none of which the change has an outline"
    weight = outlines["score"] * outlines["change_vv_db"].abs() * outlines["area_m2"]
    first = outlines.loc[int(weight.to_numpy().argmax())]
    return f"{line_of(first.to_dict())} (largest of {len(outlines)} outlines in {rest})"


def _hectares(square_metres: float) -> str:
    hectares = square_metres / 1e4
    return f"{hectares:.1f}" if hectares < 10 else f"{hectares:.0f}"


def _images(number: int) -> str:
    count = _NUMBERS[number] if number < len(_NUMBERS) else str(number)
    return f"{count} post image{'' if number == 1 else 's'}"
