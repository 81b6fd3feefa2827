"""Opening of Zarr stores by path or URL, with errors that name what was opened."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

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
    options = {}
    if store.startswith("s3://") and (endpoint := os.environ.get("AWS_ENDPOINT_URL")):
        options["endpoint_url"] = endpoint
    return FsspecStore.from_url(store, storage_options=options, read_only=read_only)


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
