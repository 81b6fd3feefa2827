"""Where a catalogue is written: a local folder, or anything that fsspec reaches.

A file appears whole or not at all under its final name, so neither a reader nor a run that starts
again after a crash ever sees half of one. Paths are relative to the root, with ``/``, and never
leave it. Sinks hold no connection, so they can be pickled and sent to workers.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import fsspec
from fsspec.core import url_to_fs

from sarlra.catalog.folder import FolderSink
from sarlra.catalog.names import COLLECTIONS, COMPOSITES, ITEMS, ROOT
from sarlra.catalog.objects import ObjectSink
from sarlra.catalog.root import is_ours
from sarlra.errors import CatalogError, OutputError

_LAYOUT = {COLLECTIONS, COMPOSITES, ITEMS}


class Sink(Protocol):
    """What a catalogue is written to and read back from.

    ``put_*`` and ``delete`` raise :class:`sarlra.errors.StoreError`, ``read_bytes`` and ``open``
    :class:`CatalogError` where there is no such file.
    """

    @property
    def root(self) -> str:
        """Absolute path or URL of the root, without a slash at the end."""
        ...

    def put_bytes(self, rel: str, data: bytes) -> None:
        """Write a file, whole or not at all, over one that is there."""
        ...

    def put_file(self, local: Path, rel: str) -> None:
        """Copy a local file in, whole or not at all, over one that is there."""
        ...

    def delete(self, rel: str) -> None:
        """Remove a file; nothing happens where there is none."""
        ...

    def exists(self, rel: str) -> bool:
        """Whether there is a file (not a folder)."""
        ...

    def size(self, rel: str) -> int | None:
        """Size in bytes; None where there is no such file."""
        ...

    def read_bytes(self, rel: str) -> bytes:
        """The whole file."""
        ...

    def open(self, rel: str) -> BinaryIO:
        """The file for reading, seekable."""
        ...

    def list_items(self) -> tuple[str, ...]:
        """Ids of all items that stand, sorted."""
        ...

    def list_collections(self) -> tuple[str, ...]:
        """Ids of all collections that stand, sorted."""
        ...

    def url_of(self, rel: str) -> str:
        """Absolute path or URL of a file."""
        ...


def open_sink(url: str) -> Sink:
    """The sink at a local folder or fsspec URL, checked but not written to.

    A folder may be absent, empty (hidden files do not count), the root of a catalogue that this
    package wrote, or what a run left that was cut off before the root was written: the folders of
    the layout alone, ``collections`` among them as the frozen inputs come first.

    Raises
    ------
    OutputError
        The place is a file, holds something else, cannot be reached or cannot be written.
    """
    if "://" in url and not url.startswith("file://"):
        return _open_objects(url)
    return _open_folder(Path(url.removeprefix("file://")).expanduser().absolute())


def _open_folder(folder: Path) -> Sink:
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"output {folder} is a file", hint="give a folder")
    try:
        names = [p.name for p in folder.iterdir()] if folder.exists() else []
    except OSError as error:
        raise OutputError(f"output {folder} cannot be read: {error.strerror}") from error
    nearest = next(p for p in (folder, *folder.parents) if p.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        raise OutputError(
            f"output {folder} cannot be written: {nearest} is no folder that this user may write",
            hint="give another --out, or change the rights",
        )
    sink = FolderSink(folder)
    _refuse_foreign(sink, [name for name in names if not name.startswith(".")])
    return sink


def _open_objects(url: str) -> Sink:
    sink = ObjectSink(url.rstrip("/"))
    protocol = url.split("://", 1)[0]
    try:
        fsspec.get_filesystem_class(protocol)
    except (ImportError, ValueError) as error:
        raise OutputError(
            f"output {url}: no support for {protocol}://",
            hint="pip install 'sarlra[s3]' for s3://; see fsspec for others",
        ) from error
    try:
        fs, path = url_to_fs(sink.url, use_listings_cache=False)
        _refuse_missing_bucket(fs, path, url)
        found = fs.ls(path, detail=False) if fs.exists(path) else []
    except OutputError:
        raise
    except Exception as error:  # back ends raise what they like
        raise OutputError(
            f"output {url} cannot be reached: {error}",
            hint="check the address, the credentials and the endpoint in the environment",
        ) from error
    if found and [str(name).rstrip("/") for name in found] == [path.rstrip("/")]:
        raise OutputError(f"output {url} is a file", hint="give a prefix")
    _refuse_foreign(sink, [str(name) for name in found])
    return sink


def _refuse_missing_bucket(fs: Any, path: str, url: str) -> None:
    protocols = (fs.protocol,) if isinstance(fs.protocol, str) else fs.protocol
    if {"s3", "gs", "gcs"} & set(protocols) and not fs.exists(path.split("/")[0]):
        raise OutputError(f"output {url}: there is no such bucket", hint="create it first")


def _refuse_foreign(sink: Sink, names: list[str]) -> None:
    """Refuse a place whose entries (names or paths) are neither none nor ours."""
    entries = {name.rstrip("/").rsplit("/", 1)[-1] for name in names}
    if ROOT in entries:
        try:
            ours = is_ours(sink.read_bytes(ROOT))
        except CatalogError:
            ours = False
    else:
        ours = not entries or (COLLECTIONS in entries and entries <= _LAYOUT)
    if not ours:
        raise OutputError(
            f"output {sink.root} holds something else than a sarlra catalogue",
            hint="give an empty folder, a new one, or one that an earlier run wrote",
        )
