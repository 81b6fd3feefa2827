"""Files of an item, made in a local folder before anything is put into a catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sarlra.catalog import assets, vector
from sarlra.catalog.coarse import ChangeImage
from sarlra.catalog.cog import write_cog
from sarlra.catalog.names import FILES
from sarlra.catalog.quicklook import image_of
from sarlra.catalog.rasters import Raster, change_raster, hillshade_raster, visibility_rasters
from sarlra.grid import Bounds, Tile
from sarlra.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Draft:
    """Local files, and their entries in the item's ``assets``; both by the asset's key."""

    files: Mapping[str, Path]
    entries: Mapping[str, dict[str, Any]]

    def __or__(self, other: Draft) -> Draft:
        """Both, in the order of all assets."""
        files, entries = {**self.files, **other.files}, {**self.entries, **other.entries}
        return Draft(
            {key: files[key] for key in assets.TEMPLATES if key in files},
            {key: entries[key] for key in assets.TEMPLATES if key in entries},
        )


@dataclass(frozen=True, slots=True)
class Ground:
    """What an item tells of a composite before any score: its rasters.

    ``bounds`` are those of the change, (left, bottom, right, top) in metres; ``image`` is the
    change as the quick-look draws it.
    """

    draft: Draft
    bounds: Bounds
    image: ChangeImage


def draft_ground(
    folder: Path,
    composite: xr.Dataset,
    tile: Tile,
    recipe: Recipe,
    shade: NDArray[np.uint8] | None = None,
    threads: int = 1,
) -> Ground:
    """Change, visibility, data and relief of a composite; the threads change no byte.

    Parameters
    ----------
    composite, shade
        As :func:`sarlra.catalog.publish.publish_job` takes them.

    Raises
    ------
    CatalogError
        The composite or the relief does not fit the tile.
    """
    change = change_raster(composite, tile, recipe)
    drafted = draft_rasters(folder, {"change": change}, threads)
    bounds, image = change.bounds, image_of(change)
    del change
    visibility, data = visibility_rasters(composite, tile)
    small = {"visibility": visibility, "data": data}
    if shade is not None:
        small["hillshade"] = hillshade_raster(shade, composite, tile)
    return Ground(drafted | draft_rasters(folder, small, threads), bounds, image)


def draft_rasters(folder: Path, rasters: Mapping[str, Raster], threads: int = 1) -> Draft:
    """Rasters as COGs."""
    files = {key: folder / FILES[key] for key in rasters}
    entries = {}
    for key, raster in rasters.items():
        write_cog(
            files[key], raster.values, raster.transform, raster.epsg, raster.bands,
            raster.statistics, threads,
        )  # fmt: skip
        entries[key] = assets.raster_asset(key, files[key], raster)
    return Draft(files, entries)


def draft_tables(folder: Path, tables: Mapping[str, gpd.GeoDataFrame]) -> Draft:
    """Tables as GeoParquet, or as GeoJSON where the file's name says so."""
    files = {key: folder / FILES[key] for key in tables}
    entries = {}
    for key, table in tables.items():
        write = vector.write_geojson if files[key].suffix == ".geojson" else vector.write_parquet
        write(files[key], table)
        entries[key] = assets.table_asset(key, files[key], table)
    return Draft(files, entries)


def draft_picture(folder: Path, key: str, content: bytes) -> Draft:
    """A picture that is drawn already."""
    file = folder / FILES[key]
    file.write_bytes(content)
    return Draft({key: file}, {key: assets.file_asset(key, file)})
