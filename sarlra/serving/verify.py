"""Whether a catalogue is what its items say: every document valid, every file of its checksum."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sarlra.catalog import checksums
from sarlra.catalog.assets import SUM, ZARR
from sarlra.catalog.names import resolved, store_and_group
from sarlra.catalog.read import grid_of_item
from sarlra.composites.region_fault import region_fault
from sarlra.errors import SarlraError
from sarlra.serving.results import Entry, Results


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that is not as it should be; ``subject`` is an id or path."""

    subject: str
    reason: str


@dataclass(frozen=True, slots=True)
class Verified:
    """How many items, collections and files were looked at, and what is wrong."""

    items: int
    collections: int
    files: int
    unchecked: int
    faults: tuple[Fault, ...]


def verify(results: Results, progress: Callable[[int], None] = lambda _: None) -> Verified:
    """Read every file that an item or collection names and compare size and checksum.

    Of a composite the values of the item's tile are read and compared, and where they are said to
    lie. Files without a checksum are looked for, and counted as ``unchecked``. What lies out of the
    catalogue is not looked at.
    """
    faults = [Fault(path, reason) for path, reason in results.rejected]
    files = unchecked = 0
    for number, entry in enumerate((*results.collections.values(), *results.items.values())):
        for named, reason, checked in _files(results, entry):
            files += 1
            unchecked += not checked
            if reason is not None:
                faults.append(Fault(str(entry.document["id"]), f"{named}: {reason}"))
        progress(number + 1)
    return Verified(len(results.items), len(results.collections), files, unchecked, tuple(faults))


def _files(results: Results, entry: Entry) -> Iterator[tuple[str, str | None, bool]]:
    """(asset and path, what is wrong, whether there is a checksum) of each file of an entry."""
    for key, asset in sorted(entry.document.get("assets", {}).items()):
        try:
            path = resolved(asset["href"], entry.path)
        except SarlraError as error:
            yield f"asset {key}", error.message, False
            continue
        if path is None:
            continue
        if asset.get("type") == ZARR:
            sums = _sums(asset)
            yield f"asset {key} ({path})", _region_fault(results, entry, path, sums), bool(sums)
            continue
        wanted = asset.get("file:checksum")
        yield f"asset {key} ({path})", _fault(results, path, asset, wanted), wanted is not None


def _sums(asset: dict[str, Any]) -> dict[str, str]:
    """What the item says that the values of the composite's bands sum up to."""
    return {str(band["name"]): str(band[SUM]) for band in asset.get("bands", ()) if band.get(SUM)}


def _region_fault(results: Results, entry: Entry, path: str, sums: dict[str, str]) -> str | None:
    try:
        if results.place.size(f"{path}/zarr.json") is None:
            return "there is no such group"
        if not sums:
            return None
        store, group = store_and_group(path)
        tile, _ = grid_of_item(entry.document)
        return region_fault(f"{results.place.root}/{store}", group, tile, sums)
    except SarlraError as error:
        return error.message


def _fault(results: Results, path: str, asset: dict[str, object], wanted: object) -> str | None:
    try:
        size = results.place.size(path)
        if size is None:
            return "there is no such file"
        if size != asset.get("file:size", size):
            return f"has {size} bytes, not {asset['file:size']}"
        if wanted is not None:
            with results.place.open(path) as stream:
                if checksums.of_stream(stream) != wanted:
                    return "has another checksum: it was changed after it was written"
    except SarlraError as error:
        return error.message
    return None
