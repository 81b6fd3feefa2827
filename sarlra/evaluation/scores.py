"""Precision and recall of a run against a truth, by window and by landslide."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from sarlra.models.metrics import Counts, count
from sarlra.samples.labels import LANDSLIDE_SHARE


def patch_counts(
    score: npt.NDArray[np.float32], share: npt.NDArray[np.float32], threshold: float
) -> Counts:
    """Right and wrong answers over the windows of one tile that do not overlap, as they are.

    Takes even rows and columns. Landslide: a share over 5 %; background: none; windows between,
    and windows without a score (NaN), count as neither (method: paper, section 3.2).

    Parameters
    ----------
    score, share
        float32, shape (n, n): the lattice of scores and the share of landslide pixels.
    threshold
        A window is called a landslide where its score is over this.
    """
    score, share = score[::2, ::2], share[::2, ::2]
    scored = np.isfinite(score)
    landslide = scored & (share > LANDSLIDE_SHARE)
    background = scored & (share == 0)
    counted = landslide | background
    return count(score[counted], landslide[counted], threshold)


@dataclass(frozen=True, slots=True)
class ObjectScore:
    """Detections against landslides, object by object.

    ``precision``: the share of detections that touch a landslide; ``recall``: the share of
    landslides that a detection touches; ``recall_large`` the same for those of at least 1 ha.
    """

    detections: int
    landslides: int
    landslides_large: int
    precision: float
    recall: float
    recall_large: float


def object_score(detections: gpd.GeoDataFrame, inventory: gpd.GeoDataFrame) -> ObjectScore:
    """Match detections with landslides by touching geometries; both in any CRS."""
    truth = inventory.to_crs(4326)
    areas = inventory.to_crs(inventory.estimate_utm_crs()).area.to_numpy() if len(inventory) else []
    large = np.asarray(areas) >= 10_000.0
    boxes = detections.to_crs(4326).geometry.to_numpy()
    shapes = truth.geometry.to_numpy()
    pairs = shapely.STRtree(shapes).query(boxes, predicate="intersects") if len(boxes) else None
    hit_boxes = np.unique(pairs[0]) if pairs is not None else np.empty(0, int)
    found = np.zeros(len(shapes), dtype=bool)
    if pairs is not None:
        found[pairs[1]] = True
    return ObjectScore(
        len(boxes),
        len(shapes),
        int(large.sum()),
        _ratio(len(hit_boxes), len(boxes)),
        _ratio(int(found.sum()), len(shapes)),
        _ratio(int((found & large).sum()), int(large.sum())),
    )


def total(parts: Iterable[Counts]) -> Counts:
    """The sum of confusions of several tiles."""
    return sum(parts, Counts(0, 0, 0, 0))


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")
