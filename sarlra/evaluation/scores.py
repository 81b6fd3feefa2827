"""Precision and recall of detections against landslides, by count and by class of landslide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from sarlra.evaluation.intervals import Share, share_of

Mask = NDArray[np.bool_]

#: Edges of the classes of size, m2: 20,480 m2 are 5 % of a window.
SIZES_M2 = (0.0, 1_000.0, 5_000.0, 10_000.0, 20_000.0, 50_000.0, np.inf)
LARGE_M2 = 10_000.0
#: Edges of the classes of slope, degrees.
SLOPES = (0.0, 10.0, 20.0, 30.0, 40.0, 90.0)
#: Edges of the classes of what lies in layover or shadow, share of the landslide's pixels.
HIDDEN = ((0.0, 0.1, "seen"), (0.1, 0.5, "partly hidden"), (0.5, 1.01, "hidden"))


@dataclass(frozen=True, slots=True)
class Detections:
    """Detections against landslides, object by object.

    Parameters
    ----------
    detections
        All of them; ``precision`` is of those in ground that somebody looked at: the share that
        touches a landslide.
    recall
        The share of the observed landslides that a detection touches.
    recall_large
        Of those of at least 1 ha.
    by_size, by_slope, by_visibility
        Recall per class; empty where the classes are not known.
    not_observed
        Landslides in no window with a score, or where nobody looked: they count nowhere.
    """

    detections: int
    precision: Share
    recall: Share
    recall_large: Share
    by_size: dict[str, Share]
    by_slope: dict[str, Share]
    by_visibility: dict[str, Share]
    not_observed: int

    def as_json(self) -> dict[str, Any]:
        """Plain values; ``precision`` and ``recall`` are numbers with their intervals beside."""
        found: dict[str, Any] = {"detections": self.detections, "not_observed": self.not_observed}
        for name in ("precision", "recall", "recall_large"):
            share: Share = getattr(self, name)
            found |= {
                name: share.share,
                f"{name}_interval": None if share.low is None else [share.low, share.high],
                f"{name}_counts": [share.found, share.of],
            }
        for name in ("by_size", "by_slope", "by_visibility"):
            classes: dict[str, Share] = getattr(self, name)
            found[name] = [
                {"class": label, "landslides": s.of, "found": s.found, "recall": s.share,
                 "interval": None if s.low is None else [s.low, s.high]}
                for label, s in classes.items()
            ]  # fmt: skip
        return found


def touching(boxes: gpd.GeoSeries, shapes: gpd.GeoSeries) -> tuple[Mask, Mask]:
    """Which boxes touch a shape, and which shapes a box; both in EPSG:4326."""
    first, second = np.zeros(len(boxes), dtype=bool), np.zeros(len(shapes), dtype=bool)
    if len(boxes) and len(shapes):
        pairs = shapely.STRtree(shapes.to_numpy()).query(boxes.to_numpy(), predicate="intersects")
        first[pairs[0]] = True
        second[pairs[1]] = True
    return first, second


def score_detections(hits: Mask, judged: Mask, slides: gpd.GeoDataFrame) -> Detections:
    """Put the counts together.

    Parameters
    ----------
    hits, judged
        ``(detections,)``: which touch a landslide, and which lie where somebody looked.
    slides
        From :func:`sarlra.evaluation.slides.table_of`.
    """
    observed = slides["observed"].to_numpy()
    found = slides["found"].to_numpy()[observed]
    own = slides[observed]
    area, slope = own["area_m2"].to_numpy(), own["slope"].to_numpy()
    hidden, unknown = own["hidden_share"].to_numpy(), own["unknown_share"].to_numpy()
    known = np.isfinite(hidden) & (unknown <= 0.5)
    return Detections(
        detections=len(hits),
        precision=share_of(int((hits & judged).sum()), int(judged.sum())),
        recall=_recall(found, np.ones(len(own), bool)),
        recall_large=_recall(found, area >= LARGE_M2),
        by_size={
            _size(low, high): _recall(found, (area >= low) & (area < high))
            for low, high in _pairs(SIZES_M2)
        },
        by_slope={
            f"{low:.0f} to {high:.0f} deg": _recall(found, (slope >= low) & (slope < high))
            for low, high in _pairs(SLOPES)
        } if np.isfinite(slope).any() else {},
        by_visibility={
            label: _recall(found, known & (hidden >= low) & (hidden < high))
            for low, high, label in HIDDEN
        } | {"not known": _recall(found, ~known)} if known.any() else {},
        not_observed=int((~observed).sum()),
    )  # fmt: skip


def _recall(found: Mask, chosen: Mask) -> Share:
    return share_of(int((found & chosen).sum()), int(chosen.sum()))


def _pairs(edges: Sequence[float]) -> list[tuple[float, float]]:
    return list(pairwise(edges))


def _size(low: float, high: float) -> str:
    return f"{low:,.0f} m2 and more" if high == np.inf else f"{low:,.0f} to {high:,.0f} m2"
