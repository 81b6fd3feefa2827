"""What `sarlra explain` is given: a published item, or a composite in a file."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import geopandas as gpd
import numpy as np
import pandas as pd
import rioxarray  # noqa: F401  (registers the accessor .rio)
import xarray as xr
from numpy.typing import NDArray
from pyproj import Transformer

from sarlra.catalog.attach import attach_raster
from sarlra.catalog.names import resolved
from sarlra.catalog.rasters import Raster
from sarlra.catalog.read import grid_of_item
from sarlra.catalog.sink import open_sink
from sarlra.composites.access import naming, open_store
from sarlra.detection.composite_file import CompositeFile, composite_of, open_composite
from sarlra.detection.score_file import score_composite, threshold_of
from sarlra.errors import CatalogError, InputError
from sarlra.evaluation.contribution_map import ContributionMap
from sarlra.evaluation.low_change import low_change_windows
from sarlra.models.background import read_background
from sarlra.models.registry import ModelInfo, find_model
from sarlra.recipe import Recipe, make_recipe
from sarlra.serving.fetch import FolderOrigin, Origin, WebOrigin, fetch_item, read_asset
from sarlra.serving.reproduce import model_of_item
from sarlra.serving.results import Document

Spot = tuple[int, int]
Area = tuple[float, float, float, float]


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
        None for a file: :func:`detections_of` scores it.
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


def detections_of(subject: Subject, given: str, out: Path) -> pd.DataFrame:
    """The detections of a subject, the highest score first; a file is scored, and the table of all
    its windows written to the folder.
    """
    if subject.detections is not None:
        return subject.detections
    out.mkdir(parents=True, exist_ok=True)
    table = score_composite(
        Path(given), subject.model, reference_mode=False, threshold=None,
        out=out / "scores.parquet",
    )  # fmt: skip
    return _ordered(table[table["kept"]])


def spot_at(subject: Subject, x: float, y: float) -> Spot:
    """The window of the lattice around a point: the one whose middle is nearest.

    Parameters
    ----------
    x, y
        In the composite's own coordinates; degrees east and north where both can be that and the
        composite is in metres. Without a CRS: column and row in pixels.

    Raises
    ------
    InputError
        The point lies outside the composite.
    """
    composite, recipe = subject.composite, subject.recipe
    if composite.crs is not None and abs(x) <= 180 and abs(y) <= 90:
        x, y = Transformer.from_crs(4326, composite.crs, always_xy=True).transform(x, y)
    col, row = ~composite.transform * (x, y)
    rows, cols = composite.shape
    if not (0 <= row < rows and 0 <= col < cols):
        raise InputError(f"{x:g}, {y:g} lies outside the composite {subject.name}")
    edge, step = recipe.window_px, recipe.stride_px
    found = []
    for place, size in ((row, rows), (col, cols)):
        last = (size - edge) // step * step
        found.append(int(np.clip(round((place - edge / 2) / step) * step, 0, last)))
    return found[0], found[1]


def spots_in(subject: Subject, area: Area, step: int) -> list[Spot]:
    """Windows that lie within an area (west, south, east, north, degrees), every ``step`` pixels
    of the lattice, row by row, and have enough data.

    Raises
    ------
    InputError
        The composite has no CRS, or no window of it lies there.
    """
    composite, recipe = subject.composite, subject.recipe
    if composite.crs is None:
        raise InputError(f"{subject.name} has no coordinate reference system: --area needs one")
    west, south, east, north = area
    x = np.linspace(west, east, 21)
    y = np.linspace(south, north, 21)
    edges = np.concatenate([
        np.column_stack(pair)
        for pair in ((x, np.full(21, south)), (x, np.full(21, north)),
                     (np.full(21, west), y), (np.full(21, east), y))
    ])  # fmt: skip
    moved = Transformer.from_crs(4326, composite.crs, always_xy=True).transform(*edges.T)
    cols, rows = ~composite.transform * (np.asarray(moved[0]), np.asarray(moved[1]))
    edge = recipe.window_px
    first = [int(np.ceil(max(part.min(), 0) / step)) * step for part in (rows, cols)]
    last = [min(float(part.max()), size) for part, size in zip((rows, cols), composite.shape, strict=True)]  # noqa: E501  # fmt: skip
    spots = []
    for row in range(first[0], int(last[0]) - edge + 1, step):
        layers = composite.read(row, row + edge, True)
        missing = ~np.logical_and.reduce([np.isfinite(layer) for layer in layers])
        for col in range(first[1], int(last[1]) - edge + 1, step):
            if missing[:, col : col + edge].mean() <= recipe.max_nodata:
                spots.append((row, col))
    if not spots:
        raise InputError(
            f"no window of {subject.name} lies in {west:g},{south:g},{east:g},{north:g}",
            hint="west, south, east, north in degrees; a window is 640 m wide",
        )
    return spots


def background_of(subject: Subject) -> tuple[NDArray[np.float32], str]:
    """The windows that a subject's scores are explained against, and in words what they are: those
    stored with the model, or windows of the composite in which little changed.

    Raises
    ------
    InputError
        The model has none, and the composite has too few.
    ModelError
        What is stored is damaged.
    """
    stored = read_background(subject.model)
    if stored is not None:
        return stored, f"{len(stored)} windows stored with the model"
    found = low_change_windows(subject.composite, subject.model.bands, subject.recipe)
    return found, f"{len(found)} windows of the composite with little change"


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
        name, composite, info, threshold, recipe, _ordered(table[inside]), document, origin
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


def _ordered(table: pd.DataFrame) -> pd.DataFrame:
    """By falling score, then place, so that equal scores have an order."""
    plain = pd.DataFrame(table[["row", "col", "score"]])
    return plain.sort_values(["score", "row", "col"], ascending=[False, True, True]).reset_index(
        drop=True
    )
