"""Layover and shadow of a place from both directions, as one picture."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LightSource, to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray

from sarlra.terrain.codes import MEANINGS, Visibility
from sarlra.terrain.place import PlaceView, Relief

#: Told apart also in grey and with red-green blindness (Okabe and Ito).
COLOURS = {
    Visibility.ACTIVE_LAYOVER: "#d55e00",
    Visibility.PASSIVE_LAYOVER: "#e69f00",
    Visibility.ACTIVE_SHADOW: "#003f66",
    Visibility.PASSIVE_SHADOW: "#56b4e9",
}
_MOST_PX = 900


def draw_views(relief: Relief, views: Sequence[tuple[str, str, PlaceView]]) -> bytes:
    """A PNG with a panel for each of (title, subtitle, view): the land as shaded relief, with
    distortion in colour and the look's direction as an arrow. Open sea around it is cut off.
    """
    rows_, cols_ = _land(relief.heights)
    step = max(1, -(-max(rows_.stop - rows_.start, cols_.stop - cols_.start) // _MOST_PX))
    part = (slice(rows_.start, rows_.stop, step), slice(cols_.start, cols_.stop, step))
    heights = relief.heights[part]
    metres = relief.grid.resolution * step
    shade = LightSource(315, 45).hillshade(
        np.nan_to_num(heights, nan=0.0), vert_exag=1.0, dx=metres, dy=metres
    )
    rows, cols = heights.shape
    width = 5.2 * len(views)
    figure = Figure(figsize=(width, min(12.0, 5.1 * rows / cols + 1.0)), dpi=110)
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, len(views), squeeze=False)[0]
    for axes, (title, subtitle, view) in zip(panels, views, strict=True):
        _draw(axes, shade, view.visibility[part], heights <= 0)
        look = np.exp(1j * np.deg2rad(view.look_azimuth[part])).mean()
        _arrow(axes, float(np.rad2deg(np.angle(look))))
        axes.set_title(f"{title}\n{subtitle}", fontsize=10)
    legend = [Patch(facecolor=colour, label=MEANINGS[code]) for code, colour in COLOURS.items()]
    figure.legend(handles=legend, loc="lower center", ncols=4, fontsize=9, frameon=False)
    figure.subplots_adjust(left=0.01, right=0.99, bottom=0.08, top=0.91, wspace=0.03)
    stream = io.BytesIO()
    figure.savefig(stream, format="png", metadata={"Software": None})
    return stream.getvalue()


def _land(heights: NDArray[np.float32]) -> tuple[slice, slice]:
    """Rows and columns with land, and a twentieth more; all where there is none."""
    land = heights > 0
    found = []
    for axis, size in enumerate(heights.shape):
        places = np.flatnonzero(land.any(axis=1 - axis))
        first, last = (int(places[0]), int(places[-1]) + 1) if places.size else (0, size)
        margin = (last - first) // 20 + 1
        found.append(slice(max(0, first - margin), min(size, last + margin)))
    return found[0], found[1]


def _draw(
    axes: Axes, shade: NDArray[np.float64], codes: NDArray[np.uint8], sea: NDArray[np.bool_]
) -> None:
    axes.imshow(shade, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    over = np.zeros((*codes.shape, 4))
    over[sea] = to_rgba("#dbe9f1")
    for code, colour in COLOURS.items():
        over[codes == code] = to_rgba(colour, 0.85)
    over[codes == Visibility.OUTSIDE] = (1, 1, 1, 1)
    axes.imshow(over, interpolation="nearest")
    axes.set_xticks([])
    axes.set_yticks([])


def _arrow(axes: Axes, azimuth: float) -> None:
    east, north = np.sin(np.deg2rad(azimuth)), np.cos(np.deg2rad(azimuth))
    axes.annotate(
        "", xy=(0.12 + 0.07 * east, 0.88 + 0.07 * north),
        xytext=(0.12 - 0.07 * east, 0.88 - 0.07 * north), xycoords="axes fraction",
        arrowprops={"facecolor": "white", "edgecolor": "black", "width": 3, "headwidth": 10},
    )  # fmt: skip
