"""Composites in a Zarr v3 store: one store per event, a group per version, EPSG code and track.

A group's metadata is written once, before any pixel; a tile writes its own region, which is a
whole number of shards, so writers of neighbouring tiles never share a file. Nothing is locked
and nothing is read back to write.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
import zarr

from sarlra.composites.access import check_group, naming, open_files, open_store
from sarlra.composites.arrays import create_arrays
from sarlra.composites.content import content_sum
from sarlra.composites.layout import GroupLayout
from sarlra.composites.regions import check_whole_shards, overlap
from sarlra.errors import StoreError
from sarlra.grid import Tile
from sarlra.recipe import Recipe

#: Attribute of a group that holds its layout.
LAYOUT = "sarlra:layout"
#: Attribute of a group that holds the hash of the recipe that it was made for.
RECIPE = "sarlra:recipe_hash"


def create_group(
    store: str, group: str, tiles: Sequence[Tile], recipe: Recipe, attributes: Mapping[str, Any]
) -> None:
    """Write the metadata of a group; doing it again changes nothing.

    The group spans the bounding rectangle of the tiles. It has the arrays of ``recipe.bands``
    (float32, dB, fill NaN), ``n_pre``, ``n_post`` (uint16, fill 0) and ``visibility`` (uint8, fill
    255) on dims (y, x), sharded and compressed, ``y`` and ``x`` (pixel centres in metres) and
    ``spatial_ref``.

    Parameters
    ----------
    store
        Local path or fsspec URL; credentials and endpoints come from the environment.
    group
        Such as ``VERSION/EPSG/TRACK``.
    tiles
        All tiles that will be written, of one CRS and size.
    attributes
        Kept with the group; JSON. Those of the first call stand.

    Raises
    ------
    StoreError
        The group exists for another layout or recipe, the attributes are no JSON, or the store
        cannot be written.
    """
    layout = GroupLayout.around(tiles)
    try:
        own = json.loads(json.dumps(dict(attributes), allow_nan=False))
    except (TypeError, ValueError) as error:
        raise StoreError(f"attributes of group {group!r} are no JSON: {error}") from error
    own |= {LAYOUT: _layout_as_json(layout), RECIPE: recipe.hash(), "Conventions": "CF-1.11"}
    with naming(store, group, "create"):
        node = _make_groups(store, group)
        if LAYOUT in node.attrs:
            _check_same(node, layout, recipe, store, group)
        else:
            node.attrs.update(own)
        # Written last: a group that has it is complete.
        if node.metadata.consolidated_metadata is None:
            create_arrays(node, layout, recipe)
            _consolidate(store, group)


def write_region(store: str, group: str, tile: Tile, composite: xr.Dataset) -> dict[str, str]:
    """Write a tile's pixels; writing the same again changes nothing.

    Parameters
    ----------
    composite
        Computed, on pixels of the tile (halo allowed, it is cut off): the variables of the group
        on dims (y, x) with the coordinates of :func:`sarlra.composites.build.build_composite`.
        What it does not cover of the tile becomes no data.

    Returns
    -------
    The sum of each variable's values on the whole tile, by name
    (:func:`sarlra.composites.content.content_sum`).

    Raises
    ------
    StoreError
        The group does not exist or has other variables, the tile is not in it, the tile is no
        whole number of shards, the composite is not on the tile's grid, or writing failed.
    """
    with naming(store, group, "write"):
        region = layout_of(store, group).region(tile)
        node = zarr.open_group(open_store(store), path=group, mode="r+", zarr_format=3)
        names = sorted(set(node.array_keys()) - {"x", "y", "spatial_ref"})
        if sorted(map(str, composite.data_vars)) != names:
            raise StoreError(
                f"composite of tile {tile.id} has {sorted(map(str, composite.data_vars))}, "
                f"group {group} has {names}",
                hint="use a group of the same recipe",
            )
        target, source = overlap(tile, composite)
        arrays = {name: _array(node, name) for name in names}
        for array in arrays.values():
            check_whole_shards(array, region, tile)
        sums: dict[str, str] = {}
        for name, array in arrays.items():
            values = np.full((tile.size_px, tile.size_px), array.fill_value, array.dtype)
            values[target] = np.asarray(composite[name].transpose("y", "x").values)[source]
            sums[name] = content_sum([values])
            array[region] = values
        return sums


def open_region(store: str, group: str, tile: Tile) -> xr.Dataset:
    """Open a tile's pixels, lazily: read when they are first used.

    Returns
    -------
    Dataset on dims (y, x), as :func:`write_region` wrote it for the whole tile, with the
    group's attributes.

    Raises
    ------
    StoreError
        The group does not exist or the tile is not in it.
    """
    with naming(store, group, "open"):
        rows, cols = layout_of(store, group).region(tile)
        # Opened at the group itself: xarray looks for consolidated metadata at a store's root.
        own = open_store(f"{store.rstrip('/')}/{group}", read_only=True)
        dataset = xr.open_zarr(own, chunks=None, consolidated=True)
        region: xr.Dataset = dataset.isel(y=rows, x=cols)
        return region


def _make_groups(store: str, group: str) -> zarr.Group:
    """The group, and those above it, so that a reader can find it from the root."""
    opened = open_store(store)
    parts = check_group(group).split("/")
    node = zarr.open_group(opened, mode="a", zarr_format=3)
    for depth in range(1, len(parts) + 1):
        node = zarr.open_group(opened, path="/".join(parts[:depth]), mode="a", zarr_format=3)
    return node


def _consolidate(store: str, group: str) -> None:
    """Put all metadata into the group's own, so that opening it lists nothing."""
    with warnings.catch_warnings():
        # Zarr v3 has it as an extension; readers that do not know it ignore it.
        warnings.filterwarnings("ignore", message=".*[Cc]onsolidated metadata.*")
        zarr.consolidate_metadata(open_store(store), path=check_group(group), zarr_format=3)


def remove_group(store: str, group: str) -> None:
    """Take a group away, and the groups above it and the store where nothing else is in them.

    Nothing happens where there is no such group.

    Raises
    ------
    StoreError
        It cannot be removed.
    """
    with naming(store, group, "remove"):
        fs, root = open_files(store)
        parts = check_group(group).split("/")
        for depth in range(len(parts), -1, -1):
            path = "/".join([root, *parts[:depth]])
            if not fs.exists(path):
                continue
            below = [name for name in fs.ls(path, detail=False) if not name.endswith("zarr.json")]
            if below and depth < len(parts):
                return
            fs.rm(path, recursive=True)
            fs.invalidate_cache()


def _layout_as_json(layout: GroupLayout) -> dict[str, Any]:
    return {name: getattr(layout, name) for name in GroupLayout.__slots__}


def layout_of(store: str, group: str) -> GroupLayout:
    """The layout of a group that exists.

    Raises
    ------
    StoreError
        There is no such group.
    """
    # Opened to read: to write would make a folder.
    try:
        opened = open_store(store, read_only=True)
        node = zarr.open_group(opened, path=check_group(group), mode="r", zarr_format=3)
        stored: Any = node.attrs[LAYOUT]
        return GroupLayout(**stored)
    except (FileNotFoundError, KeyError, TypeError) as error:
        raise StoreError(
            f"store {store} has no group {group!r} of composites",
            hint="create the group before its tiles are written",
        ) from error


def _check_same(
    node: zarr.Group, layout: GroupLayout, recipe: Recipe, store: str, group: str
) -> None:
    if node.attrs[LAYOUT] != _layout_as_json(layout) or node.attrs.get(RECIPE) != recipe.hash():
        raise StoreError(
            f"group {group!r} of store {store} exists for other tiles or another recipe",
            hint="write a new version; a composite is never rewritten",
        )


def _array(node: zarr.Group, name: str) -> zarr.Array[Any]:
    found = node[name]
    if not isinstance(found, zarr.Array):
        raise StoreError(f"{name} is no array", hint="the store was changed by something else")
    return found
