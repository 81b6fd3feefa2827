"""A catalogue in a local folder.

A file appears whole or not at all: it is written as a hidden file beside its target, fsynced, and
renamed over it.
"""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from sarlra.catalog.names import COLLECTIONS, ITEMS, inside, is_name
from sarlra.errors import CatalogError, StoreError

_ATTEMPTS = 50


@dataclass(frozen=True, slots=True)
class FolderSink:
    """A local folder; made with its parents on the first write."""

    folder: Path

    @property
    def root(self) -> str:
        """See :class:`sarlra.catalog.sink.Sink`."""
        return str(self.folder)

    def _path(self, rel: str) -> Path:
        return self.folder / inside(rel)

    def put_bytes(self, rel: str, data: bytes) -> None:
        """See :class:`sarlra.catalog.sink.Sink`."""
        self._put(rel, lambda temporary: temporary.write_bytes(data))

    def put_file(self, local: Path, rel: str) -> None:
        """See :class:`sarlra.catalog.sink.Sink`."""
        self._put(rel, lambda temporary: shutil.copyfile(local, temporary))

    def _put(self, rel: str, write: Callable[[Path], object]) -> None:
        target = self._path(rel)
        temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex[:12]}.part")
        try:
            self._write_new(temporary, write)
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
            temporary.replace(target)
            _sync_folder(target.parent)
        except OSError as error:
            raise StoreError(f"cannot write {target}: {error.strerror or error}") from error
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)

    @staticmethod
    def _write_new(temporary: Path, write: Callable[[Path], object]) -> None:
        """Make the folder and write; again if another process took the empty folder away."""
        for attempts_left in reversed(range(_ATTEMPTS)):
            try:
                temporary.parent.mkdir(parents=True, exist_ok=True)
                write(temporary)
                return
            except (FileNotFoundError, FileExistsError):
                if not attempts_left:
                    raise

    def delete(self, rel: str) -> None:
        """See :class:`sarlra.catalog.sink.Sink`; emptied folders go too, but not the root."""
        path = self._path(rel)
        try:
            path.unlink(missing_ok=True)
        except NotADirectoryError:
            return
        except OSError as error:
            raise StoreError(f"cannot remove {path}: {error.strerror or error}") from error
        with suppress(OSError):  # the first that is not empty ends it
            for parent in path.relative_to(self.folder).parents:
                if parent != Path():
                    (self.folder / parent).rmdir()

    def exists(self, rel: str) -> bool:
        """See :class:`sarlra.catalog.sink.Sink`."""
        return self._path(rel).is_file()

    def size(self, rel: str) -> int | None:
        """See :class:`sarlra.catalog.sink.Sink`."""
        try:
            return self._path(rel).stat().st_size if self.exists(rel) else None
        except OSError:
            return None

    def read_bytes(self, rel: str) -> bytes:
        """See :class:`sarlra.catalog.sink.Sink`."""
        with self.open(rel) as file:
            return file.read()

    def open(self, rel: str) -> BinaryIO:
        """See :class:`sarlra.catalog.sink.Sink`."""
        try:
            return self._path(rel).open("rb")
        except OSError as error:
            raise CatalogError(f"cannot read {self._path(rel)}: {error.strerror}") from error

    def _names(self, folder: str) -> Iterator[str]:
        try:
            entries = sorted(p.name for p in (self.folder / folder).iterdir())
        except (FileNotFoundError, NotADirectoryError):
            return
        yield from (name for name in entries if is_name(name))

    def list_items(self) -> tuple[str, ...]:
        """See :class:`sarlra.catalog.sink.Sink`."""
        return tuple(n for n in self._names(ITEMS) if self.exists(f"{ITEMS}/{n}/{n}.json"))

    def list_collections(self) -> tuple[str, ...]:
        """See :class:`sarlra.catalog.sink.Sink`."""
        names = self._names(COLLECTIONS)
        return tuple(n for n in names if self.exists(f"{COLLECTIONS}/{n}/collection.json"))

    def url_of(self, rel: str) -> str:
        """See :class:`sarlra.catalog.sink.Sink`."""
        return str(self._path(rel))


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
