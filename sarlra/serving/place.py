"""Where a finished catalogue lies, opened for reading only: a folder or anything fsspec reaches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast

from fsspec.core import url_to_fs

from sarlra.catalog.names import ROOT, inside
from sarlra.catalog.root import is_ours
from sarlra.errors import CatalogError, InputError, SarlraError
from sarlra.serving.limits import BLOCK, MAX_DOCUMENT_BYTES


class Place(Protocol):
    """A catalogue's files by path relative to its root; nothing outside the root can be named."""

    @property
    def root(self) -> str:
        """Absolute path or URL, without a slash at the end."""
        ...

    def size(self, rel: str) -> int | None:
        """Size in bytes; None where there is no such file."""
        ...

    def state(self, rel: str) -> str:
        """A text that changes when the file does; empty where that cannot be told."""
        ...

    def open(self, rel: str) -> BinaryIO:
        """The file for reading, seekable; CatalogError where there is none."""
        ...


@dataclass(frozen=True, slots=True)
class FolderPlace:
    """A local folder. Links that lead out of it count as files that are not there."""

    folder: Path

    @property
    def root(self) -> str:
        """See :class:`Place`."""
        return str(self.folder)

    def path(self, rel: str) -> Path | None:
        """The real path of a file within the folder; None where there is none."""
        path = (self.folder / inside(rel)).resolve()
        return path if path.is_relative_to(self.folder) and path.is_file() else None

    def size(self, rel: str) -> int | None:
        """See :class:`Place`."""
        path = self.path(rel)
        return None if path is None else path.stat().st_size

    def state(self, rel: str) -> str:
        """See :class:`Place`."""
        path = self.path(rel)
        return "" if path is None else str(path.stat().st_mtime_ns)

    def open(self, rel: str) -> BinaryIO:
        """See :class:`Place`."""
        path = self.path(rel)
        if path is None:
            raise CatalogError(f"there is no {rel} in {self.folder}")
        try:
            return path.open("rb")
        except OSError as error:
            raise CatalogError(f"cannot read {path}: {error.strerror or error}") from error


@dataclass(frozen=True, slots=True)
class RemotePlace:
    """A prefix of an object store or web server (``s3://``, ``https://``)."""

    url: str

    @property
    def root(self) -> str:
        """See :class:`Place`."""
        return self.url

    def _at(self, rel: str) -> tuple[Any, str]:
        fs, path = url_to_fs(f"{self.url}/{inside(rel)}", use_listings_cache=False)
        return fs, path

    def size(self, rel: str) -> int | None:
        """See :class:`Place`."""
        try:
            fs, path = self._at(rel)
            size = fs.info(path).get("size")
            return None if size is None else int(size)
        except FileNotFoundError:
            return None
        except SarlraError:
            raise
        except Exception as error:  # back ends raise what they like
            raise CatalogError(f"cannot look up {self.url}/{rel}: {error}") from error

    def state(self, rel: str) -> str:
        """See :class:`Place`."""
        try:
            fs, path = self._at(rel)
            info = fs.info(path)
        except Exception:  # back ends raise what they like
            return ""
        return str(info.get("ETag") or info.get("LastModified") or info.get("mtime") or "")

    def open(self, rel: str) -> BinaryIO:
        """See :class:`Place`."""
        try:
            fs, path = self._at(rel)
            return cast(BinaryIO, fs.open(path, "rb"))
        except SarlraError:
            raise
        except Exception as error:  # back ends raise what they like
            raise CatalogError(f"cannot read {self.url}/{rel}: {error}") from error


def open_place(path_or_url: str) -> Place:
    """The catalogue at a folder or URL (that of the folder, or of its ``catalog.json``).

    Raises
    ------
    InputError
        There is no catalogue that this package wrote.
    """
    text = path_or_url.removesuffix(f"/{ROOT}").rstrip("/")
    place: Place
    if "://" in text and not text.startswith("file://"):
        place = RemotePlace(text)
    else:
        place = FolderPlace(Path(text.removeprefix("file://")).expanduser().resolve())
    try:
        ours = is_ours(read_document(place, ROOT))
    except SarlraError as error:
        raise InputError(
            f"{path_or_url} holds no catalogue: {error.message}",
            hint="give the folder or URL that was --out of a run",
        ) from error
    if not ours:
        raise InputError(f"{path_or_url}: its {ROOT} was not written by sarlra")
    return place


def read_document(place: Place, rel: str) -> bytes:
    """A whole small file.

    Raises
    ------
    CatalogError
        It is not there, or larger than a document may be.
    """
    with place.open(rel) as stream:
        data = stream.read(MAX_DOCUMENT_BYTES + 1)
    if len(data) > MAX_DOCUMENT_BYTES:
        raise CatalogError(f"{rel} has more than {MAX_DOCUMENT_BYTES} bytes")
    return data


def read_range(place: Place, rel: str, start: int, stop: int) -> Iterator[bytes]:
    """Bytes ``start`` up to ``stop`` of a file, in blocks."""
    with place.open(rel) as stream:
        stream.seek(start)
        left = stop - start
        while left > 0 and (block := stream.read(min(BLOCK, left))):
            left -= len(block)
            yield block
