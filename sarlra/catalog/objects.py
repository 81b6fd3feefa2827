"""A catalogue under a prefix of an object store.

A file appears when its upload is finished, so never half.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

from fsspec.core import url_to_fs

from sarlra.catalog.names import COLLECTIONS, ITEMS, inside, is_name
from sarlra.errors import CatalogError, StoreError


@dataclass(frozen=True, slots=True)
class ObjectSink:
    """A prefix of an object store (``s3://``, ``gs://``, ``abfs://``, ``memory://``).

    Credentials and endpoints come from the environment, as each fsspec implementation reads them
    (``AWS_ACCESS_KEY_ID``, ``AWS_ENDPOINT_URL``, ...).
    """

    url: str

    @property
    def root(self) -> str:
        """See :class:`sarlra.catalog.sink.Sink`."""
        return self.url

    def _open_fs(self) -> tuple[Any, str]:
        # Listings are not cached: other workers write to the same prefix.
        fs, path = url_to_fs(self.url, use_listings_cache=False)
        return fs, path.rstrip("/")

    @contextmanager
    def _at(self, rel: str, doing: str) -> Iterator[tuple[Any, str]]:
        # Back ends raise what they like (OSError, botocore's own classes): all become StoreError.
        rel = inside(rel)
        try:
            fs, root = self._open_fs()
            yield fs, f"{root}/{rel}"
        except (StoreError, CatalogError):
            raise
        except Exception as error:
            raise StoreError(f"cannot {doing} {self.url}/{rel}: {error}") from error

    def put_bytes(self, rel: str, data: bytes) -> None:
        """See :class:`sarlra.catalog.sink.Sink`."""
        with self._at(rel, "write") as (fs, path):
            fs.pipe_file(path, data)

    def put_file(self, local: Path, rel: str) -> None:
        """See :class:`sarlra.catalog.sink.Sink`."""
        with self._at(rel, "write") as (fs, path):
            fs.put_file(str(local), path)

    def delete(self, rel: str) -> None:
        """See :class:`sarlra.catalog.sink.Sink`."""
        with self._at(rel, "remove") as (fs, path), suppress(FileNotFoundError):
            fs.rm_file(path)

    def exists(self, rel: str) -> bool:
        """See :class:`sarlra.catalog.sink.Sink`."""
        return self.size(rel) is not None

    def size(self, rel: str) -> int | None:
        """See :class:`sarlra.catalog.sink.Sink`."""
        with self._at(rel, "look up") as (fs, path):
            try:
                info = fs.info(path)
            except FileNotFoundError:
                return None
            return int(info["size"]) if info["type"] == "file" else None

    def read_bytes(self, rel: str) -> bytes:
        """See :class:`sarlra.catalog.sink.Sink`."""
        with self._at(rel, "read") as (fs, path):
            try:
                return cast(bytes, fs.cat_file(path))
            except FileNotFoundError as error:
                raise CatalogError(f"there is no {self.url}/{rel}") from error

    def open(self, rel: str) -> BinaryIO:
        """See :class:`sarlra.catalog.sink.Sink`."""
        with self._at(rel, "read") as (fs, path):
            try:
                return cast(BinaryIO, fs.open(path, "rb"))
            except FileNotFoundError as error:
                raise CatalogError(f"there is no {self.url}/{rel}") from error

    def _below(self, folder: str) -> list[list[str]]:
        """Paths of all files below a folder, in parts; one flat listing, not one per folder."""
        with self._at(folder, "list") as (fs, path):
            return [found.split("/") for found in sorted(fs.find(path))]

    def list_items(self) -> tuple[str, ...]:
        """See :class:`sarlra.catalog.sink.Sink`."""
        found = self._below(ITEMS)
        return tuple(
            p[-2] for p in found if p[-3] == ITEMS and p[-1] == f"{p[-2]}.json" and is_name(p[-2])
        )

    def list_collections(self) -> tuple[str, ...]:
        """See :class:`sarlra.catalog.sink.Sink`."""
        found = self._below(COLLECTIONS)
        return tuple(
            p[-2]
            for p in found
            if p[-3] == COLLECTIONS and p[-1] == "collection.json" and is_name(p[-2])
        )

    def url_of(self, rel: str) -> str:
        """See :class:`sarlra.catalog.sink.Sink`."""
        return f"{self.url}/{inside(rel)}"
