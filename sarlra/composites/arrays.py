"""Creates the arrays of a group of composites."""

from __future__ import annotations

from typing import Any

import numpy as np
import zarr
from zarr.codecs import BloscCodec
from zarr.errors import ContainsArrayError

from sarlra.composites.layout import (
    GroupLayout,
    axes,
    axis_attributes,
    crs_attributes,
    gdal_crs,
    variable_attributes,
)
from sarlra.recipe import Recipe


def create_arrays(node: zarr.Group, layout: GroupLayout, recipe: Recipe) -> None:
    """Create what of the group's arrays is not there, and write its coordinates.

    Another process may be doing the same: both write the same.
    """
    grid = layout.grid
    for name in (*recipe.bands, "n_pre", "n_post", "visibility"):
        _create_band(node, name, layout)
    for name, values in axes(grid).items():
        _create(
            node,
            name,
            shape=values.shape,
            dtype="float64",
            chunks=values.shape,
            dimension_names=(name,),
            attributes=axis_attributes(name),
        )
        coordinate: Any = node[name]
        coordinate[:] = values
    _create(node, "spatial_ref", shape=(), dtype="int64", attributes=crs_attributes(grid))


def _create_band(node: zarr.Group, name: str, layout: GroupLayout) -> None:
    kind: dict[str, Any] = {"dtype": "float32", "fill_value": np.float32("nan")}
    if name.startswith("n_"):
        kind = {"dtype": "uint16", "fill_value": 0}
    elif name == "visibility":
        kind = {"dtype": "uint8", "fill_value": 255}
    _create(
        node,
        name,
        shape=layout.grid.shape,
        chunks=(layout.chunk, layout.chunk),
        shards=(layout.shard, layout.shard),
        # Shuffled, the exponents of float32 compress; their mantissas are speckle and do not.
        compressors=[BloscCodec(cname="zstd", clevel=3, shuffle="shuffle")],
        **kind,
        dimension_names=("y", "x"),
        attributes=variable_attributes(name) | {"_CRS": gdal_crs(layout.grid)},
    )


def _create(node: zarr.Group, name: str, **definition: Any) -> None:
    try:
        node.create_array(name, **definition)
    except ContainsArrayError:
        return
