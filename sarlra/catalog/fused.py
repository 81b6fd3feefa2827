"""The table of what both directions together say of a zone's windows."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd

from sarlra.catalog.lattices import ZoneLattices
from sarlra.detection.detect import outlines_4326
from sarlra.detection.fuse import FUSED_THRESHOLD, SEEN_BY, Fused
from sarlra.detection.suppress import suppress

#: Columns of a fused table with their types, before the geometry.
COLUMNS = {
    "score": "float32",
    "confirmed": "bool",
    "seen_by": "string",
    "detected_by": "string",
    "score_ascending": "float32",
    "score_descending": "float32",
    "tracks": "string",
    "epsg": "int32",
    "x": "float64",
    "y": "float64",
}


def fused_table(zone: ZoneLattices, fused: Fused) -> gpd.GeoDataFrame:
    """The windows that a direction alone or both together detect, suppressed; EPSG:4326.

    Columns are :data:`COLUMNS`; ``confirmed`` where the fused score says so, too.
    """
    found = {
        name: np.nan_to_num(values, nan=-1.0) > FUSED_THRESHOLD
        for name, values in (
            ("together", fused.score), ("ascending", fused.ascending),
            ("descending", fused.descending),
        )
    }  # fmt: skip
    cells = np.argwhere(found["together"] | found["ascending"] | found["descending"])
    first = cells * zone.stride_px
    at = (cells[:, 0], cells[:, 1])
    kept = np.sort(
        suppress(np.hstack([first, first + zone.window_px]), fused.score[at], zone.overlap)
    )
    rows, cols = cells[kept, 0], cells[kept, 1]
    by = {name: values[rows, cols] for name, values in found.items()}
    table = pd.DataFrame(
        {
            "score": fused.score[rows, cols],
            "confirmed": by["together"],
            "seen_by": [SEEN_BY[int(code)] for code in fused.seen_by[rows, cols]],
            "detected_by": np.select(
                [by["ascending"] & by["descending"], by["ascending"], by["descending"]],
                ["both", "ascending", "descending"],
                "together",
            ),
            "score_ascending": fused.ascending[rows, cols],
            "score_descending": fused.descending[rows, cols],
            "tracks": [
                ",".join(t.track for t in zone.tracks if np.isfinite(t.score[row, col]))
                for row, col in zip(rows, cols, strict=True)
            ],
            "epsg": zone.epsg,
            "x": (zone.col0 + cols) * zone.step_m,
            "y": -(zone.row0 + rows) * zone.step_m,
        }
    ).astype(COLUMNS)
    size = zone.window_px * zone.resolution
    shapes = outlines_4326(table["x"].to_numpy(), table["y"].to_numpy(), size, zone.epsg)
    return gpd.GeoDataFrame(table, geometry=gpd.GeoSeries(shapes, crs=4326), crs=4326)
