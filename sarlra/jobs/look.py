"""A place looked at from both directions, and the layers of one of them written as COGs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import rasterio
from rasterio.warp import transform as to_degrees

from sarlra.catalog.cog import Band, write_cog
from sarlra.catalog.looks import colour_table, meanings
from sarlra.errors import OutputError, TerrainError
from sarlra.jobs.look_picture import draw_views
from sarlra.jobs.look_slope import Slope, look_at_slope
from sarlra.terrain.annotation import read_annotation
from sarlra.terrain.codes import MEANINGS, Visibility
from sarlra.terrain.footprint import MIDDLE_INCIDENCE_DEG
from sarlra.terrain.geometry import AnnotationGeometry
from sarlra.terrain.given import Geometry, GivenGeometry
from sarlra.terrain.place import PlaceView, Relief, look_over, read_relief
from sarlra.terrain.sphere import heading_at
from sarlra.terrain.visibility import shares

STEEP_DEG = 20.0
"""Slopes over this are those that slide."""
_EQUAL = 0.005

State = Literal["ascending", "descending"]


@dataclass(frozen=True, slots=True)
class Direction:
    """How one direction sees a place.

    ``incidence`` is (least, largest) in degrees; ``shares`` of the place by class, voids left out;
    ``land`` the same of what lies over 0 m (the sea has 0 in GLO-30), None where nothing does;
    ``slopes`` the visible share of the slopes over 20 degrees, None where there are none;
    ``facing`` the share of active layover on slopes that face the radar, None where there is none.
    """

    name: str
    heading: float
    incidence: tuple[float, float]
    origin: str
    shares: dict[str, float]
    land: dict[str, float] | None
    slopes: float | None
    facing: float | None


@dataclass(frozen=True, slots=True)
class Sight:
    """What was found of a place; the files are of the direction ``written``."""

    dem: str
    directions: tuple[Direction, ...]
    written: str
    better: str | None
    files: tuple[Path, ...]
    slope: Slope | None = None


def look_at_place(
    dem: Path,
    out: Path,
    *,
    annotation: Path | None,
    heading: float | None,
    incidence: float | None,
    buffer_m: float,
    at: tuple[float, float] | None = None,
) -> Sight:
    """Look at a DEM from the direction asked for and from the other one, and write the first.

    Beside its layers are written ``better.tif`` (which direction sees a pixel) and
    ``visibility.png`` (both directions); ``at`` (longitude, latitude) is a slope to look at.

    The other direction has the heading of its passes at the place's latitude, and the incidence
    asked for (that in the middle of the place, where an annotation tells it).

    Raises
    ------
    TerrainError
        DEM or annotation cannot be used, or they do not meet; heading or incidence is missing or
        makes no sense.
    OutputError
        The folder cannot be written to.
    """
    if annotation is not None and (heading is not None or incidence is not None):
        raise TerrainError("give either --annotation or --heading with --incidence, not both")
    if heading is not None and incidence is None:
        raise TerrainError("--heading needs --incidence", hint="29 in near to 46 in far range")
    relief = read_relief(dem)
    place = _middle(relief)
    if annotation is not None:
        first, state = _from_annotation(annotation, place)
        angle = float(first.at(np.array([place[0]]), np.array([place[1]])).incidence[0])
        looks = [(state, first), _other(state, place[1], angle)]
    elif heading is not None:
        asked = GivenGeometry(incidence or MIDDLE_INCIDENCE_DEG, heading)
        state = "ascending" if np.cos(np.deg2rad(heading)) >= 0 else "descending"
        looks = [(state, asked), _other(state, place[1], asked.incidence)]
    else:
        angle = MIDDLE_INCIDENCE_DEG if incidence is None else incidence
        looks = [_other("descending", place[1], angle), _other("ascending", place[1], angle)]
    views = [look_over(relief, geometry, buffer_m=buffer_m) for _, geometry in looks]
    slope, aspect = relief.slope_aspect()
    found = tuple(
        _direction(name, geometry, view, relief, (slope, aspect), place)
        for (name, geometry), view in zip(looks, views, strict=True)
    )
    better = _better(found)
    asked_for = annotation is not None or heading is not None
    chosen = 0 if asked_for or better is None else [one.name for one in found].index(better)
    named = tuple((name, view) for (name, _), view in zip(looks, views, strict=True))
    asked_slope = None if at is None else look_at_slope(relief, named, at)
    picture = draw_views(relief, _titles(found, views))
    files = _write(out, relief, slope, aspect, views[chosen], dict(named), picture)
    return Sight(str(dem), found, found[chosen].name, better, files, asked_slope)


def _titles(
    found: tuple[Direction, ...], views: list[PlaceView]
) -> list[tuple[str, str, PlaceView]]:
    titles = []
    for one, view in zip(found, views, strict=True):
        distorted = 1.0 - (one.land or one.shares)[MEANINGS[Visibility.VISIBLE]]
        text = f"{distorted:.1%} of the land in layover or shadow"
        if one.slopes is not None:
            text += f"; {one.slopes:.1%} of slopes over {STEEP_DEG:.0f}° seen"
        titles.append((f"{one.name}, incidence {one.incidence[0]:.0f}°", text, view))
    return titles


def _middle(relief: Relief) -> tuple[float, float]:
    left, bottom, right, top = relief.grid.bounds
    crs = rasterio.crs.CRS.from_user_input(relief.grid.crs)
    lon, lat = to_degrees(crs, 4326, [(left + right) / 2], [(bottom + top) / 2])
    return float(lon[0]), float(lat[0])


def _from_annotation(path: Path, place: tuple[float, float]) -> tuple[Geometry, State]:
    read = read_annotation(path)
    grid = read.grid
    # Some hundred kilometres along the track change little; other places it knows nothing of.
    near = abs(grid.latitude - place[1]).min() < 3.0
    east = (grid.longitude - place[0] + 180.0) % 360.0 - 180.0
    if not (near and np.ptp(np.sign(east)) > 0):
        raise TerrainError(
            f"the annotation {path} is of a scene at {grid.latitude.mean():.1f} N, "
            f"{grid.longitude.mean():.1f} E; the DEM lies at {place[1]:.1f} N, {place[0]:.1f} E",
            hint="give the annotation of a scene of the place, or --heading and --incidence",
        )
    return AnnotationGeometry([grid]), read.orbit_state


def _other(state: State, latitude: float, incidence: float) -> tuple[State, GivenGeometry]:
    other: State = "descending" if state == "ascending" else "ascending"
    return other, GivenGeometry(incidence, heading_at(latitude, other))


def _direction(
    name: str,
    geometry: Geometry,
    view: PlaceView,
    relief: Relief,
    slope_aspect: tuple[np.ndarray, np.ndarray],
    place: tuple[float, float],
) -> Direction:
    slope, aspect = slope_aspect
    known = view.visibility != Visibility.OUTSIDE
    steep = known & (slope > STEEP_DEG)
    visible = float((view.visibility[steep] == Visibility.VISIBLE).mean()) if steep.any() else None
    at = geometry.at(np.array([place[0]]), np.array([place[1]]))
    found = shares(view.visibility, known)
    found.pop(MEANINGS[Visibility.OUTSIDE])
    land = known & (relief.heights > 0)
    of_land = shares(view.visibility, land) if land.any() else None
    if of_land is not None:
        of_land.pop(MEANINGS[Visibility.OUTSIDE])
    layover = view.visibility == Visibility.ACTIVE_LAYOVER
    off = np.abs((aspect - view.look_azimuth) % 360.0 - 180.0)  # from facing the sensor
    facing = float((off[layover] < 90.0).mean()) if layover.any() else None
    return Direction(
        name,
        (float(at.look_azimuth[0]) - 90.0) % 360.0,
        (float(np.nanmin(view.incidence)), float(np.nanmax(view.incidence))),
        geometry.origin,
        found,
        of_land,
        visible,
        facing,
    )


def _better(found: tuple[Direction, ...]) -> str | None:
    """The direction that sees more of the steep slopes; None where they are about equal."""
    first, second = found
    if first.slopes is None or second.slopes is None or abs(first.slopes - second.slopes) < _EQUAL:
        return None
    return first.name if first.slopes > second.slopes else second.name


def _seen_by(views: dict[str, PlaceView]) -> np.ndarray:
    """Which direction sees a pixel, by the classes of ``better``; uint8."""
    up, down = (views[name].visibility for name in ("ascending", "descending"))
    result = np.full(up.shape, 3, dtype=np.uint8)
    result[up == Visibility.VISIBLE] = 1
    result[down == Visibility.VISIBLE] = 2
    result[(up == Visibility.VISIBLE) & (down == Visibility.VISIBLE)] = 0
    result[up == Visibility.OUTSIDE] = 255
    return result


def _write(
    out: Path,
    relief: Relief,
    slope: np.ndarray,
    aspect: np.ndarray,
    view: PlaceView,
    views: dict[str, PlaceView],
    picture: bytes,
) -> tuple[Path, ...]:
    layers = (
        ("slope", slope, Band("slope", "Slope of the ground", "deg")),
        ("aspect", aspect, Band("aspect", "Direction that the slope faces, from north", "deg")),
        ("incidence", view.incidence,
         Band("incidence", "Incidence against the ellipsoid's normal", "deg")),
        ("visibility", view.visibility, _classes("visibility")),
        ("better", _seen_by(views), _classes("better")),
    )  # fmt: skip
    try:
        out.mkdir(parents=True, exist_ok=True)
        files = []
        for name, values, band in layers:
            path = out / f"{name}.tif"
            write_cog(path, values[np.newaxis], relief.grid.transform, relief.grid.crs, [band])
            files.append(path)
        (out / "visibility.png").write_bytes(picture)
        files.append(out / "visibility.png")
    except (OSError, rasterio.errors.RasterioError) as cause:
        raise OutputError(f"cannot write to {out}: {cause}") from cause
    return tuple(files)


def _classes(name: str) -> Band:
    """A band of classes, with their colours."""
    return Band(name, meanings(name), colours=colour_table(name))
