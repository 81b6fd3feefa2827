"""Writing a job's item, after everything that it names."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pystac
import xarray as xr
from numpy.typing import NDArray

from sarlra.catalog import assets, vector
from sarlra.catalog.draft import Ground, draft_ground, draft_picture, draft_rasters, draft_tables
from sarlra.catalog.items import item_document
from sarlra.catalog.names import asset_path, is_external, item_id, item_path
from sarlra.catalog.provenance import Provenance
from sarlra.catalog.quicklook import caption_of, draw_quicklook
from sarlra.catalog.rasters import score_rasters
from sarlra.catalog.root import to_bytes
from sarlra.catalog.sink import Sink
from sarlra.catalog.standing import as_item, asset_fault
from sarlra.catalog.validate import validate_item
from sarlra.errors import CatalogError, SarlraError, StoreError
from sarlra.events.event import Event
from sarlra.grid import Tile
from sarlra.scenes.model import Track


def publish_job(
    sink: Sink,
    event: Event,
    tile: Tile,
    track: Track,
    composite: xr.Dataset,
    lattice: xr.Dataset,
    detections: gpd.GeoDataFrame,
    provenance: Provenance,
    statistics: Mapping[str, Any],
    shade: NDArray[np.uint8] | None = None,
    outlines: gpd.GeoDataFrame | None = None,
    ground: Ground | None = None,
) -> pystac.Item:
    """Write a job's assets and then its item.

    Everything is made and checked in a temporary folder first; then the assets are put into the
    sink and read back against their checksums, and the item is put last, so that an item never
    names a file that is not there or is not whole. If that fails half way, what was put is taken
    away again. The same arguments give the same bytes.

    Parameters
    ----------
    composite
        On pixels of the tile's grid (a halo is left out): ``diff_*`` float32 dB, NaN is no data;
        ``visibility`` uint8, ``n_pre`` and ``n_post``.
        Its group and the frozen inputs have to be in the sink already.
    lattice
        On the whole tile's lattice: ``score`` float32, ``reason`` uint8, ``n_pre``, ``n_post``.
    detections
        EPSG:4326; may be empty, but with columns.
    statistics
        Numbers of the job, with ``windows``, ``scored`` and ``detections``; ``over_threshold`` and
        ``over_threshold_share`` (of the scored windows) are added.
    shade
        Shaded relief on the composite's pixels; without it the item has no such asset.
    outlines
        Of the change inside the detections, EPSG:4326; None leaves the asset out.
    ground
        Of ``composite`` and ``shade``, where it is drafted already.

    Raises
    ------
    CatalogError
        The results do not fit the tile or each other, the item would not be valid, or what it
        names is not in the sink.
    StoreError
        The sink cannot be written, or a file in it is not the one that was put.
    """
    identifier = item_id(event, tile, track, provenance.version)
    path = item_path(identifier)
    if not (track.pre and track.post):
        raise CatalogError(f"{identifier}: the track has no acquisitions before or after the event")
    vector.check_detections(detections, identifier)
    scores, reasons = score_rasters(lattice, tile, provenance.recipe)
    tables = {"detections": detections, "detections-geojson": detections}
    if outlines is not None:
        tables["outlines"] = outlines
    size = provenance.recipe.window_px * tile.resolution
    caption = caption_of(
        event,
        track,
        tile.id,
        len(detections),
        provenance.threshold,
        provenance.model.name,
        provenance.source,
    )
    with tempfile.TemporaryDirectory(prefix="sarlra-item-") as text:
        folder = Path(text)
        if ground is None:
            ground = draft_ground(folder, composite, tile, provenance.recipe, shade)
        made = ground.draft | draft_rasters(folder, {"scores": scores, "score-reasons": reasons})
        made |= draft_tables(folder, tables)
        picture = draw_quicklook(ground.image, detections, size, caption)
        made |= draft_picture(folder, "quicklook", picture)
        listed = {
            "composite": _composite(sink, provenance, path, tile.epsg),
            **made.entries,
            "inputs": _inputs(sink, provenance, path),
        }
        numbers = {**statistics, **_over_threshold(scores.values, provenance.threshold)}
        document = item_document(event, tile, track, ground.bounds, provenance, numbers, listed)
        validate_item(document)
        _put(sink, identifier, made.files, document)
    return as_item(document, sink.url_of(path))


def _over_threshold(scores: np.ndarray, threshold: float) -> dict[str, Any]:
    scored, over = int(np.isfinite(scores).sum()), int((scores > threshold).sum())
    share = round(over / scored, 6) if scored else None
    return {"over_threshold": over, "over_threshold_share": share}


def _composite(sink: Sink, provenance: Provenance, path: str, epsg: int) -> dict[str, Any]:
    group = provenance.composite_href.rstrip("/")
    if not is_external(group) and not sink.exists(f"{group}/zarr.json"):
        raise CatalogError(f"there is no Zarr group {group} in {sink.root} for the item to name")
    return assets.composite_asset(group, path, provenance.recipe, epsg, provenance.composite_sums)


def _inputs(sink: Sink, provenance: Provenance, path: str) -> dict[str, Any]:
    href = provenance.inputs_href
    content = None if is_external(href) else sink.read_bytes(href)
    return assets.inputs_asset(href, path, content)


def _put(sink: Sink, identifier: str, files: Mapping[str, Path], document: dict[str, Any]) -> None:
    path = item_path(identifier)
    # An item of another job, or of damaged files, must not stand over the new files for a moment.
    sink.delete(path)
    try:
        for key, local in files.items():
            sink.put_file(local, asset_path(identifier, key))
        # What was put is read back: the item vouches for what is there, not for what was sent.
        if fault := asset_fault(sink, document, path, verify=True):
            raise StoreError(
                f"item {identifier} is not written: {fault}",
                hint="check the store, and that no other run writes there; then run again",
            )
        sink.put_bytes(path, to_bytes(document))
    except BaseException:
        for rel in (path, *(asset_path(identifier, key) for key in files)):
            with suppress(SarlraError):
                sink.delete(rel)
        raise
