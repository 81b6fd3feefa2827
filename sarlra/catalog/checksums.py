"""Checksums as STAC's file extension writes them: hexadecimal multihashes of sha2-256."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

#: Multihash code of sha2-256 (0x12) and the digest's length of 32 bytes (0x20).
PREFIX = "1220"
_BLOCK = 1 << 20


def of_bytes(data: bytes) -> str:
    """Multihash of bytes."""
    return PREFIX + hashlib.sha256(data).hexdigest()


def of_stream(stream: BinaryIO) -> str:
    """Multihash of what is left in a stream, read in blocks of 1 MiB."""
    digest = hashlib.sha256()
    blocks: Iterable[bytes] = iter(lambda: stream.read(_BLOCK), b"")
    for block in blocks:
        digest.update(block)
    return PREFIX + digest.hexdigest()


def of_file(path: Path) -> str:
    """Multihash of a local file."""
    with path.open("rb") as stream:
        return of_stream(stream)
