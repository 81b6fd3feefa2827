"""How a track looked at the ground, from the inputs that its items froze."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import shapely
from shapely.geometry import shape

from sarlra.catalog.names import item_path, resolved
from sarlra.catalog.read import Files
from sarlra.errors import SarlraError, TerrainError
from sarlra.scenes.frozen import thaw
from sarlra.scenes.model import Acquisition, Slice, Track
from sarlra.scenes.normalise import slice_from_item
from sarlra.terrain.given import Geometry, GivenGeometry
from sarlra.terrain.patience import wait_s, within
from sarlra.terrain.track import find_geometry

Document = dict[str, Any]

#: Of Sentinel-1 at middle latitudes, and the middle of its swath: where nothing else is known.
NOMINAL = {"ascending": GivenGeometry(38.0, 347.6), "descending": GivenGeometry(38.0, 192.4)}
_MAX_BYTES = 256 * 2**20


@dataclass(frozen=True, slots=True)
class TrackLook:
    """A geometry, and in words where it comes from."""

    geometry: Geometry
    origin: str


def look_of_track(files: Files, items: Sequence[Document], *, trusted: bool) -> TrackLook:
    """The geometry of a track: from the annotation of its scenes, their footprint, or a nominal
    one; never fails.

    Parameters
    ----------
    items
        Of one track and run.
    trusted
        Whether files and addresses that the frozen inputs name may be read: those of a stranger's
        catalogue may not.
    """
    state = str(items[0]["properties"]["sat:orbit_state"])
    if not trusted:
        return TrackLook(NOMINAL[state], "nominal: the catalogue is not on this machine")
    try:
        track = _track(files, items[0])
        area = shapely.box(*shapely.total_bounds([shape(item["geometry"]) for item in items]))
        seconds = wait_s()
        found = within(
            seconds, f"the geometry of track {track.id}",
            lambda: find_geometry(track, area, None, 0.9 * seconds),
        )  # fmt: skip
    except (SarlraError, OSError, KeyError, ValueError, TypeError) as error:
        said = error.message if isinstance(error, SarlraError) else repr(error)
        return TrackLook(NOMINAL[state], f"nominal: {said}")
    return TrackLook(found.geometry, found.geometry.origin)


def _track(files: Files, item: Document) -> Track:
    """The track with the acquisitions that the item lists, from its frozen inputs."""
    href = str(item["assets"]["inputs"]["href"])
    path = resolved(href, item_path(str(item["id"])))
    if path is None:
        raise TerrainError(f"the inputs of {item['id']} lie out of the catalogue")
    with tempfile.TemporaryDirectory(prefix="sarlra-inputs-") as folder:
        file = Path(folder) / Path(path).name
        with files.open(path) as stream:
            data = stream.read(_MAX_BYTES + 1)
        if len(data) > _MAX_BYTES:
            raise TerrainError(f"the inputs of {item['id']} are too large")
        file.write_bytes(data)
        try:
            frozen = thaw(file)
        except SarlraError as error:
            raise TerrainError(error.message.replace(f"{folder}/", "")) from error
        slices: dict[str, Slice] = {}
        for found in frozen.items:
            one = slice_from_item(found, frozen.source.signing)
            if isinstance(one, Slice):
                slices[one.item_id] = one
    properties = item["properties"]
    sides = [
        tuple(_acquisition(listed, slices) for listed in properties[f"sarlra:acquisitions_{side}"])
        for side in ("pre", "post")
    ]
    return Track(int(properties["sat:relative_orbit"]), properties["sat:orbit_state"], *sides)


def _acquisition(listed: Mapping[str, Any], slices: Mapping[str, Slice]) -> Acquisition:
    moment = datetime.fromisoformat(str(listed["datetime"]))
    parts = tuple(slices[name] for name in listed["slices"])
    return Acquisition(str(listed["id"]), moment, str(listed["platform"]), parts)
