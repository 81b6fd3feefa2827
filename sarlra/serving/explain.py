"""What `sarlra explain` is given: a published item, or a composite in a file."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import geopandas as gpd
import pandas as pd
import rioxarray  # noqa: F401  (registers the accessor .rio)
import xarray as xr

from sarlra.catalog.attach import attach_raster
from sarlra.catalog.names import resolved
from sarlra.catalog.rasters import Raster
from sarlra.catalog.read import grid_of_item
from sarlra.catalog.sink import open_sink
from sarlra.composites.access import naming, open_store
from sarlra.detection.composite_file import CompositeFile, composite_of, open_composite
from sarlra.detection.score_file import threshold_of
from sarlra.errors import CatalogError, InputError
from sarlra.evaluation.contribution_map import ContributionMap
from sarlra.models.info import ModelInfo
from sarlra.models.registry import find_model
from sarlra.recipe import Recipe, make_recipe
from sarlra.serving.fetch import FolderOrigin, Origin, WebOrigin, fetch_item, read_asset
from sarlra.serving.reproduce import model_of_item
from sarlra.serving.results import Document


@dataclass(frozen=True, slots=True)
class Subject:
    """Something to explain.

    Parameters
    ----------
    name
        Of the item or file.
    composite
        Open while :func:`open_subject` is.
    model, threshold, recipe
        What scored it, or is to score it.
    detections
        ``row``, ``col`` (upper left pixel) and ``score`` of detected windows, the highest first;
        None for a file, which has still to be scored.
    document, origin
        Of an item.
    """

    name: str
    composite: CompositeFile
    model: ModelInfo
    threshold: float
    recipe: Recipe
    detections: pd.DataFrame | None
    document: Document | None = None
    origin: Origin | None = None


@contextmanager
def open_subject(given: str, model: str | None) -> Iterator[Subject]:
    """Open an item (its JSON, by path or URL, or its folder) or a composite (GeoTIFF, Zarr group).

    Parameters
    ----------
    model
        Name or file; None takes an item's own.

    Raises
    ------
    InputError
        Nothing is there, or a composite is given without a model.
    ModelError
        The model does not fit, or is not the one that the item names.
    CatalogError
        The item is none of this package, or its composite cannot be opened.
    """
    path = Path(given)
    inner = path / f"{path.resolve().name}.json"
    if inner.is_file():
        given = str(inner)
    if given.endswith(".json") or urlsplit(given).scheme in ("http", "https"):
        yield _item(given, model)
        return
    if model is None:
        raise InputError(f"{given} names no model", hint="add --model NAME")
    info = find_model(model)
    with open_composite(path, info.bands, info.name) as composite:
        yield Subject(path.name, composite, info, threshold_of(info), make_recipe(), None)


def attach(subject: Subject, made: ContributionMap) -> None:
    """Add a map to the item that was explained, as its asset ``contributions``.

    Raises
    ------
    InputError
        It is no item in a folder that can be written.
    """
    if subject.document is None or not isinstance(subject.origin, FolderOrigin):
        raise InputError(
            f"{subject.name} is no item in a folder on this machine: nothing to attach the map to",
            hint="leave --attach out; the map is in the output folder",
        )
    tile, _ = grid_of_item(subject.document)
    raster = Raster(made.values, made.transform(subject.composite.transform), tile.epsg, made.bands)
    attach_raster(open_sink(subject.origin.place.root), subject.document, "contributions", raster)


def _item(given: str, model: str | None) -> Subject:
    document, origin = fetch_item(given)
    info = model_of_item(document) if model is None else find_model(model)
    tile, recipe = grid_of_item(document)
    name = str(document["id"])
    with naming(name, "composite", "open"):
        dataset = xr.open_zarr(
            open_store(_composite_url(document, origin), read_only=True), chunks=None,
            consolidated=True, decode_coords="all",
        )  # fmt: skip
        r, (left, _, _, top) = tile.resolution, tile.bounds
        row = round((float(dataset["y"][0]) - (top - r / 2)) / r)
        col = round((left + r / 2 - float(dataset["x"][0])) / r)
        edge = tile.size_px + recipe.halo_px
        # With its neighbours' pixels to the right and below: windows reach into them.
        own = dataset.isel(y=slice(row, row + edge), x=slice(col, col + edge))
        composite = composite_of(own, info.bands, name)
    table = gpd.read_parquet(io.BytesIO(read_asset(document, "detections", origin)))
    threshold = float(document["properties"]["sarlra:threshold"])
    if model is not None and info.sha256 != document["properties"]["sarlra:model_sha256"]:
        threshold = threshold_of(info)
    rows, cols = composite.shape
    inside = (table["row"] + recipe.window_px <= rows) & (table["col"] + recipe.window_px <= cols)
    return Subject(
        name, composite, info, threshold, recipe, ordered(table[inside]), document, origin
    )


def _composite_url(document: Document, origin: Origin) -> str:
    """Where the item's composite lies: in its own catalogue, or it is not read."""
    href = document["assets"].get("composite", {}).get("href")
    if isinstance(href, str):
        if isinstance(origin, FolderOrigin) and ":" not in href:
            path = resolved(href, origin.path)
            if path is not None:
                return f"{origin.place.root}/{path}"
        if isinstance(origin, WebOrigin):
            target, own = urljoin(origin.url, href), urlsplit(origin.url)
            if urlsplit(target)[:2] == own[:2]:
                return target
    raise CatalogError(
        f"item {document['id']} names no composite beside it",
        hint="give the item in the catalogue that it was written to",
    )


def ordered(table: pd.DataFrame) -> pd.DataFrame:
    """By falling score, then place, so that equal scores have an order."""
    plain = pd.DataFrame(table[["row", "col", "score"]])
    return plain.sort_values(["score", "row", "col"], ascending=[False, True, True]).reset_index(
        drop=True
    )
