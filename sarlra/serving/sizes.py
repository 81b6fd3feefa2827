"""How much of a detected window changed: the area of the outlines in it."""

from __future__ import annotations

from collections.abc import Hashable
from functools import lru_cache
from typing import cast

import geopandas as gpd
import pandas as pd

from sarlra.catalog.names import resolved
from sarlra.catalog.read import read_outlines
from sarlra.inventories.inventory import areas_m2
from sarlra.serving.place import Place
from sarlra.serving.results import Results

#: Items whose outlines are kept summed.
_KEPT = 4_096


def areas_ha(results: Results, table: gpd.GeoDataFrame) -> pd.Series[float]:
    """Hectares of the outlines inside each window of a table of detections, in its order.

    0 where a window has none; the window's own area where its item was made without outlines, or
    the table does not say which window a row is.

    Raises
    ------
    CatalogError
        A table of outlines cannot be read.
    """
    size = pd.Series((areas_m2(table.geometry) / 1e4).round(3), index=table.index)
    if not {"item", "row", "col"} <= set(table.columns):
        return size
    for name, rows in table.groupby("item", sort=False):
        if (found := _outlines(results, str(name))) is not None:
            keys = pd.MultiIndex.from_frame(rows[["row", "col"]].astype("int64"))
            size[rows.index] = (found.reindex(keys).fillna(0.0).to_numpy() / 1e4).round(3)
    return size


def _outlines(results: Results, item: str) -> pd.Series[float] | None:
    """Square metres by (row, col) of an item's windows; None where it has no outlines."""
    entry = results.items.get(item)
    asset = entry.document["assets"].get("outlines") if entry else None
    path = resolved(asset["href"], entry.path) if entry and asset else None
    if path is None or not results.is_served(path):
        return None
    found: pd.Series[float] = _summed(
        cast(Hashable, results.place), path, results.place.state(path)
    )
    return found


@lru_cache(maxsize=_KEPT)
def _summed(place: Hashable, path: str, state: str) -> pd.Series[float]:  # noqa: ARG001
    """``state`` makes a file that was written again be read again."""
    table = read_outlines(cast(Place, place), path)
    keys = [table[name].astype("int64") for name in ("row", "col")]
    found: pd.Series[float] = table["area_m2"].astype("float64").groupby(keys).sum()
    return found
