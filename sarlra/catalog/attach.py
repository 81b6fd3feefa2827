"""A raster added to an item that stands: made after the run, of what the run left."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from sarlra.catalog.assets import COG, raster_asset
from sarlra.catalog.cog import write_cog
from sarlra.catalog.looks import renders_of
from sarlra.catalog.names import FILES, asset_path, collection_path, item_path
from sarlra.catalog.rasters import Raster
from sarlra.catalog.root import to_bytes
from sarlra.catalog.sink import Sink
from sarlra.catalog.validate import validate_item


def attach_raster(sink: Sink, document: dict[str, Any], key: str, raster: Raster) -> None:
    """Write a raster beside an item and name it in the item, in place of one that is there.

    The item's job stands as before: it is not made again for this.

    Parameters
    ----------
    document
        The item as it is in the sink.
    key
        Of ``FILES`` and ``TEMPLATES``.

    Raises
    ------
    CatalogError
        The item would not be valid.
    StoreError
        The sink cannot be written.
    """
    identifier = str(document["id"])
    with tempfile.TemporaryDirectory(prefix="sarlra-item-") as folder:
        local = Path(folder) / FILES[key]
        write_cog(local, raster.values, raster.transform, raster.epsg, raster.bands)
        assets = {**document["assets"], key: raster_asset(key, local, raster)}
        properties = dict(document["properties"])
        if "renders" in properties:
            properties["renders"] = renders_of(assets, COG)
        item = {**document, "assets": assets, "properties": properties}
        validate_item(item)
        sink.put_file(local, asset_path(identifier, key))
        sink.put_bytes(item_path(identifier), to_bytes(item))
    # Servers look at the collection to see whether to read again.
    collection = collection_path(str(document["collection"]))
    if sink.exists(collection):
        sink.put_bytes(collection, sink.read_bytes(collection))
