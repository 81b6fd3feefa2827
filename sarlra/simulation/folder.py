"""The folder that a simulated world is written to."""

from __future__ import annotations

import shutil
from pathlib import Path

from sarlra.errors import OutputError

_PARTS = (
    "event.geojson", "items.json", "inventory.gpkg", "dem.tif", "land-cover.tif", "rtc",
    "annotation",
)  # fmt: skip


def clear_folder(out: Path) -> None:
    """Make the folder, or empty it of an earlier world; touch nothing else.

    Raises
    ------
    OutputError
        It is a file, or holds something that is no part of a simulated world.
    """
    if out.exists():
        if not out.is_dir():
            raise OutputError(f"{out} is not a folder", hint="name a new or empty folder")
        foreign = sorted(p.name for p in out.iterdir() if p.name not in _PARTS)
        if foreign:
            raise OutputError(
                f"{out} holds other things ({', '.join(foreign[:3])})",
                hint="name a new or empty folder, or one with an earlier simulated world",
            )
        for name in _PARTS:
            part = out / name
            if part.is_dir():
                shutil.rmtree(part)
            else:
                part.unlink(missing_ok=True)
    out.mkdir(parents=True, exist_ok=True)
