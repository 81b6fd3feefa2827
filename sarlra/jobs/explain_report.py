"""What is written of explained windows: pictures, a map, a table, a summary."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from affine import Affine
from numpy.typing import NDArray

from sarlra.catalog.cog import write_cog
from sarlra.catalog.provenance import plain
from sarlra.catalog.vector import write_parquet
from sarlra.detection.composite_file import CompositeFile
from sarlra.errors import OutputError
from sarlra.evaluation.contribution_map import ContributionMap, map_of
from sarlra.evaluation.contribution_picture import draw_window, scale_of
from sarlra.evaluation.contributions import TOLERANCE
from sarlra.evaluation.explained import Explained, facts_of
from sarlra.evaluation.outline_scores import burn_window
from sarlra.jobs.explain import Cut, Spot
from sarlra.jobs.explain_outlines import outlines_of
from sarlra.models.files import write_atomically
from sarlra.models.info import ModelInfo

MAP, TABLE, SUMMARY, PICTURES = "contributions.tif", "windows.csv", "explain.json", "pictures"
OUTLINES = "outlines.parquet"


@dataclass(frozen=True, slots=True)
class About:
    """What the windows are of, for texts: ``subject`` (an item or a file), the model, its
    threshold, and where the background came from.
    """

    subject: str
    model: ModelInfo
    threshold: float
    background: str


@dataclass(frozen=True, slots=True)
class Written:
    """What was written: the summary as JSON values, the table, the map (None without a CRS)."""

    summary: dict[str, Any]
    table: pd.DataFrame
    map: ContributionMap | None


def write_report(
    about: About,
    composite: CompositeFile,
    wanted: Cut,
    explained: Sequence[Explained],
    drawn: Sequence[int],
    truth: gpd.GeoDataFrame | None,
    out: Path,
) -> Written:
    """Write everything that is made of the explanations; the bytes depend on them alone.

    Parameters
    ----------
    drawn
        Which windows get a picture, by their place in the cut.
    truth
        Landslides in the composite's CRS; None where not known.

    Raises
    ------
    OutputError
        The folder cannot be written.
    """
    masks = [_truth_in(truth, composite.transform, spot) for spot in wanted.spots]
    table = _table(about, composite.transform, wanted.spots, explained, masks)
    summary = summary_of(about, explained, table)
    limit = scale_of(explained)
    for place, number in enumerate(drawn, start=1):
        one, spot = explained[number], wanted.spots[number]
        image = draw_window(
            wanted.windows[number], one, limit, _title(about, spot, one),
            _foot(about, one), masks[number],
        )  # fmt: skip
        name = f"{place:03d}-{spot[0]:05d}-{spot[1]:05d}.png"
        write_atomically(out / PICTURES / name, image)
    write_atomically(out / TABLE, table.to_csv(index=False, float_format="%.6g").encode())
    written = None
    if composite.crs is not None:
        written = map_of(
            wanted.spots, [one.values for one in explained], list(wanted.known), about.model.bands
        )
        try:
            write_cog(out / MAP, written.values, written.transform(composite.transform),
                      composite.crs, written.bands)  # fmt: skip
            shapes = outlines_of(composite, wanted, explained, about.model.bands, about.threshold)
            write_parquet(out / OUTLINES, shapes)
        except Exception as error:  # GDAL raises what it likes
            raise OutputError(f"{out}: cannot be written: {error}") from error
    text = json.dumps(plain(summary, about.subject), indent=2, allow_nan=False) + "\n"
    write_atomically(out / SUMMARY, text.encode())
    return Written(summary, table, written)


def summary_of(about: About, explained: Sequence[Explained], table: pd.DataFrame) -> dict[str, Any]:
    """Numbers over all windows, as JSON values; no times, so that they are the same each time."""
    errors = np.abs([one.error for one in explained])
    sizes = np.sum([np.abs(one.values).sum(axis=(0, 1), dtype=np.float64) for one in explained], 0)
    shares = {name: float(v / sizes.sum()) if sizes.sum() > 0 else 0.0
              for name, v in zip(about.model.bands, sizes, strict=True)}  # fmt: skip
    found: dict[str, Any] = {
        "subject": about.subject,
        "model": about.model.name,
        "model_sha256": about.model.sha256,
        "threshold": about.threshold,
        "background": about.background,
        "windows": len(explained),
        "base": explained[0].base,
        "additivity": {
            "tolerance": TOLERANCE,
            "median": float(np.median(errors)),
            "largest": float(errors.max()),
            "over_tolerance": int((errors > TOLERANCE).sum()),
        },
        "share_by_band": shares,
        "change_share": sum(v for name, v in shares.items() if name.startswith("diff_")),
        "occlusion_agreement": _median(table["occlusion_agreement"]),
    }
    over = table[table["score"] > about.threshold]
    change = f"score_without_{'+'.join(n for n in about.model.bands if n.startswith('diff_'))}"
    found["detections_without_change"] = {
        "over_threshold": len(over),
        "disappear": int((over[change] <= about.threshold).sum()),
    }
    if "auc_inside" in table:
        hits = [bool(v) for v in table["points_inside"] if v is not None]
        found["truth"] = {
            "windows": int(table["auc_inside"].notna().sum()),
            "auc_inside": _median(table["auc_inside"]),
            "points_inside": sum(hits) / len(hits) if hits else None,
        }
    return found


def _table(
    about: About, transform: Affine, spots: Sequence[Spot], explained: Sequence[Explained],
    masks: Sequence[NDArray[np.bool_] | None],
) -> pd.DataFrame:  # fmt: skip
    rows = []
    for spot, one, mask in zip(spots, explained, masks, strict=True):
        x, y = transform * (spot[1], spot[0])
        place = {"row": spot[0], "col": spot[1], "x": x, "y": y}
        rows.append(place | facts_of(one, about.threshold, mask))
    return pd.DataFrame(rows)


def _truth_in(
    truth: gpd.GeoDataFrame | None, transform: Affine, spot: Spot
) -> NDArray[np.bool_] | None:
    """Landslide pixels of a window: those whose centres lie in a polygon."""
    if truth is None:
        return None
    own = transform * Affine.translation(spot[1], spot[0])
    corners = [own * corner for corner in ((0, 0), (64, 64))]
    (left, right), (bottom, top) = (sorted(pair) for pair in zip(*corners, strict=True))
    near = truth.geometry.cx[left:right, bottom:top]
    return burn_window(near, own, 64)


def _title(about: About, spot: Spot, one: Explained) -> str:
    return (
        f"{about.subject}, row {spot[0]}, column {spot[1]}: score {one.score:.3f}, "
        f"base {one.base:.3f}"
    )


def _foot(about: About, one: Explained) -> str:
    said = (
        f"The detection {one.without.line(about.threshold)}. "
        if one.score > about.threshold
        else ""
    )
    return (
        f"{said}Contributions add up to score - base within {abs(one.error):.3f}. "
        f"Red raises the score, blue lowers it. {about.model.name}"
    )


def _median(column: pd.Series[Any]) -> float | None:
    values = column.to_numpy(dtype=float)
    values = values[np.isfinite(values)]
    return float(np.median(values)) if values.size else None
