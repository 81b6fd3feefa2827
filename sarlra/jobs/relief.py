"""Which DEM and geometry a request uses, from what was written and from its source."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from sarlra.errors import SourceError, TerrainError
from sarlra.scenes.items import load_items
from sarlra.scenes.model import OrbitState
from sarlra.scenes.sources import Source, open_source, read_description
from sarlra.terrain.choice import COLLECTION, DemSource, TerrainChoice
from sarlra.terrain.given import GivenGeometry

#: Where Copernicus GLO-30 is searched when the source of scenes has no DEM of its own.
DEFAULT_DEM = "planetary-computer-dem"
_RASTERS = (".tif", ".tiff", ".vrt", ".img", ".hgt", ".dt2", ".asc", ".bil")


def choose_terrain(
    dem: str,
    incidence: float | None,
    heading: float | None,
    source: Source,
    orbits: frozenset[OrbitState],
) -> TerrainChoice:
    """Read the options ``--dem``, ``--incidence`` and ``--heading``; fetches nothing.

    Parameters
    ----------
    dem
        ``auto`` (the source's own ``cop-dem-glo-30`` items, else the Planetary Computer's),
        ``none``, a raster file, or a source as :func:`sarlra.scenes.sources.open_source` takes it.

    Raises
    ------
    TerrainError
        One of incidence and heading is missing, they make no sense, or are given for two
        directions at once.
    SourceError
        The DEM is no file and no source.
    """
    return TerrainChoice(_dem(dem.strip(), source), _given(incidence, heading, orbits))


def _given(
    incidence: float | None, heading: float | None, orbits: frozenset[OrbitState]
) -> GivenGeometry | None:
    if incidence is None and heading is None:
        return None
    if incidence is None or heading is None:
        raise TerrainError("--incidence and --heading go together: one of them is missing")
    if len(orbits) > 1:
        raise TerrainError(
            "--incidence and --heading are those of one direction",
            hint="add --orbit ascending or --orbit descending",
        )
    return GivenGeometry(incidence, heading)


def _dem(text: str, source: Source) -> DemSource | None:
    if text == "none":
        return None
    if text == "auto":
        return DemSource(source=_own_dem(source) or open_source(DEFAULT_DEM))
    path = Path(text)
    if path.suffix.lower() in _RASTERS:
        if not path.is_file():
            raise SourceError(f"there is no DEM file {path}", hint="--dem takes a file or a source")
        return DemSource(file=path.resolve())
    found = open_source(text)
    return DemSource(source=found if found.collections else _only_dem(found))


def _own_dem(source: Source) -> Source | None:
    """The DEM that the source of scenes has itself; None where it has none."""
    if source.described:
        # A frozen search holds no DEM; what it was searched in may.
        try:
            return _own_dem(read_description(source.description(), Path(source.location)))
        except SourceError:
            return None
    if source.kind == "file":
        path = Path(source.location)
        if not path.exists():
            return None
        has = any(found.item.get("collection") == COLLECTION for found in load_items(path))
        return _only_dem(source) if has else None
    default = open_source(DEFAULT_DEM)
    return default if source.location == default.location else _only_dem(source)


def _only_dem(source: Source) -> Source:
    return replace(source, collections=(COLLECTION,))
