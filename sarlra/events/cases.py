"""The study cases of Nava et al. (2026), kept as STAC items in ``catalogs/study-cases``."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import shapely
from shapely import MultiPolygon
from shapely.geometry import shape

from sarlra.catalogs import catalogs_folder
from sarlra.errors import EventError
from sarlra.events.area import check_area
from sarlra.events.event import Event
from sarlra.events.files import read_json_file
from sarlra.events.times import check_origins


@dataclass(frozen=True, slots=True)
class StudyCase:
    """One earthquake of the paper.

    ``area`` is approximate (a rectangle around the region that the literature names), not the
    inventory's outline. ``polarisations`` are what Sentinel-1 acquired there at the time.
    """

    id: str
    title: str
    origins: tuple[datetime, ...]
    area: MultiPolygon
    magnitude: float
    polarisations: tuple[str, ...]
    landslides: int
    inventory: str
    usgs_id: str | None
    aliases: tuple[str, ...]

    def event(self, aoi: MultiPolygon | None = None) -> Event:
        """The case as an event; ``aoi`` replaces its approximate area."""
        return Event(
            id=self.id,
            title=self.title,
            origins=self.origins,
            area=self.area if aoi is None else aoi,
            magnitude=self.magnitude,
            area_origin="study-case" if aoi is None else "given",
            source=f"study case {self.id}",
        )


@cache
def study_cases() -> tuple[StudyCase, ...]:
    """All study cases, by first origin.

    Raises
    ------
    EventError
        The catalogue's files are damaged.
    """
    folder = catalogs_folder() / "study-cases" / "items"
    cases = [_case(read_json_file(path, EventError)) for path in sorted(folder.glob("*.json"))]
    return tuple(sorted(cases, key=lambda case: case.origins))


def find_case(text: str) -> StudyCase | None:
    """The case of that name, whatever its capitals, accents, spaces and hyphens; else None."""
    wanted = _plain(text)
    for case in study_cases():
        if wanted in {_plain(case.id), *map(_plain, case.aliases)}:
            return case
    return None


def _plain(text: str) -> str:
    letters = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in letters if letter.isalnum())


def _case(item: Mapping[str, Any]) -> StudyCase:
    try:
        properties = item["properties"]
        return StudyCase(
            id=item["id"],
            title=properties["title"],
            origins=check_origins(
                [datetime.fromisoformat(text) for text in properties["sarlra:origins"]], item["id"]
            ),
            area=check_area(shape(item["geometry"]), item["id"]),
            magnitude=float(properties["sarlra:magnitude"]),
            polarisations=tuple(properties["sar:polarizations"]),
            landslides=int(properties["sarlra:landslides"]),
            inventory=properties["sarlra:inventory"],
            usgs_id=properties.get("sarlra:usgs_id"),
            aliases=tuple(properties["sarlra:aliases"]),
        )
    except (KeyError, TypeError, ValueError, shapely.GEOSException) as cause:
        raise EventError(f"a study case in the catalogue is damaged: {cause!r}") from cause
