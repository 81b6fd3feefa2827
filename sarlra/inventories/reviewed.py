"""An inventory of what analysts confirmed and drew, with where they looked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import geopandas as gpd
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from sarlra.errors import InputError
from sarlra.events.geometry import unite
from sarlra.inventories.inventory import Inventory

#: Around what was looked at, degrees: a tenth of a metre, well under a pixel.
_MARGIN_DEG = 1e-6


def reviewed_inventory(
    documents: Sequence[Mapping[str, Any]], source: str, *, drawn_only: bool = False
) -> Inventory:
    """Landslides of reviews: what was redrawn, and the windows that were confirmed.

    Where somebody looked are the windows of all reviews; a rejected one is ground without a
    landslide.

    Parameters
    ----------
    documents
        The current reviews, STAC items.
    drawn_only
        Leave out confirmed windows: they say that there is a landslide, not where it ends. They
        are then no ground that was mapped either.

    Raises
    ------
    InputError
        No landslide is left.
    """
    rows: list[dict[str, Any]] = []
    looked: list[BaseGeometry] = []
    for document in documents:
        properties = document["properties"]
        verdict = properties["sarlra:verdict"]
        if verdict == "confirmed" and drawn_only:
            continue
        geometry = shape(document["geometry"])
        looked += [shape(properties["sarlra:window"]), geometry]
        if verdict == "rejected":
            continue
        rows.append(
            {
                "detection": properties["sarlra:detection"],
                "verdict": verdict,
                "reviewer": properties["sarlra:reviewer"],
                "reason": properties["sarlra:reason"],
                "reviewed": properties["datetime"],
                "geometry": geometry,
            }
        )
    if not rows:
        raise InputError(
            f"the reviews of {source} hold no landslide",
            hint="confirm or redraw detections first"
            + (", not only confirm" if drawn_only else ""),
        )
    table = gpd.GeoDataFrame(rows, geometry="geometry", crs=4326)
    areas = [part for part in looked if part.geom_type in ("Polygon", "MultiPolygon")]
    # A window is a cell of others' grids, to the last digits of its corners: it has to hold it.
    mapped = unite([part.buffer(_MARGIN_DEG, join_style="mitre") for part in areas])
    return Inventory(table, mapped=mapped, source=source)
