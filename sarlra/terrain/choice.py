"""Where heights and geometry come from, as a user chose it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sarlra.errors import TerrainError
from sarlra.scenes.sources import Source
from sarlra.terrain.given import GivenGeometry

#: Copernicus DEM GLO-30, as the Planetary Computer names it.
COLLECTION = "cop-dem-glo-30"


@dataclass(frozen=True, slots=True)
class DemSource:
    """Where heights come from: ``file`` or ``source`` (a STAC source of DEM items).

    Raises
    ------
    TerrainError
        Neither or both are given.
    """

    file: Path | None = None
    source: Source | None = None

    def __post_init__(self) -> None:
        if (self.file is None) == (self.source is None):
            raise TerrainError("a DEM comes from a file or from a source")

    @property
    def name(self) -> str:
        """For people and items: a file's name alone, or the collection and its source."""
        if self.source is None:
            return self.file.name if self.file is not None else ""
        return f"{'+'.join(self.source.collections) or 'DEM'} of {self.source.name}"

    def facts(self) -> list[Any]:
        """What tells two DEMs apart, as JSON values; for a file also size and time of change."""
        if self.source is not None:
            return [self.source.location, *self.source.collections]
        path = self.file or Path()
        if not path.is_file():
            return [str(path)]
        state = path.stat()
        return [str(path), state.st_size, state.st_mtime_ns]


@dataclass(frozen=True, slots=True)
class TerrainChoice:
    """Where heights and geometry come from: picklable, part of a job.

    ``dem`` None: no DEM is used, visibility is unknown. ``given`` overrules what scenes tell.
    """

    dem: DemSource | None = None
    given: GivenGeometry | None = None

    def facts(self) -> dict[str, Any]:
        """The choices as JSON values, for names that depend on them."""
        given = self.given
        return {
            "dem": None if self.dem is None else self.dem.facts(),
            "incidence": None if given is None else given.incidence,
            "heading": None if given is None else given.heading,
        }
