"""What must hold of an HDF5 file from outside before anything is read from it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import h5py

from sarlra.errors import ModelError
from sarlra.models.files import MAX_BYTES

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_MAX_OBJECTS = 1000


@contextmanager
def open_checked(data: bytes, label: str) -> Iterator[Any]:
    """Open HDF5 bytes as a read-only ``h5py.File`` after checking all that it holds.

    Raises
    ------
    ModelError
        Not HDF5, truncated or damaged; links that lead out of their group or the file, virtual or
        external data, data that is neither numbers nor short names, or more of it than
        ``MAX_BYTES`` once decompressed.
    """
    if not data.startswith(_SIGNATURE):
        raise ModelError(f"{label}: is no HDF5 file")
    try:
        with h5py.File(io.BytesIO(data), "r") as file:
            _check(file, label)
            yield file
    except (OSError, KeyError, ValueError, RuntimeError, TypeError) as error:
        raise ModelError(f"{label}: is a damaged or truncated HDF5 file: {error}") from error


def _check(file: Any, label: str) -> None:
    waiting, objects, size = [file], 0, 0
    while waiting:
        group = waiting.pop()
        for name in group:
            objects += 1
            if objects > _MAX_OBJECTS:
                raise ModelError(f"{label}: holds more than {_MAX_OBJECTS} objects")
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise ModelError(f"{label}: {group.name}/{name} is a link out of its place")
            child = group[name]
            if isinstance(child, h5py.Group):
                waiting.append(child)
            elif isinstance(child, h5py.Dataset):
                size += _checked_size(child, label)
            else:
                raise ModelError(f"{label}: {group.name}/{name} is neither group nor dataset")
            if size > MAX_BYTES:
                raise ModelError(f"{label}: holds more than {MAX_BYTES:,} bytes of numbers")


def _checked_size(dataset: Any, label: str) -> int:
    if dataset.is_virtual or dataset.external:
        raise ModelError(f"{label}: {dataset.name} takes its numbers from another file")
    if dataset.dtype.kind not in "fiub":
        raise ModelError(f"{label}: {dataset.name} is of type {dataset.dtype}, not of numbers")
    return int(dataset.size) * int(dataset.dtype.itemsize)
