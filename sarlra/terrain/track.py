"""The geometry of a track over an area: from annotation, else footprint, else none."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from functools import lru_cache

import shapely
from shapely import Polygon

from sarlra.errors import TerrainError
from sarlra.scenes.model import Acquisition, Slice, Track
from sarlra.scenes.signing import SigningPolicy
from sarlra.terrain.annotation import Annotation
from sarlra.terrain.footprint import geometry_from_footprint
from sarlra.terrain.geometry import AnnotationGeometry
from sarlra.terrain.given import Geometry
from sarlra.terrain.grd import annotation_of

log = logging.getLogger(__name__)

#: Passes of a track repeat within some hundred metres: any will do, so few are tried.
_TRIED = 3


@dataclass(frozen=True, slots=True)
class Found:
    """A geometry, and what is to be said about how it was come by."""

    geometry: Geometry
    notes: tuple[str, ...] = ()


def find_geometry(
    track: Track, area: Polygon, signing: SigningPolicy | None, wait_s: float
) -> Found:
    """The geometry of a track over an area (EPSG:4326).

    The latest acquisitions are asked first, those that cover more of the area before others.

    Raises
    ------
    TerrainError
        Neither an annotation nor a footprint gives it; the message says why.
    """
    deadline = time.monotonic() + wait_s
    reasons: list[str] = []
    candidates = sorted(
        (*track.post[::-1], *track.pre[::-1]), key=lambda a: -round(_covered(a, area), 2)
    )
    for acquisition in candidates[:_TRIED]:
        try:
            parts = [s for s in acquisition.slices if shapely.intersects(s.geometry, area)]
            if not parts:
                continue
            grids = [_annotation(s, signing, deadline).grid for s in parts]
            return Found(AnnotationGeometry(grids))
        except TerrainError as error:
            reasons.append(error.message)
            if time.monotonic() >= deadline:
                break
    why = reasons[0] if reasons else f"no slice of track {track.id} meets the area"
    for acquisition in candidates[:_TRIED]:
        try:
            outline = shapely.union_all([s.geometry for s in acquisition.slices])
            geometry = geometry_from_footprint(outline, track.orbit_state)
        except TerrainError as error:
            reasons.append(error.message)
            continue
        return Found(geometry, (f"geometry of {track.id} from a footprint: {why}",))
    raise TerrainError(f"the geometry of track {track.id} is not known: {why}; {reasons[-1]}")


def _covered(acquisition: Acquisition, area: Polygon) -> float:
    shape = shapely.union_all([part.geometry for part in acquisition.slices])
    return float(shapely.area(shapely.intersection(shape, area)) / max(area.area, 1e-12))


def _annotation(scene: Slice, signing: SigningPolicy | None, deadline: float) -> Annotation:
    found = _cached(scene.grd_href or "")
    if not found:
        found.append(annotation_of(scene, signing, deadline))
    return found[0]


@lru_cache(maxsize=64)
def _cached(href: str) -> list[Annotation]:  # noqa: ARG001 - the key
    """A place for the annotation of one GRD item: tiles of a track share it."""
    return []
