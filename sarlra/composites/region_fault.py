"""Whether a tile's region of the store holds what was written there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import zarr
from pyproj import CRS
from pyproj.exceptions import CRSError

from sarlra.composites.access import naming, open_store
from sarlra.composites.content import content_sum
from sarlra.composites.layout import GroupLayout
from sarlra.composites.store import layout_of
from sarlra.grid import Tile

#: No zone is longer, in metres; a stranger's layout may say anything.
_LONGEST = 20_100_000.0


def region_fault(store: str, group: str, tile: Tile, sums: Mapping[str, str]) -> str | None:
    """What is wrong with a tile's region; None where it holds what was written, where it was.

    Parameters
    ----------
    store, group
        As for :func:`sarlra.composites.store.open_region`.
    sums
        Of the bands, by name, as :func:`sarlra.composites.store.write_region` gave them.

    Raises
    ------
    StoreError
        There is no such group, the tile is not in it, or it cannot be read.
    """
    layout = layout_of(store, group)
    rows, cols = layout.region(tile)
    with naming(store, group, "read"):
        opened = open_store(store, read_only=True)
        node, whole = (
            zarr.open_group(opened, path=group, mode="r", zarr_format=3, use_consolidated=known)
            for known in (False, True)
        )
        if max(layout.grid.shape) * layout.resolution > _LONGEST:
            return "the group is larger than a zone"
        if fault := _misplaced(node, layout):
            return fault
        for name, wanted in sorted(sums.items()):
            array = node.get(name)
            if not isinstance(array, zarr.Array):
                return f"{name} is no array"
            if _described(array) != _described(whole.get(name)):
                return f"{name} is described in two ways"
            # Before a value is read: what a stranger's metadata asks for has to be bounded.
            if fault := _other_layout(array, layout):
                return f"{name} {fault}"
            step = layout.shard
            parts = (
                np.asarray(array[start : min(start + step, rows.stop), cols])
                for start in range(rows.start, rows.stop, step)
            )
            if content_sum(parts) != wanted:
                return f"{name} has other values than were written"
    return None


def _described(array: object) -> str:
    """An array's metadata as text: NaN, which fills it, equals nothing."""
    return (
        json.dumps(array.metadata.to_dict(), default=str) if isinstance(array, zarr.Array) else ""
    )


def _other_layout(array: zarr.Array[Any], layout: GroupLayout) -> str | None:
    shape, shard, chunk = layout.grid.shape, (layout.shard,) * 2, (layout.chunk,) * 2
    if array.shape != shape or array.shards != shard or array.chunks != chunk:
        return f"is {array.shape} in shards of {array.shards}, not {shape} in {shard}"
    return None


def _misplaced(node: zarr.Group, layout: GroupLayout) -> str | None:
    """Whether the group says that its pixels lie elsewhere than its tiles do."""
    grid = layout.grid
    for name, centres in (("y", grid.y), ("x", grid.x)):
        axis = node.get(name)
        if not isinstance(axis, zarr.Array) or axis.shape != centres.shape:
            return f"{name} is no axis of the group"
        if not np.array_equal(np.asarray(axis[:]), centres):
            return f"{name} has other coordinates than were written"
    place = node.get("spatial_ref")
    attributes = {} if place is None else dict(place.attrs)
    try:
        known = CRS.from_wkt(str(attributes["crs_wkt"])) == CRS.from_epsg(grid.epsg)
        numbers = [float(part) for part in str(attributes["GeoTransform"]).split()]
    except (KeyError, ValueError, CRSError):
        return "spatial_ref is none"
    if not known or numbers != [float(v) for v in grid.transform.to_gdal()]:
        return "spatial_ref places the pixels elsewhere"
    return None
