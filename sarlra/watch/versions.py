"""The versions of a watched event's product: items that name what came before and after them."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely.geometry import mapping

from sarlra.catalog import checksums, footprint, vector
from sarlra.catalog.assets import COG, GEOJSON, PARQUET, raster_asset_of
from sarlra.catalog.cog import write_cog
from sarlra.catalog.looks import renders_of
from sarlra.catalog.names import ROOT, collection_path, item_path, relative
from sarlra.catalog.overview import draw_event
from sarlra.catalog.root import to_bytes
from sarlra.catalog.sink import Sink
from sarlra.catalog.validate import validate_document, validate_fields
from sarlra.events.times import iso
from sarlra.watch.product import Product
from sarlra.watch.watched import Watched, version_path

Document = dict[str, Any]
EXTENSIONS = tuple(
    f"https://stac-extensions.github.io/{name}/schema.json"
    for name in (
        "file/v2.1.0",
        "projection/v2.0.0",
        "raster/v2.0.0",
        "render/v2.0.0",
        "version/v1.2.0",
    )
)
_VERSION_RELS = ("predecessor-version", "successor-version", "latest-version")


def read_versions(sink: Sink, watched: Watched) -> list[Document]:
    """The versions that stand, the first one first.

    An item is written after its files, so what has an item is whole.
    """
    found: list[Document] = []
    while sink.exists(version_path(watched, len(found) + 1)):
        found.append(json.loads(sink.read_bytes(version_path(watched, len(found) + 1))))
    return found


def changes_between(old: gpd.GeoDataFrame | None, new: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """What became of detections: ``change`` is ``new``, ``kept`` or ``withdrawn``.

    A detection is kept where one of the other version overlaps it. Of those kept the row is the
    new one's, of those withdrawn the old one's. Only confirmed detections count.
    """
    ours = new[new["confirmed"]].assign(change="new")
    if old is None:
        return ours.reset_index(drop=True)
    theirs = old[old["confirmed"]].assign(change="withdrawn")
    touching = _overlapping(ours, theirs)
    ours.loc[touching, "change"] = "kept"
    gone = theirs[~_overlapping(theirs, ours)]
    parts = [part for part in (ours, gone) if len(part)]
    if not parts:
        return ours.reset_index(drop=True)
    whole = pd.concat(parts, ignore_index=True)
    return gpd.GeoDataFrame(whole, geometry="geometry", crs=4326)


def _overlapping(one: gpd.GeoDataFrame, other: gpd.GeoDataFrame) -> np.ndarray:
    """Which of ``one`` share some area with any of ``other``."""
    result = np.zeros(len(one), dtype=bool)
    if len(one) and len(other):
        shapes = one.geometry.to_numpy()
        pairs = shapely.STRtree(other.geometry.to_numpy()).query(shapes, predicate="intersects")
        theirs = other.geometry.to_numpy()[pairs[1]]
        shared = shapely.area(shapely.intersection(shapes[pairs[0]], theirs))
        # Windows that only touch along an edge are neighbours.
        result[pairs[0][shared > 0.01 * shapely.area(theirs)]] = True
    return result


def put_version(
    sink: Sink,
    watched: Watched,
    product: Product,
    earlier: Sequence[Document],
    facts: Mapping[str, Any],
    tiles: Sequence[Document],
) -> Document:
    """Write the next version: its files, then its item, then the links of those before.

    Parameters
    ----------
    earlier
        The versions that stand.
    facts
        Further ``sarlra:*`` properties, JSON: of the tracks, and why there is a new version.
    tiles
        The items of tiles and tracks that it is made of.
    """
    number = len(earlier) + 1
    path = version_path(watched, number)
    folder = path.rpartition("/")[0]
    old = _table_of(sink, watched, number - 1) if earlier else None
    changes = changes_between(old, product.table)
    with tempfile.TemporaryDirectory(prefix="sarlra-version-") as place:
        assets = _files(sink, Path(place), folder, watched, product, changes)
    counted = {
        name: int((changes["change"] == name).sum()) for name in ("new", "kept", "withdrawn")
    }
    document = _item(watched, number, product, counted, facts, tiles, assets)
    validate_document(document)
    validate_fields(document, "version")
    sink.put_bytes(path, to_bytes(document))
    link_versions(sink, watched, [*earlier, document])
    return document


def link_versions(sink: Sink, watched: Watched, versions: Sequence[Document]) -> None:
    """Make every version name the one before, the one after, and the latest; idempotent."""
    for number, document in enumerate(versions, start=1):
        path = version_path(watched, number)
        links = [link for link in document["links"] if link["rel"] not in _VERSION_RELS]
        named = {"predecessor-version": number - 1, "successor-version": number + 1}
        if number < len(versions):
            named["latest-version"] = len(versions)
        for rel, other in named.items():
            if 1 <= other <= len(versions):
                href = relative(version_path(watched, other), path)
                links.append({"rel": rel, "href": href, "type": "application/geo+json"})
        document["links"] = links
        document["properties"]["deprecated"] = number < len(versions)
        data = to_bytes(document)
        if sink.read_bytes(path) != data:
            sink.put_bytes(path, data)


def _table_of(sink: Sink, watched: Watched, number: int) -> gpd.GeoDataFrame:
    folder = version_path(watched, number).rpartition("/")[0]
    with sink.open(f"{folder}/detections.parquet") as stream:
        return gpd.read_parquet(stream)


def _files(
    sink: Sink,
    place: Path,
    folder: str,
    watched: Watched,
    product: Product,
    changes: gpd.GeoDataFrame,
) -> dict[str, dict[str, Any]]:
    """Write a version's files, and describe them."""
    assets: dict[str, dict[str, Any]] = {}

    def put(name: str, about: dict[str, Any], key: str = "") -> None:
        local = place / name
        sink.put_file(local, f"{folder}/{name}")
        assets[key or name.partition(".")[0]] = {
            "href": f"./{name}", **about,
            "file:size": local.stat().st_size, "file:checksum": checksums.of_file(local),
        }  # fmt: skip

    vector.write_parquet(place / "detections.parquet", product.table)
    fused = {"roles": ["data"], "title": "Both directions fused"}
    put("detections.parquet", {"type": PARQUET, **fused})
    vector.write_geojson(place / "detections.geojson", product.table)
    put(
        "detections.geojson",
        {"type": GEOJSON, **fused},
        "detections-geojson",
    )
    vector.write_geojson(place / "changes.geojson", changes)
    put(
        "changes.geojson",
        {
            "type": GEOJSON,
            "roles": ["data"],
            "title": "New, kept and withdrawn against the version before",
        },
    )
    for kind, title, rasters in (
        ("density", "Density of detections", product.density),
        ("heat", "Pixel-based change heat map, no model", product.heat),
        ("scores", "Fused scores of all windows", product.scores),
    ):
        for raster in rasters:
            name = f"{kind}-{raster.epsg}.tif"
            write_cog(place / name, raster.values, raster.transform, raster.epsg, raster.bands)
            put(name, {"type": COG, "roles": ["data"], "title": title, **raster_asset_of(raster)})
    (place / "overview.png").write_bytes(draw_event(sink, watched.event.id))
    put("overview.png", {"type": "image/png", "roles": ["overview"], "title": "Picture"})
    return assets


def _item(
    watched: Watched,
    number: int,
    product: Product,
    counted: Mapping[str, int],
    facts: Mapping[str, Any],
    tiles: Sequence[Document],
    assets: Mapping[str, dict[str, Any]],
) -> Document:
    event, path = watched.event, version_path(watched, number)
    times = [document["properties"] for document in tiles]
    last = max(p["end_datetime"] for p in times)
    up = relative(collection_path(watched.id), path)
    numbers = product.numbers
    return {
        "type": "Feature",
        "stac_version": "1.1.0",
        "stac_extensions": list(EXTENSIONS),
        "id": f"{watched.id}-v{number:04d}",
        "geometry": mapping(event.area),
        "bbox": footprint.bbox(event.area),
        "properties": {
            "title": f"{event.title}, version {number}",
            "datetime": last,
            "start_datetime": min(p["start_datetime"] for p in times),
            "end_datetime": last,
            "version": str(number),
            "deprecated": False,
            "sarlra:event": event.id,
            "sarlra:origins": [iso(origin) for origin in event.origins],
            "sarlra:numbers": numbers,
            "sarlra:changes": dict(counted),
            "sarlra:items": sorted(str(document["id"]) for document in tiles),
            "sarlra:notes": list(product.notes),
            "renders": renders_of(assets, COG),
            **facts,
        },
        "links": [
            {"rel": "root", "href": relative(ROOT, path), "type": "application/json"},
            {"rel": "parent", "href": up, "type": "application/json"},
            {"rel": "collection", "href": up, "type": "application/json"},
            *(
                {
                    "rel": "derived_from",
                    "href": relative(item_path(str(document["id"])), path),
                    "type": "application/geo+json",
                    "title": str(document["id"]),
                }
                for document in sorted(tiles, key=lambda d: str(d["id"]))
            ),
        ],
        "assets": dict(assets),
        "collection": watched.id,
    }
