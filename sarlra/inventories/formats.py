"""Which kind of file an inventory is, by its first bytes and not by its name.

GDAL opens far more than polygons in a file: some of its formats are scripts that fetch addresses.
Only the four that inventories come in are let through.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from sarlra.errors import InputError

Format = Literal["shapefile", "geopackage", "geojson", "geoparquet"]

#: Files larger than this are refused: the largest inventory known has 100 MiB.
MAX_BYTES = 2 * 2**30
_HINT = "give a shapefile (.shp), GeoPackage, GeoJSON or GeoParquet file of polygons"


def sniff(path: Path) -> Format:
    """The format of a file.

    Raises
    ------
    InputError
        There is no such file, it cannot be read, is too large, or none of the four.
    """
    if not path.is_file():
        raise InputError(f"there is no inventory file {path}", hint=_HINT)
    try:
        size = path.stat().st_size
        with path.open("rb") as stream:
            head = stream.read(64)
    except OSError as error:
        raise InputError(f"inventory {path} cannot be read: {error.strerror or error}") from error
    if size > MAX_BYTES:
        raise InputError(f"inventory {path} is larger than {MAX_BYTES // 2**30} GiB")
    if head.startswith(b"SQLite format 3\0"):
        return "geopackage"
    if head.startswith(b"PAR1"):
        return "geoparquet"
    if head.startswith(b"\x00\x00\x27\x0a"):
        missing = [end for end in (".shx", ".dbf") if not _beside(path, end)]
        if missing:
            raise InputError(
                f"shapefile {path} lacks its {' and '.join(missing)}",
                hint="a shapefile is several files: keep them in one folder, under one name",
            )
        return "shapefile"
    if head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{"):
        return "geojson"
    if head.startswith(b"PK"):
        raise InputError(f"inventory {path} is a zip archive", hint="unpack it first")
    raise InputError(f"{path} is no inventory that can be read", hint=_HINT)


def choose_layer(path: Path, layers: Sequence[str], wanted: str | None) -> str:
    """The layer of landslides: the one wanted, the one of that name, or the only one.

    Raises
    ------
    InputError
        There is none, or there are several and none is wanted; the message lists them.
    """
    listed = ", ".join(layers) or "none"
    if wanted is not None:
        if wanted not in layers:
            raise InputError(f"{path} has no layer {wanted!r}", hint=f"its layers are {listed}")
        return wanted
    rest = [name for name in layers if role_of(name) is None]
    for candidates in ([n for n in rest if "landslide" in n.casefold()], rest):
        if len(candidates) == 1:
            return candidates[0]
    raise InputError(
        f"{path} has several layers that may be the landslides, or none: {listed}",
        hint=f"name one as {path.name}#LAYER",
    )


def role_of(layer: str) -> Literal["mapped", "unmapped"] | None:
    """Whether a layer's name says that it is what was looked at, or what could not be seen."""
    name = layer.casefold().replace("-", "_")
    if "landslide" in name:
        return None
    if any(word in name for word in ("cloud", "unmapped", "obscured", "not_mapped", "no_data")):
        return "unmapped"
    if any(word in name for word in ("interpret", "mapped", "extent", "study_area", "aoi")):
        return "mapped"
    return None


def _beside(path: Path, end: str) -> bool:
    return any(path.with_suffix(suffix).is_file() for suffix in (end, end.upper()))
