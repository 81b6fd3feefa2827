"""Whether an item stands: valid, of the job in question, and every file that it names whole."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any

import pystac

from sarlra.catalog import assets, checksums
from sarlra.catalog.names import item_path, resolved
from sarlra.catalog.sink import Sink
from sarlra.catalog.validate import validate_item
from sarlra.errors import SarlraError

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
        return as_item(document, sink.url_of(path))
    except (SarlraError, ValueError, RecursionError) as error:
        log.warning("item %s is made again: %s", item_id, error)
        return None


def as_item(document: dict[str, Any], href: str) -> pystac.Item:
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
