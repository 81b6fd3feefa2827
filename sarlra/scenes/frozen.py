"""A search's result as a file, from which a run can be repeated."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sarlra.errors import SourceError
from sarlra.events.files import read_json_file
from sarlra.scenes.items import FoundItem, load_items
from sarlra.scenes.model import Scenes
from sarlra.scenes.sources import PARAMETERS, Source, open_source


@dataclass(frozen=True, slots=True)
class Frozen:
    """A frozen search: a source of its own, what was searched for, and the items."""

    source: Source
    parameters: Mapping[str, Any]
    items: tuple[FoundItem, ...]


def freeze_bytes(scenes: Scenes, *, indent: int | None = 1) -> bytes:
    """The ItemCollection (GeoJSON, UTF-8) of what the scenes use; equal scenes, equal bytes.

    hrefs are absolute and unsigned; the search's parameters are in the member ``sarlra:search``.
    ``indent`` None puts all on one line, which is far faster.
    """
    content = {
        "type": "FeatureCollection",
        PARAMETERS: dict(scenes.parameters),
        "features": list(scenes.items),
    }
    return (json.dumps(content, indent=indent, sort_keys=True, ensure_ascii=False) + "\n").encode()


def thaw(path: str | os.PathLike[str]) -> Frozen:
    """Read a frozen search.

    Raises
    ------
    SourceError
        The file is none.
    """
    file = Path(path)
    content = read_json_file(file, SourceError)
    if not isinstance(content, dict) or not isinstance(content.get(PARAMETERS), dict):
        raise SourceError(f"{file} is no frozen search", hint=f"it has no member {PARAMETERS}")
    source = open_source(str(file))
    return Frozen(source, content[PARAMETERS], load_items(file))
