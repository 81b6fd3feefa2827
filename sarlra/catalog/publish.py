"""Writing a job's item, after everything that it names."""

from __future__ import annotations

import json
import logging
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

from sarlra.catalog import assets, checksums, vector
from sarlra.catalog.cog import write_cog
from sarlra.catalog.items import item_document
from sarlra.catalog.names import FILES, asset_path, is_external, item_id, item_path, resolved
from sarlra.catalog.provenance import Provenance
from sarlra.catalog.quicklook import caption_of, draw_quicklook
from sarlra.catalog.rasters import (
    Raster,
    change_raster,
    hillshade_raster,
    score_rasters,
    visibility_rasters,
)
from sarlra.catalog.root import to_bytes
from sarlra.catalog.sink import Sink
from sarlra.catalog.validate import validate_item
from sarlra.errors import CatalogError, SarlraError, StoreError
from sarlra.events.event import Event
from sarlra.grid import Tile
from sarlra.scenes.model import Track

__all__ = ["Provenance", "find_done", "item_id", "publish_job"]

log = logging.getLogger(__name__)


def find_done(sink: Sink, item_id: str, job_id: str, *, verify: bool = False) -> pystac.Item | None:
    """The item of a job, if the job need not be run again.

    It has to be valid, of the same job, and every file that it names with a size has to be there
    with that size; with ``verify`` the checksums are computed too. Anything else is None, never an
    error.
    """
    path = item_path(item_id)
    try:
        if not sink.exists(path):
            return None
        document = json.loads(sink.read_bytes(path))
        if not isinstance(document, dict):
            return None
        validate_item(document)
        if document["id"] != item_id or document["properties"]["sarlra:job_id"] != job_id:
            return None
        if fault := asset_fault(sink, document, path, verify=verify):
            log.warning("item %s is made again: %s", item_id, fault)
            return None
        return _as_item(document, sink.url_of(path))
    except (SarlraError, ValueError, RecursionError) as error:
        log.warning("item %s is made again: %s", item_id, error)
        return None


def _as_item(document: dict[str, Any], href: str) -> pystac.Item:
    """The document as an object of pystac, with its address."""
    item = pystac.Item.from_dict(document, href=href)
    # pystac follows this link whenever an href is asked for, and the root is written by the fold.
    item.remove_links("root")
    return item


def asset_fault(sink: Sink, document: Mapping[str, Any], path: str, *, verify: bool) -> str | None:
    """What is wrong with the files of an item or collection at ``path``; None if nothing is."""
    for key, asset in sorted(document.get("assets", {}).items()):
        target = resolved(asset["href"], path)
        if target is None:
            continue
        if asset.get("type") == assets.ZARR:
            target = f"{target}/zarr.json"
        size = sink.size(target)
        if size is None:
            return f"asset {key}: there is no {target}"
        if size != asset.get("file:size", size):
            return f"asset {key}: {target} has {size} bytes, not {asset['file:size']}"
        if verify and "file:checksum" in asset:
            with sink.open(target) as stream:
                if checksums.of_stream(stream) != asset["file:checksum"]:
                    return f"asset {key}: {target} has another checksum"
    return None


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
    change = change_raster(composite, tile, provenance.recipe)
    scores, reasons = score_rasters(lattice, tile, provenance.recipe)
    visibility, data = visibility_rasters(composite, tile)
    caption = caption_of(
        event,
        track,
        tile.id,
        len(detections),
        provenance.threshold,
        provenance.model.name,
        provenance.source,
    )
    with tempfile.TemporaryDirectory(prefix="sarlra-item-") as folder:
        relief = {} if shade is None else {"hillshade": hillshade_raster(shade, composite, tile)}
        left_out = {
            key
            for key, absent in (
                ("hillshade", not relief),
                ("outlines", outlines is None),
                ("contributions", True),  # of sarlra explain, attached to what stands
            )
            if absent
        }
        files = {k: Path(folder) / name for k, name in FILES.items() if k not in left_out}
        _write_raster(files["change"], change)
        _write_raster(files["scores"], scores)
        _write_raster(files["score-reasons"], reasons)
        _write_raster(files["visibility"], visibility)
        _write_raster(files["data"], data)
        for key, raster in relief.items():
            _write_raster(files[key], raster)
        vector.write_parquet(files["detections"], detections)
        vector.write_geojson(files["detections-geojson"], detections)
        if outlines is not None:
            vector.write_parquet(files["outlines"], outlines)
        size = provenance.recipe.window_px * tile.resolution
        files["quicklook"].write_bytes(draw_quicklook(change, detections, size, caption))
        listed = {
            "composite": _composite(sink, provenance, path, tile.epsg),
            "change": assets.raster_asset("change", files["change"], change),
            "scores": assets.raster_asset("scores", files["scores"], scores),
            "score-reasons": assets.raster_asset("score-reasons", files["score-reasons"], reasons),
            "visibility": assets.raster_asset("visibility", files["visibility"], visibility),
            "data": assets.raster_asset("data", files["data"], data),
            **{key: assets.raster_asset(key, files[key], r) for key, r in relief.items()},
            **{
                key: assets.table_asset(key, files[key], detections)
                for key in ("detections", "detections-geojson")
            },
            **(
                {}
                if outlines is None
                else {"outlines": assets.table_asset("outlines", files["outlines"], outlines)}
            ),
            "quicklook": assets.file_asset("quicklook", files["quicklook"]),
            "inputs": _inputs(sink, provenance, path),
        }
        numbers = {**statistics, **_over_threshold(scores.values, provenance.threshold)}
        document = item_document(event, tile, track, change.bounds, provenance, numbers, listed)
        validate_item(document)
        _put(sink, identifier, files, document)
    return _as_item(document, sink.url_of(path))


def _write_raster(path: Path, raster: Raster) -> None:
    write_cog(path, raster.values, raster.transform, raster.epsg, raster.bands)


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
