"""Layers from other hosts that the map page may show, where whoever serves it says so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sarlra.catalog.resources import catalogs_file
from sarlra.errors import InputError
from sarlra.serving.limits import MAX_DOCUMENT_BYTES

Url = Annotated[str, Field(pattern=r"^https?://[A-Za-z0-9.-]+(:\d+)?/", max_length=1000)]
Text = Annotated[str, Field(max_length=200)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class BaseMap(_Strict):
    """Tiles of web mercator: an address with ``{z}``, ``{x}`` and ``{y}``."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,40}$")]
    title: Text
    tiles: Url
    maxzoom: Annotated[int, Field(ge=0, le=24)] = 19
    attribution: Text = ""


class Optical(_Strict):
    """Where scenes of Sentinel-2 are searched, and tiles of one ``{item}`` are drawn."""

    search: Url
    collection: Text
    tiles: Url
    maxzoom: Annotated[int, Field(ge=0, le=24)] = 14
    days: Annotated[int, Field(ge=1, le=730)] = 60
    max_cloud_percent: Annotated[float, Field(ge=0, le=100)] = 40.0
    attribution: Text = ""


class OnlineLayers(_Strict):
    """Base maps and optical images from other hosts."""

    basemaps: tuple[BaseMap, ...] = ()
    sentinel2: Optical | None = None

    def origins(self) -> tuple[str, ...]:
        """Scheme and host of everything that may be asked, for the page's policy."""
        urls = [layer.tiles for layer in self.basemaps]
        if self.sentinel2 is not None:
            urls += [self.sentinel2.search, self.sentinel2.tiles]
        parts = [urlsplit(url) for url in urls]
        return tuple(sorted({f"{part.scheme}://{part.netloc}" for part in parts}))


def read_online_layers(file: Path | None) -> OnlineLayers:
    """The layers of a file, or those that the package knows.

    Raises
    ------
    InputError
        The file cannot be read or describes no layers.
    """
    path = file or catalogs_file("viewer", "online.json")
    try:
        with path.open("rb") as stream:
            return OnlineLayers.model_validate(json.loads(stream.read(MAX_DOCUMENT_BYTES)))
    except (OSError, ValidationError, ValueError) as error:
        raise InputError(
            f"{path} describes no online layers: {error}",
            hint="see catalogs/viewer/online.json for the form",
        ) from error
