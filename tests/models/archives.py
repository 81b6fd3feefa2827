"""What is packed in a ``.keras`` file."""

from __future__ import annotations

import io
import zipfile


def members_of(data: bytes) -> dict[str, bytes]:
    """Its members by name."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}
