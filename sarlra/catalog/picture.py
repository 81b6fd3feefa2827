"""The pieces of a picture: change image, windows, scale bar, north, coordinates.

Figures are made without pyplot, so that no state is shared between threads, and are saved without
dates or versions, so that equal input gives equal bytes.
"""

from __future__ import annotations

import io
import math
from typing import Any

import geopandas as gpd
import matplotlib.patheffects as effects
import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.collections import PolyCollection
from matplotlib.colors import Colormap, ListedColormap, Normalize, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image
from pyproj import Transformer

from sarlra.catalog.coarse import ChangeImage

#: Changes beyond this are drawn in the last colour.
LIMIT_DB = 5.0
NO_DATA = "#9a9a9a"
WINDOW = "#ffd500"
TRUTH = "#00a651"
INK = "#1a1a1a"
_SHADES = 49
_HALO = [effects.withStroke(linewidth=2.4, foreground="black")]


def palette() -> Image.Image:
    """The fixed colours of a PNG: the shades of change, and those of lines and text on them."""
    shades = colour_map()(np.arange(_SHADES))[:, :3]
    ramps = [np.linspace(0, 1, 24)[:, np.newaxis] * np.ones(3)]
    for colour in (WINDOW, TRUTH):
        full = np.asarray(to_rgb(colour))
        ramps.append(np.linspace(0.12, 1, 12)[:, np.newaxis] * full)
        ramps.append(1 - np.linspace(0.15, 1, 8)[:, np.newaxis] * (1 - full))
    colours = np.concatenate([shades, *ramps, [to_rgb(NO_DATA)]])
    image = Image.new("P", (1, 1))
    image.putpalette(np.rint(colours * 255).astype(np.uint8).tobytes())
    return image


def colour_map() -> Colormap:
    """Blue (darker than before) over white to red (brighter), grey where there is no data."""
    shades = colormaps["RdBu_r"](np.linspace(0.02, 0.98, _SHADES))
    return ListedColormap(shades, name="change").with_extremes(bad=NO_DATA)


def draw_change(axes: Axes, image: ChangeImage) -> ScalarMappable:
    """Draw the image in its own coordinates, on a field that is not narrower than 1:2."""
    left, bottom, right, top = image.bounds
    drawn = axes.imshow(
        np.ma.masked_invalid(image.values),
        extent=(left, right, bottom, top),
        cmap=colour_map(),
        norm=Normalize(-LIMIT_DB, LIMIT_DB),
        interpolation="nearest",
        origin="upper",
    )
    width, height = right - left, top - bottom
    wide, high = (
        max(0.0, (other / 2 - one) / 2) for one, other in ((width, height), (height, width))
    )
    axes.set_xlim(left - wide, right + wide)
    axes.set_ylim(bottom - high, top + high)
    axes.set_facecolor(NO_DATA)
    return drawn


def draw_windows(axes: Axes, windows: pd.DataFrame, size: float, labels: int) -> None:
    """Outline squares of ``size`` metres at ``x``, ``y``, and label the highest scores."""
    if windows.empty:
        return
    ordered = windows.sort_values("score", kind="stable")
    square = np.array([(0, 0), (size, 0), (size, -size), (0, -size)], dtype=np.float64)
    outlines = [square + corner for corner in ordered[["x", "y"]].to_numpy(np.float64)]
    for colour, line in (("black", 2.8), (WINDOW, 1.5)):
        axes.add_collection(
            PolyCollection(outlines, facecolors="none", edgecolors=colour, linewidths=line),
            autolim=False,
        )
    labelled = list(zip(outlines, ordered["score"], strict=True))
    for outline, score in labelled[max(0, len(labelled) - labels) :]:
        axes.text(
            float(outline[:, 0].max()),
            float(outline[:, 1].max()),
            f" {score:.2f}",
            color=WINDOW,
            fontsize=8,
            fontweight="bold",
            va="top",
            path_effects=_HALO,
            clip_on=True,
        )


def draw_outlines(axes: Axes, shapes: gpd.GeoSeries, epsg: int) -> None:
    """Outline polygons, such as those of an inventory."""
    parts = shapes.to_crs(epsg).explode(index_parts=False)
    outlines = [np.asarray(part.exterior.coords) for part in parts if part.geom_type == "Polygon"]
    axes.add_collection(
        PolyCollection(outlines, facecolors="none", edgecolors=TRUTH, linewidths=1.1),
        autolim=False,
    )


def draw_scale(axes: Axes) -> None:
    """A bar of a round length, at most a quarter of the field, in the lower left corner."""
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    length = _round_step((right - left) / 4)
    x, y, thick = (
        left + 0.03 * (right - left),
        bottom + 0.03 * (top - bottom),
        0.009 * (top - bottom),
    )
    text = f"{length / 1000:g} km" if length >= 1000 else f"{length:g} m"
    for start, colour in ((x, "black"), (x + length / 2, "white")):
        axes.add_patch(
            Rectangle((start, y), length / 2, thick, facecolor=colour, edgecolor="black", zorder=5)
        )
    axes.text(
        x + length / 2, y + 1.6 * thick, text, color="white", fontsize=10, fontweight="bold",
        ha="center", path_effects=_HALO, zorder=5,
    )  # fmt: skip


def draw_north(axes: Axes, epsg: int) -> None:
    """An arrow to true north, which is off the grid's by some degrees, in the upper right."""
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    centre = ((left + right) / 2, (bottom + top) / 2)
    lon, lat = Transformer.from_crs(epsg, 4326, always_xy=True).transform(*centre)
    there = Transformer.from_crs(4326, epsg, always_xy=True).transform(lon, lat + 0.01)
    angle = math.atan2(there[0] - centre[0], there[1] - centre[1])
    tip = (0.95 + 0.035 * math.sin(angle), 0.905 + 0.07 * math.cos(angle))
    axes.annotate(
        "", xy=tip, xytext=(0.95, 0.905), xycoords="axes fraction", textcoords="axes fraction",
        arrowprops={"facecolor": "white", "edgecolor": "black", "width": 5, "headwidth": 15},
    )  # fmt: skip
    axes.text(
        0.95, 0.892, "N", transform=axes.transAxes, ha="center", va="top", color="white",
        fontsize=13, fontweight="bold", path_effects=_HALO,
    )  # fmt: skip


def draw_coordinates(axes: Axes, epsg: int) -> None:
    """Ticks at round longitudes (lower edge) and latitudes (left edge)."""
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    inverse = Transformer.from_crs(epsg, 4326, always_xy=True)
    xs, ys = np.linspace(left, right, 101), np.linspace(bottom, top, 101)
    lon = np.unwrap(inverse.transform(xs, np.full(101, bottom))[0], period=360)
    lat = np.asarray(inverse.transform(np.full(101, left), ys)[1])
    for axis, metres, degrees, letters in (
        (axes.xaxis, xs, lon, "EW"),
        (axes.yaxis, ys, lat, "NS"),
    ):
        step = _round_step((degrees[-1] - degrees[0]) / 3)
        first = math.ceil(degrees[0] / step)
        marks = [first * step + i * step for i in range(int((degrees[-1] / step) - first) + 1)]
        digits = max(0, -math.floor(math.log10(step) + 1e-9))
        wrapped = [(mark + 180) % 360 - 180 if letters == "EW" else mark for mark in marks]
        texts = [f"{abs(m):.{digits}f}°{letters[0] if m >= 0 else letters[1]}" for m in wrapped]
        axis.set_ticks([float(np.interp(mark, degrees, metres)) for mark in marks], texts)
    axes.tick_params(labelsize=9, colors=INK, length=4)


def _round_step(length: float) -> float:
    """The largest of 1, 2, 5 x 10^n that is not over a length."""
    power = 10.0 ** math.floor(math.log10(length))
    return max(m * power for m in (1, 2, 5) if m * power <= length * (1 + 1e-9))


def to_png(figure: Figure) -> bytes:
    """The figure as a PNG with a palette: a third of the size, the same picture to the eye."""
    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()
    image = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
    small = image.quantize(palette=palette(), dither=Image.Dither.NONE)
    stream = io.BytesIO()
    small.save(stream, format="PNG", optimize=True)
    return stream.getvalue()
