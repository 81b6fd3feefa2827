"""Opening of Zarr stores by path or URL, with errors that name what was opened."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import fsspec
from zarr.storage import FsspecStore, LocalStore

from sarlra.errors import StoreError


@contextmanager
def naming(store: str, group: str, verb: str) -> Iterator[None]:
    """Turn whatever a store throws into a StoreError that names store and group."""
    try:
        yield
    except StoreError:
        raise
    except Exception as error:
        raise StoreError(
            f"cannot {verb} group {group!r} of store {store}: {type(error).__name__}: {error}",
            hint="check the path, the endpoint and the permissions",
        ) from error


def open_store(store: str, *, read_only: bool = False) -> LocalStore | FsspecStore:
    """A Zarr store at a local path or an fsspec URL.

    Credentials come from the environment, as does the endpoint of S3 (``AWS_ENDPOINT_URL``).
    """
    if "://" not in store or store.startswith(("file://", "local://")):
        path = str(fsspec.core.strip_protocol(store)) if "://" in store else store
        return LocalStore(path, read_only=read_only)
    return FsspecStore.from_url(store, storage_options=_options(store), read_only=read_only)


def open_files(store: str) -> tuple[Any, str]:
    """The file system that a store lies on, and the store's path there."""
    fs, root = fsspec.core.url_to_fs(store, **_options(store))
    fs.invalidate_cache()
    return fs, str(root).rstrip("/")


def _options(store: str) -> dict[str, str]:
    endpoint = os.environ.get("AWS_ENDPOINT_URL")
    return {"endpoint_url": endpoint} if endpoint and store.startswith("s3://") else {}


def check_group(group: str) -> str:
    """The name of a group, if it is one.

    Raises
    ------
    StoreError
        It is empty, leads out of the store, or is reserved by Zarr.
    """
    parts = group.split("/")
    if not all(parts) or any(set(part) == {"."} or part.startswith("__") for part in parts):
        raise StoreError(f"{group!r} is no name of a group", hint="such as 1/32611/T137A")
    return group
