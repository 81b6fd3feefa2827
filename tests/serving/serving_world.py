"""A small catalogue with versions, as runs would have written it."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "catalog"))

import catalog_world as world

from sarlra.catalog.collection import fold
from sarlra.catalog.folder import FolderSink
from sarlra.catalog.sink import open_sink
from sarlra.grid import Tile

#: Beside the first tile.
SECOND = Tile(32654, 221, 1846, 256)
EVENT = "us2000h8ty"


def add(sink: FolderSink, version: str, tile: Tile = world.TILE) -> str:
    """Publish an item; its id."""
    given = world.provenance(recipe=world.RECIPE, version=version, job_id=f"job-{version}")
    return str(world.result(tile, provenance=given).publish(sink).id)


def refold(sink: FolderSink, current: list[str] | None = None) -> None:
    fold(sink, world.event(), suppress=world.keep_highest, item_ids=current)


def make(folder: Path) -> None:
    """Two tiles, and an old and a new version of the first."""
    sink = open_sink(str(folder))
    assert isinstance(sink, FolderSink)
    world.prepare(sink)
    add(sink, "v1")
    refold(sink, [add(sink, "v2"), add(sink, "v2", SECOND)])
