"""Outlines against true landslides, window by window, beside a plain threshold on change.

A detected window's outlines are burnt onto its pixels and held against the inventory's. The plain
way is |change of VV|, smoothed by a Gaussian of 2 pixels, over a threshold, clusters under 20
pixels dropped, as the outlines' are; its threshold is the one that is best on these very windows,
so that it is as good as it can be.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
from affine import Affine
from numpy.typing import NDArray
from rasterio.features import rasterize
from scipy import ndimage

from sarlra.catalog.names import asset_path
from sarlra.catalog.read import Files, grid_of_item, read_detections, read_outlines, read_raster
from sarlra.detection.change import LEAST_PX
from sarlra.inventories.inventory import Inventory
from sarlra.samples.cells import looked_at

Mask = NDArray[np.bool_]
Document = dict[str, Any]

SIGMA_PX = 2.0
THRESHOLDS_DB = tuple(float(t) for t in np.arange(0.5, 6.01, 0.25))


@dataclass(frozen=True, slots=True)
class Overlap:
    """How well masks of windows meet the truth, over windows with at least 20 true pixels.

    Parameters
    ----------
    windows
        How many.
    iou
        Intersection over union of all their pixels together.
    iou_median
        Median over the windows.
    area_bias
        Area of the masks over the true area, minus 1.
    centroid_m
        Median distance between the middles of mask and truth, metres; NaN without any mask.
    empty
        Windows without any mask.
    """

    windows: int
    iou: float
    iou_median: float
    area_bias: float
    centroid_m: float
    empty: int

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "windows": self.windows,
            "iou": round(self.iou, 4),
            "iou_median": round(self.iou_median, 4),
            "area_bias": round(self.area_bias, 4),
            "centroid_m": round(self.centroid_m, 1) if np.isfinite(self.centroid_m) else None,
            "windows_without": self.empty,
        }


@dataclass(frozen=True, slots=True)
class OutlineScore:
    """Outlines of a track, and the plain threshold (dB) that is best on the same windows."""

    outlines: Overlap
    plain: Overlap
    threshold_db: float

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "outlines": self.outlines.as_json(),
            "plain_threshold": self.plain.as_json() | {"threshold_db": self.threshold_db},
        }


@dataclass(frozen=True, slots=True)
class _Window:
    """(rows, columns) each: true landslide, outlines, and smoothed change in dB."""

    truth: Mask
    own: Mask
    change: NDArray[np.float64]


def score_outlines(
    files: Files,
    items: Sequence[Document],
    truth: Inventory,
    progress: Callable[[int], None] = lambda _: None,
) -> OutlineScore | None:
    """Score the outlines of the items of a track; None where no item has any, or no detected
    window holds a landslide.

    Raises
    ------
    CatalogError
        A file of an item cannot be read.
    """
    found: list[_Window] = []
    resolution = 10.0
    for item in items:
        if "outlines" in item["assets"]:
            resolution = grid_of_item(item)[0].resolution
            found += _windows(files, item, truth)
        progress(1)
    use = [window for window in found if window.truth.sum() >= LEAST_PX]
    if not use:
        return None
    truths = np.stack([window.truth for window in use])
    level = np.stack([window.change for window in use])
    plain = {t: overlap(np.stack([large(w > t) for w in level]), truths, resolution)
             for t in THRESHOLDS_DB}  # fmt: skip
    best = max(plain, key=lambda t: plain[t].iou)
    ours = overlap(np.stack([window.own for window in use]), truths, resolution)
    return OutlineScore(ours, plain[best], best)


def overlap(masks: Mask, truths: Mask, resolution: float) -> Overlap:
    """Compare masks with truths, ``(n, rows, columns)``; pixels of ``resolution`` metres."""
    both = (masks & truths).sum(axis=(1, 2))
    either = (masks | truths).sum(axis=(1, 2))
    sizes, wanted = masks.sum(axis=(1, 2)), truths.sum(axis=(1, 2))
    apart = [
        np.hypot(*(np.argwhere(m).mean(axis=0) - np.argwhere(t).mean(axis=0))) * resolution
        for m, t in zip(masks, truths, strict=True)
        if m.any() and t.any()
    ]
    return Overlap(
        windows=len(masks),
        iou=float(both.sum() / max(either.sum(), 1)),
        iou_median=float(np.median(both / np.maximum(either, 1))),
        area_bias=float(sizes.sum() / max(wanted.sum(), 1) - 1),
        centroid_m=float(np.median(apart)) if apart else float("nan"),
        empty=int((sizes == 0).sum()),
    )


def smoothed_change(diff_vv: NDArray[np.floating]) -> NDArray[np.float64]:
    """|smoothed change| in dB of a window, (rows, columns); no data counts as no change."""
    known = np.nan_to_num(diff_vv.astype(np.float64), nan=0.0)
    return np.asarray(np.abs(ndimage.gaussian_filter(known, SIGMA_PX, mode="nearest")))


def large(mask: Mask) -> Mask:
    """The mask without clusters of less than 20 pixels (4-connected)."""
    labels, count = ndimage.label(mask)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    keep = sizes >= LEAST_PX
    keep[0] = False
    return np.asarray(keep[labels])


def _windows(files: Files, item: Document, truth: Inventory) -> list[_Window]:
    """The detected windows of an item where somebody looked."""
    tile, recipe = grid_of_item(item)
    name, edge, r = str(item["id"]), recipe.window_px, tile.resolution
    detections = read_detections(files, [name])
    judged = looked_at(detections.geometry.to_numpy(), (truth.mapped, truth.unmapped))
    outlines = read_outlines(files, asset_path(name, "outlines")).to_crs(tile.epsg)
    slides = truth.landslides.geometry.to_crs(tile.epsg)
    bands, at = read_raster(files, name, "change")
    found = []
    for row in detections[judged].to_dict("records"):
        left, top = float(row["x"]), float(row["y"])
        transform = Affine(r, 0, left, 0, -r, top)
        own = outlines[(outlines["row"] == row["row"]) & (outlines["col"] == row["col"])]
        near = slides.cx[left : left + edge * r, top - edge * r : top]
        corner = round((at.f - top) / r), round((left - at.c) / r)
        found.append(
            _Window(
                burn_window(near, transform, edge),
                burn_window(own.geometry, transform, edge),
                smoothed_change(_cut(bands[0], corner, edge)),
            )
        )
    return found


def _cut(band: NDArray[np.float32], corner: tuple[int, int], edge: int) -> NDArray[np.float32]:
    """A square of a band that may reach over its edges: NaN there."""
    window = np.full((edge, edge), np.nan, np.float32)
    rows, cols = (np.arange(edge) + first for first in corner)
    inner = [
        (part >= 0) & (part < size) for part, size in zip((rows, cols), band.shape, strict=True)
    ]
    window[np.ix_(*inner)] = band[np.ix_(rows[inner[0]], cols[inner[1]])]
    return window


def burn_window(shapes: gpd.GeoSeries, transform: Affine, edge: int) -> Mask:
    """The pixels of a window, ``(edge, edge)``, whose centres lie in a shape."""
    if not len(shapes):
        return np.zeros((edge, edge), bool)
    burnt = rasterize(((s, 1) for s in shapes), (edge, edge), transform=transform, dtype="uint8")
    return np.asarray(burnt > 0)
