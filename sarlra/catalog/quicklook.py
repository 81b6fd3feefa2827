"""The quick-look of an item: the windows that were detected over the change image."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import geopandas as gpd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from sarlra.catalog import coarse, picture
from sarlra.catalog.coarse import ChangeImage
from sarlra.catalog.rasters import Raster
from sarlra.events.event import Event
from sarlra.scenes.model import Acquisition, Track

_LONGEST = 900
LABELS = 12
DPI = 100


@dataclass(frozen=True, slots=True)
class Caption:
    """What stands around the image: head in bold, lines below it, and the small print."""

    head: str
    lines: tuple[str, ...]
    foot: str


def caption_of(
    event: Event,
    track: Track,
    tile_id: str,
    found: int,
    threshold: float,
    model: str,
    source: str,
) -> Caption:
    """The texts of an item's quick-look."""
    what = "none found" if found == 0 else "1 window" if found == 1 else f"{found} windows"
    return Caption(
        head=f"Possible landslides: {what}",
        lines=(
            shortened(f"{event.title}  ·  {times(event.origins)}", 100),
            f"Track {track.id} ({track.orbit_state})  ·  tile {tile_id}",
            f"Before: {_acquisitions(track.pre)}  ·  after: {_acquisitions(track.post)}",
        ),
        foot=(
            f"Windows with a score over {threshold:g}; numbers are the {LABELS} highest scores. "
            f"Score: raw output of model {shortened(model, 40)}, 0 to 1;\n"
            "it ranks windows and is no probability. Not checked on the ground. "
            f"Images from {shortened(source.rstrip('/').rsplit('/', 1)[-1], 40)}."
        ),
    )


def image_of(change: Raster) -> ChangeImage:
    """The first band of what :func:`sarlra.catalog.rasters.change_raster` gives, to be drawn."""
    return coarse.reduce(change.values[0], change.bounds, change.epsg, _LONGEST)


def draw_quicklook(
    image: ChangeImage, detections: gpd.GeoDataFrame, size: float, caption: Caption
) -> bytes:
    """Draw a change image with the detections.

    Parameters
    ----------
    image
        Of :func:`image_of`.
    detections
        With ``score`` and the upper left corners ``x``, ``y``; may be empty.
    size
        Edge of a window in metres.

    Returns
    -------
    bytes
        A PNG of about 1,000 x 1,200 px, the same for the same arguments.
    """
    figure = Figure(figsize=(10.0, 12.2), dpi=DPI, facecolor="white")
    axes = figure.add_axes((0.085, 0.155, 0.885, 0.725))
    drawn = picture.draw_change(axes, image)
    picture.draw_windows(axes, detections, size, LABELS)
    furnish(axes, image.epsg)
    write_caption(figure, caption)
    draw_key(figure, drawn, (0.085, 0.098, 0.40, 0.016), key_of(size))
    return picture.to_png(figure)


def furnish(axes: Axes, epsg: int) -> None:
    """Scale bar, north arrow and coordinates."""
    picture.draw_scale(axes)
    picture.draw_north(axes, epsg)
    picture.draw_coordinates(axes, epsg)


def write_caption(figure: Figure, caption: Caption) -> None:
    """The texts above and below the image."""
    step = 0.265 / figure.get_figheight()
    top = 1 - 0.3 / figure.get_figheight()
    left = 0.85 / figure.get_figwidth()
    figure.text(
        left, top, caption.head, fontsize=16, fontweight="bold", va="center", parse_math=False
    )
    for number, line in enumerate(caption.lines, start=1):
        figure.text(
            left, top - (number + 0.15) * step, line, fontsize=11, va="center", parse_math=False
        )
    foot = 0.12 / figure.get_figheight()
    figure.text(
        left, foot, caption.foot, fontsize=9, color="#444444", va="bottom", parse_math=False
    )


def draw_key(
    figure: Figure,
    drawn: ScalarMappable,
    place: tuple[float, float, float, float],
    entries: list[Patch],
) -> None:
    """The bar of colours at ``place`` (left, bottom, width, height) and the legend beside it."""
    bar = figure.colorbar(
        drawn, cax=figure.add_axes(place), orientation="horizontal", extend="both"
    )
    bar.set_label("Change of backscatter VV in dB (blue: darker, red: brighter)", fontsize=10)
    bar.ax.tick_params(labelsize=9)
    left, bottom, width, _ = place
    figure.legend(
        handles=entries, loc="center left", bbox_to_anchor=(left + width + 0.03, bottom),
        fontsize=10, frameon=False, handlelength=1.6,
    )  # fmt: skip


def key_of(size: float, truth_shown: bool = False) -> list[Patch]:
    """The legend's entries; ``size`` is a window's edge in metres."""
    outlines = [(picture.WINDOW, f"Detected window, {size:g} m")]
    if truth_shown:
        outlines.append((picture.TRUTH, "True landslide"))
    entries = [
        Patch(facecolor="none", edgecolor=colour, linewidth=2, label=label)
        for colour, label in outlines
    ]
    return [*entries, Patch(facecolor=picture.NO_DATA, label="Not observed")]


def shortened(text: str, longest: int) -> str:
    """The text on one line, cut with an ellipsis."""
    line = " ".join(text.split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def times(moments: tuple[datetime, ...]) -> str:
    """Origin times to the minute."""
    return ", ".join(f"{moment:%Y-%m-%d %H:%M}" for moment in moments) + " UTC"


def _acquisitions(listed: tuple[Acquisition, ...]) -> str:
    first, last = (f"{moment.datetime:%Y-%m-%d}" for moment in (listed[0], listed[-1]))
    if len(listed) == 1:
        return f"1 acquisition ({first})"
    return f"{len(listed)} acquisitions ({first} to {last})"
