"""Reading untrusted files whole, and writing files whole or not at all."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

from sarlra.errors import ModelError, OutputError

#: No model or weights file of this kind of network is larger; the published ones have 6 and 26 MB.
MAX_BYTES = 256 * 2**20


def read_bounded(path: Path, limit: int = MAX_BYTES) -> bytes:
    """Read a file of at most ``limit`` bytes.

    Raises
    ------
    ModelError
        The file is missing, unreadable, no regular file, or larger.
    """
    try:
        if not path.is_file():
            raise ModelError(f"{path}: no such file")
        with path.open("rb") as stream:
            data = stream.read(limit + 1)
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror or error}") from error
    if len(data) > limit:
        raise ModelError(f"{path}: larger than {limit:,} bytes, too large for a model of this kind")
    return data


def sha256(data: bytes) -> str:
    """sha256 as hex."""
    return hashlib.sha256(data).hexdigest()


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that it is there whole or not at all; makes its folder where needed.

    Raises
    ------
    OutputError
        The folder cannot be made or written to.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            temporary.chmod(0o644)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror or error}") from error
