"""A dataset of patches as files: windows in Zarr, everything else in one table.

    DATASET/patches.zarr/COMBINATION/PRE-POST   (n, 64, 64, bands) float32 dB, NaN = no data
    DATASET/patches.parquet                     GeoParquet, row i describes window i of every array
    DATASET/dataset.json                        how it was made; written last

All arrays have the same rows, so that one row is the same ground seen by the same track whatever
the polarisations and buffers. A case without VH has no data in the arrays of VV_VH; its chunks are
not stored. An array is chunked by ``CHUNK`` patches and sharded by ``SHARD``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import zarr
from numpy.typing import NDArray
from zarr.codecs import BloscCodec, BloscShuffle

from sarlra.errors import InputError
from sarlra.events.files import read_json_file
from sarlra.recipe import Recipe

#: Patches that are read at once, and patches in a file.
CHUNK, SHARD = 32, 1024

ARRAYS, TABLE, FACTS = "patches.zarr", "patches.parquet", "dataset.json"
KIND = "sarlra-dataset"

#: Columns of the table besides its geometry (the cell as a polygon, EPSG:4326).
COLUMNS = (
    "case", "orbit_state", "track", "cell", "landslide", "share", "share_original", "hidden",
    "split", "ratio", "split_blocked", "ratio_blocked", "has_VV", "has_VV_VH",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset, opened; nothing of its windows is in memory."""

    folder: Path
    facts: dict[str, Any]
    table: gpd.GeoDataFrame

    def __len__(self) -> int:
        return len(self.table)

    @property
    def layers(self) -> tuple[str, ...]:
        """The arrays, such as ``VV_VH/60-12``."""
        return tuple(self.facts["layers"])

    def array(self, layer: str) -> zarr.Array[Any]:
        """One of the arrays.

        Raises
        ------
        InputError
            The dataset has none of that name, or it is damaged.
        """
        if layer not in self.layers:
            raise InputError(
                f"dataset {self.folder} has no {layer}",
                hint=f"it has {', '.join(self.layers)}; build it with --pol and --buffers",
            )
        try:
            found = zarr.open_group(self.folder / ARRAYS, mode="r", zarr_format=3)[layer]
        except (KeyError, OSError, ValueError) as error:
            raise InputError(f"dataset {self.folder} is damaged: {error}") from error
        if not isinstance(found, zarr.Array) or found.shape[0] != len(self.table):
            raise InputError(
                f"dataset {self.folder} is damaged: {layer} does not go with its table",
                hint="build it again",
            )
        return found


def layer_name(recipe: Recipe) -> str:
    """Where the patches of a recipe lie, such as ``VV_VH/60-12``."""
    return f"{recipe.combination}/{recipe.pre_days}-{recipe.post_days}"


def open_dataset(folder: Path) -> Dataset:
    """Open a dataset.

    Raises
    ------
    InputError
        The folder holds none, or it is damaged.
    """
    path = folder / FACTS
    if not path.is_file():
        raise InputError(
            f"{folder} holds no dataset of patches", hint="make one with sarlra dataset build"
        )
    facts = read_json_file(path, InputError)
    if not isinstance(facts, dict) or facts.get("kind") != KIND or "layers" not in facts:
        raise InputError(f"{path} is not the description of a dataset of patches")
    try:
        table = gpd.read_parquet(folder / TABLE)
    except (OSError, ValueError) as error:
        raise InputError(f"the table of dataset {folder} cannot be read: {error}") from error
    missing = sorted(set(COLUMNS) - set(table.columns))
    if missing:
        raise InputError(f"the table of dataset {folder} lacks {', '.join(missing)}")
    return Dataset(folder, facts, table)


def write_layer(folder: Path, recipe: Recipe, n: int, parts: Iterable[NDArray[np.float32]]) -> None:
    """Write the windows of one layer, file by file.

    Parameters
    ----------
    n
        Number of rows.
    parts
        Windows in the order of the table, in pieces of any length: together n.
    """
    root = zarr.open_group(folder / ARRAYS, mode="a", zarr_format=3)
    root.require_group(recipe.combination)
    shape = (recipe.window_px, recipe.window_px, len(recipe.bands))
    array = root.create_array(
        layer_name(recipe),
        shape=(n, *shape),
        dtype="float32",
        chunks=(CHUNK, *shape),
        shards=(SHARD, *shape),
        fill_value=float("nan"),
        compressors=BloscCodec(cname="zstd", clevel=3, shuffle=BloscShuffle.shuffle),
        dimension_names=("patch", "row", "column", "band"),
        attributes={
            "units": "dB",
            "bands": list(recipe.bands),
            "recipe": json.loads(recipe.canonical()),
            "recipe_hash": recipe.hash(),
        },
        overwrite=True,
    )
    at = 0
    for shard in _shards(parts):
        array[at : at + len(shard)] = shard
        at += len(shard)
    if at != n:
        raise ValueError(f"{at} windows for {n} rows")


def _shards(parts: Iterable[NDArray[np.float32]]) -> Iterable[NDArray[np.float32]]:
    """Pieces put together to whole shards; the last may be shorter."""
    held: list[NDArray[np.float32]] = []
    count = 0
    for part in parts:
        rest = part
        while count + len(rest) >= SHARD:
            take = SHARD - count
            yield np.concatenate([*held, rest[:take]])
            held, count, rest = [], 0, rest[take:]
        if len(rest):
            held.append(np.asarray(rest))
            count += len(rest)
    if held:
        yield np.concatenate(held)
