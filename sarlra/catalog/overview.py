"""One picture of an event: a panel per track, side by side, with the truth where it is known."""

from __future__ import annotations

import io
import json
import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import geopandas as gpd
import pandas as pd
import rasterio
from matplotlib.figure import Figure

from sarlra.catalog import picture
from sarlra.catalog.coarse import ChangeImage, Mosaic
from sarlra.catalog.names import COLLECTIONS, FILES, asset_path, collection_path, item_path
from sarlra.catalog.quicklook import (
    DPI,
    Caption,
    draw_key,
    furnish,
    key_of,
    shortened,
    write_caption,
)
from sarlra.catalog.sink import Sink
from sarlra.catalog.versions import Document
from sarlra.errors import CatalogError

_LONGEST = 700
_LABELS = 8
_WIDTH, _HEIGHT = 7.6, 7.4
_ABOVE, _BELOW = 0.95, 1.35


@dataclass(frozen=True, slots=True)
class Panel:
    """A track's change and detections (``x``, ``y``, ``score``); ``window`` in metres."""

    title: str
    image: ChangeImage
    detections: pd.DataFrame
    window: float


def draw_event(sink: Sink, event_id: str, truth: gpd.GeoSeries | None = None) -> bytes:
    """Draw the current items of a folded collection, ascending tracks first.

    Parameters
    ----------
    truth
        Polygons to outline, such as an inventory; with a CRS.

    Returns
    -------
    bytes
        A PNG, the same for the same catalogue.

    Raises
    ------
    CatalogError
        There is no such collection, it has no items, or one of their files is missing.
    """
    collection = json.loads(sink.read_bytes(collection_path(event_id)))
    about = collection["sarlra:event"]
    current = [json.loads(sink.read_bytes(item_path(i))) for i in collection["sarlra:current"]]
    if not current:
        raise CatalogError(f"collection {event_id} has no items to draw")
    rel = f"{COLLECTIONS}/{event_id}/{FILES['detections']}"
    merged = gpd.read_parquet(io.BytesIO(sink.read_bytes(rel)))
    found = len(merged)
    caption = Caption(
        head="Possible landslides: "
        + ("none found" if found == 0 else "1 window" if found == 1 else f"{found} windows"),
        lines=(shortened(f"{about['title']}  ·  {', '.join(about['origins'])}", 120),),
        foot=(
            "Score: raw output of a model, 0 to 1; it ranks windows and is no probability. "
            "Numbers are the highest scores."
        ),
    )
    return draw_overview(_panels(sink, current, merged), caption, truth)


def draw_overview(
    panels: Sequence[Panel], caption: Caption, truth: gpd.GeoSeries | None = None
) -> bytes:
    """Draw panels side by side, at most three in a row; a PNG."""
    columns = min(3, len(panels))
    rows = math.ceil(len(panels) / columns)
    width, height = columns * _WIDTH + 0.3, rows * _HEIGHT + _ABOVE + _BELOW
    figure = Figure(figsize=(width, height), dpi=DPI, facecolor="white")
    drawn = None
    for number, panel in enumerate(panels):
        row, column = divmod(number, columns)
        left = (column * _WIDTH + 0.95) / width
        bottom = (_BELOW + (rows - 1 - row) * _HEIGHT + 0.35) / height
        axes = figure.add_axes((left, bottom, (_WIDTH - 1.0) / width, (_HEIGHT - 0.8) / height))
        drawn = picture.draw_change(axes, panel.image)
        if truth is not None and len(truth):
            picture.draw_outlines(axes, truth, panel.image.epsg)
        picture.draw_windows(axes, panel.detections, panel.window, _LABELS)
        axes.set_title(panel.title, fontsize=13, fontweight="bold", loc="left")
        furnish(axes, panel.image.epsg)
    write_caption(figure, caption)
    if drawn is not None:
        place = (0.95 / width, 0.98 / height, min(4.6, width / 2 - 1) / width, 0.19 / height)
        draw_key(figure, drawn, place, key_of(panels[0].window, truth is not None))
    return picture.to_png(figure)


def _panels(sink: Sink, current: Sequence[Document], merged: gpd.GeoDataFrame) -> list[Panel]:
    groups: dict[tuple[str, str, int], list[Document]] = defaultdict(list)
    for document in current:
        properties = document["properties"]
        epsg = int(properties["proj:code"].removeprefix("EPSG:"))
        groups[properties["sat:orbit_state"], properties["sarlra:track"], epsg].append(document)
    return [
        _panel(
            sink,
            *key,
            groups[key],
            merged[(merged["track"] == key[1]) & (merged["epsg"] == key[2])],
        )
        for key in sorted(groups)
    ]


def _panel(
    sink: Sink, orbit: str, track: str, epsg: int, documents: Sequence[Document],
    detections: pd.DataFrame,
) -> Panel:  # fmt: skip
    recipe = documents[0]["properties"]["sarlra:recipe"]
    boxes = [tuple(document["assets"]["change"]["proj:bbox"]) for document in documents]
    mosaic = Mosaic(boxes, epsg, recipe["resolution"], _LONGEST)
    for document, bounds in zip(documents, boxes, strict=True):
        with (
            sink.open(asset_path(str(document["id"]), "change")) as stream,
            rasterio.open(stream) as raster,
        ):
            mosaic.add(raster.read(1), bounds)
    properties = documents[0]["properties"]
    acquisitions = f"{properties['sarlra:n_pre']} before, {properties['sarlra:n_post']} after"
    count = "1 window" if len(detections) == 1 else f"{len(detections)} windows"
    title = f"{track}, {orbit}: {count} ({acquisitions})"
    window = recipe["window_px"] * recipe["resolution"]
    return Panel(title, mosaic.image(), detections, window)
