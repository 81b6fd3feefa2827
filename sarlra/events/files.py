"""Files that nobody vouches for, and JSON in them: bounded in size, one kind of failure."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sarlra.errors import SarlraError

MAX_JSON_BYTES = 256 * 2**20
"""The largest JSON file that is read, in bytes."""


def existing(text: str) -> Path | None:
    """The path of that text if something is there; None also for what can be no path at all."""
    try:
        path = Path(text).expanduser()
        return path if text and path.exists() else None
    except (OSError, ValueError, RuntimeError):
        return None


def parse_json(data: bytes, name: str, error: type[SarlraError]) -> Any:
    """The value of a JSON text in UTF-8 (a byte order mark is allowed).

    Raises
    ------
    SarlraError
        Of the class ``error``: no UTF-8, no JSON, or nested too deeply; the message has ``name``.
    """
    try:
        return json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as cause:
        raise error(f"{name} is not a text in UTF-8") from cause
    except json.JSONDecodeError as cause:
        raise error(f"{name} is not JSON: {cause.msg} at line {cause.lineno}") from cause
    except (RecursionError, ValueError) as cause:
        raise error(f"{name} is not JSON that can be read: {cause}") from cause


def read_json_file(path: Path, error: type[SarlraError], *, max_bytes: int = MAX_JSON_BYTES) -> Any:
    """The value of a JSON file of at most ``max_bytes`` bytes.

    Raises
    ------
    SarlraError
        Of the class ``error``: missing, not a regular file, unreadable, too large, or no JSON.
    """
    return parse_json(read_file(path, error, max_bytes), str(path), error)


def read_file(path: Path, error: type[SarlraError], max_bytes: int) -> bytes:
    """The content of a file of at most ``max_bytes`` bytes.

    Raises
    ------
    SarlraError
        Of the class ``error``: missing, not a regular file, unreadable, or too large.
    """
    try:
        if not path.is_file():
            raise error(f"{path} is no file")
        with path.open("rb") as stream:
            data = stream.read(max_bytes + 1)
    except OSError as cause:
        raise error(f"{path} cannot be read: {cause.strerror or cause}") from cause
    if len(data) > max_bytes:
        raise error(f"{path} is larger than {max_bytes // 2**20} MiB")
    return data
