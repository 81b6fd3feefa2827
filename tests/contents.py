"""What lies in a folder, to hold one state of it against another."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path


def files_of(folder: Path | str, but: Collection[str] = ()) -> dict[str, bytes]:
    """The bytes of every file below a folder by its path there, but for those of some names."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(Path(folder).rglob("*"))
        if path.is_file() and path.name not in but
    }
