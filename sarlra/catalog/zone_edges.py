"""Detections on the two sides of an edge between UTM zones, settled against each other.

Each zone has a lattice of its own, and a window belongs to the zone that holds its centre; so two
windows over one landslide at an edge can overlap without being suppressed together. Of such a pair
the lower score goes, as inside a zone. A window that a dropped one had itself suppressed does not
come back: it overlaps the dropped one, which overlaps the one that stays.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely


def across_zone_edges(table: gpd.GeoDataFrame, overlap: float) -> npt.NDArray[np.bool_]:
    """Which rows stay: those that no row of another zone, same track, overlaps with a higher score.

    Parameters
    ----------
    table
        Detections with ``track``, ``epsg``, ``score``, ``x``, ``y``, already settled in each zone.
    overlap
        Intersection over union above which the lower score is dropped; equal scores go by zone,
        then row from the north, then column.

    Returns
    -------
    numpy.ndarray
        (rows,) bool.
    """
    keep = np.ones(len(table), dtype=bool)
    if len(table) < 2:
        return keep
    shapes = table.geometry.to_numpy()
    tracks = table["track"].to_numpy(dtype=object)
    zones = table["epsg"].to_numpy(dtype=np.int64)
    one, other = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    parted = (tracks[one] == tracks[other]) & (zones[one] != zones[other])
    one, other = one[parted], other[parted]
    if not len(one):
        return keep
    common = shapely.area(shapely.intersection(shapes[one], shapes[other]))
    both = shapely.area(shapes[one]) + shapely.area(shapes[other]) - common
    near = common > overlap * both
    rivals: dict[int, list[int]] = {}
    for a, b in zip(one[near], other[near], strict=True):
        rivals.setdefault(int(a), []).append(int(b))
    places = (table["x"].to_numpy(), -table["y"].to_numpy(), zones, -table["score"].to_numpy())
    ranks = np.empty(len(table), dtype=np.int64)
    ranks[np.lexsort(places)] = np.arange(len(table))
    for row in sorted(rivals, key=lambda index: ranks[index]):
        keep[row] = not any(keep[b] and ranks[b] < ranks[row] for b in rivals[row])
    return keep
