"""Outlines of explained detections, by change and by what each pixel contributes."""

from __future__ import annotations

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import pandas as pd
from affine import Affine

from sarlra.detection.change import clusters, denoised
from sarlra.detection.composite_file import CompositeFile
from sarlra.detection.outlines import polygon_of
from sarlra.evaluation.explained import Explained
from sarlra.jobs.explain import Cut


def outlines_of(
    composite: CompositeFile,
    wanted: Cut,
    explained: Sequence[Explained],
    bands: tuple[str, ...],
    threshold: float,
) -> gpd.GeoDataFrame:
    """Outline what changed and was seen to, in windows over a threshold.

    As :func:`sarlra.detection.outlines.outline_detections` does, with contributions as a further
    band: closer to the truth on simulated events, and too slow for every job.

    Returns
    -------
    A row per outline, EPSG:4326: ``row`` and ``col`` of the window in the composite, ``score``,
    ``area_m2``, ``contribution`` (what its pixels add to the score), ``change_vv_db`` (and
    ``_vh_``), the mean change inside.
    """
    names = [name for name in bands if name.startswith("diff_")]
    changes = [bands.index(name) for name in names]
    rows: list[dict[str, float]] = []
    shapes = []
    area = abs(composite.transform.a * composite.transform.e)
    for number, (spot, one) in enumerate(zip(wanted.spots, explained, strict=True)):
        if one.score <= threshold:
            continue
        known = wanted.known[number]
        raw = np.moveaxis(wanted.windows[number][..., changes], -1, 0)
        raw = np.where(known, raw, np.float32("nan"))
        labels = clusters(denoised(raw), known, one.values.mean(axis=-1))
        transform = composite.transform * Affine.translation(spot[1], spot[0])
        for cluster in range(1, int(labels.max()) + 1):
            inside = labels == cluster
            rows.append({
                "row": spot[0], "col": spot[1], "score": one.score,
                "area_m2": float(inside.sum()) * area,
                "contribution": float(one.values[inside].sum(dtype=np.float64)),
                **{f"change_{name[-2:]}_db": float(values[inside].mean(dtype=np.float64))
                   for name, values in zip(names, raw, strict=True)},
            })  # fmt: skip
            shapes.append(polygon_of(inside, transform))
    columns = ["row", "col", "score", "area_m2", "contribution"]
    columns += [f"change_{name[-2:]}_db" for name in names]
    kinds = {name: "int32" if name in ("row", "col") else "float64" for name in columns}
    table = pd.DataFrame(rows, columns=columns).astype(kinds)
    return gpd.GeoDataFrame(table, geometry=shapes, crs=composite.crs).to_crs(4326)
