"""What a catalogue holds in other forms: items as stac-geoparquet."""

from __future__ import annotations

import copy
import os
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

from sarlra.errors import InputError, OutputError
from sarlra.serving.links import is_allowed, with_assets_at
from sarlra.serving.results import Document, Results


def documents(results: Results, assets_url: str | None) -> list[Document]:
    """Items with absolute addresses, by id.

    Parameters
    ----------
    assets_url
        Where the catalogue's root is to be had; None takes the place it was read from.
    """
    url = (assets_url or results.place.root).rstrip("/")
    return [with_assets_at(results.items[name], url) for name in sorted(results.items)]


def _uniform(document: Document) -> Document:
    """The item with ``nodata`` of one type per asset: Arrow's columns have one, STAC allows two.

    Where bands say ``"nan"`` and others a number, as those of the composite do, the numbers go.
    Empty objects go too: Parquet has none.
    """
    for asset in document["assets"].values():
        bands = asset.get("bands", [])
        if len({type(band["nodata"]) for band in bands if "nodata" in band}) > 1:
            for band in bands:
                if not isinstance(band.get("nodata"), str):
                    band.pop("nodata", None)
    return cast(Document, _filled(document))


def _filled(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _filled(part) for k, part in value.items() if part != {}}
    return [_filled(part) for part in value] if isinstance(value, list) else value


def shared_root(results: Results, assets_url: str | None) -> str:
    """Where others find the catalogue's files: as given, or its own address.

    Raises
    ------
    InputError
        It is a local folder and nothing was given, or what was given is no address.
    """
    url = (assets_url or results.place.root).rstrip("/")
    if not is_allowed(url):
        raise InputError(
            f"{url} is no address from which others can fetch files",
            hint="give --assets-url, such as https://host/assets of a `sarlra serve`",
        )
    return url


def export_geoparquet(items: Iterable[Document], path: Path) -> int:
    """Write items as stac-geoparquet; returns how many.

    Raises
    ------
    InputError
        There is no item: the format has no table without columns.
    OutputError
        The file cannot be written.
    """
    from stac_geoparquet.arrow import parse_stac_items_to_arrow, to_parquet

    listed = [_uniform(copy.deepcopy(item)) for item in items]
    if not listed:
        raise InputError("the catalogue has no item to export", hint="run `sarlra detect` first")
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:12]}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        to_parquet(parse_stac_items_to_arrow(listed), temporary)
        os.replace(temporary, path)  # noqa: PTH105
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        temporary.unlink(missing_ok=True)
    return len(listed)
