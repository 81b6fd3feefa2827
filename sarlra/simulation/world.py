"""The whole simulated world, from a seed to a folder."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sarlra.errors import InputError, OutputError
from sarlra.simulation.archive import write_json, write_pass
from sarlra.simulation.backscatter import Backdrop, make_backdrop
from sarlra.simulation.dem import dem_item, write_dem
from sarlra.simulation.event import event_id, make_event
from sarlra.simulation.events_table import DEFAULT, find_profile
from sarlra.simulation.faults import Fault, check_faults
from sarlra.simulation.files import write_inventory, write_land_cover
from sarlra.simulation.folder import clear_folder
from sarlra.simulation.geometry import OrbitState, View
from sarlra.simulation.ground import Ground, make_ground
from sarlra.simulation.layout import make_layout
from sarlra.simulation.profile import Profile
from sarlra.simulation.timetable import Pass, plan_passes
from sarlra.simulation.views import make_views

DEFAULT_ORIGIN = DEFAULT.origin
_WORKERS = 2

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class SimulatedWorld:
    """What was written, and the truth about it.

    Parameters
    ----------
    root, event, items, inventory, dem
        The folder and the files in it.
    seed, event_id, origin
        Of the event; origin in UTC.
    epsg, bounds, size_px
        The world's square: (left, bottom, right, top) in metres.
    area
        (west, south, east, north) in degrees: the event's area of interest.
    tracks
        (orbit state, relative orbit, acquisitions) of each track.
    n_landslides, n_visible
        How many slopes failed, and how many of these changed their surface.
    landslide_area_m2
        Area of all of them.
    """

    root: Path
    event: Path
    items: Path
    inventory: Path
    dem: Path
    seed: int
    event_id: str
    origin: datetime
    epsg: int
    bounds: tuple[float, float, float, float]
    size_px: int
    area: tuple[float, float, float, float]
    tracks: tuple[tuple[OrbitState, int, int], ...]
    n_landslides: int
    n_visible: int
    landslide_area_m2: float


def simulate(
    seed: int,
    out: Path,
    *,
    size_px: int = 2048,
    epsg: int | None = None,
    centre: tuple[float, float] | None = None,
    origin: datetime | None = None,
    pre_days: int = 60,
    post_days: int = 12,
    profile: Profile | str = DEFAULT,
    faults: tuple[Fault, ...] = (),
    progress: Progress | None = None,
) -> SimulatedWorld:
    """Make a world with an earthquake and write it as a published archive.

    Parameters
    ----------
    seed
        0 to 99,999,999; equal arguments give equal bytes.
    out
        Folder to write to; made where absent. An earlier world in it is replaced.
    size_px
        Edge of the square world in pixels of 10 m, 256 to 8192.
    epsg, centre
        UTM zone, and easting and northing of the middle in metres (snapped to 10 m);
        those of the profile where not given.
    origin
        Origin time of the earthquake, with time zone; the profile's where not given.
    pre_days, post_days
        Windows that the passes fill; each track passes once more before and after them.
    profile
        The kind of event, or the name of one in :mod:`sarlra.simulation.events_table`.
    faults
        Acquisitions that go wrong.
    progress
        Called with (stage, done, total) now and then, from the calling thread.

    Raises
    ------
    InputError
        An argument is out of range.
    OutputError
        ``out`` is a file, or a folder that holds something that is no simulated world.
    """
    if not 0 <= seed <= 99_999_999:
        raise InputError(f"seed {seed} is not between 0 and 99999999")
    tell = progress or (lambda _stage, _done, _total: None)
    kind = find_profile(profile) if isinstance(profile, str) else profile
    check_faults(faults)
    layout = make_layout(
        size_px, kind.epsg if epsg is None else epsg, kind.centre if centre is None else centre
    )
    origin = kind.origin if origin is None else origin
    passes = plan_passes(seed, layout, origin, pre_days, post_days)
    clear_folder(out)
    tell("ground", 0, 1)
    ground = make_ground(seed, layout, kind)
    tell("ground", 1, 1)
    try:
        _write(ground, passes, faults, out, origin.astimezone(UTC), tell)
    except OSError as error:
        raise OutputError(f"cannot write to {out}: {error}", hint="is the disk full?") from error
    return _summary(ground, passes, out, origin.astimezone(UTC))


def _write(
    ground: Ground,
    passes: tuple[Pass, ...],
    faults: tuple[Fault, ...],
    out: Path,
    origin: datetime,
    tell: Progress,
) -> None:
    """Write everything; ``items.json`` last, so that its presence says that the rest is there."""
    views = make_views(ground)
    backdrops = {state: make_backdrop(ground, view) for state, view in views.items()}
    features = _write_archive(ground, views, backdrops, passes, faults, out, tell)
    tell("truth", 0, 1)
    grid = write_dem(ground, out / "dem.tif")
    write_inventory(ground, out / "inventory.gpkg")
    write_land_cover(ground, out / "land-cover.tif")
    features.append(dem_item(grid, "./dem.tif", ground.seed))
    write_json(out / "event.geojson", make_event(ground, origin))
    write_json(out / "items.json", {"type": "FeatureCollection", "features": features})
    tell("truth", 1, 1)


def _write_archive(
    ground: Ground,
    views: dict[OrbitState, View],
    backdrops: dict[OrbitState, Backdrop],
    passes: tuple[Pass, ...],
    faults: tuple[Fault, ...],
    out: Path,
    tell: Progress,
) -> list[dict[str, Any]]:
    """Write all passes, two at a time; items in the order of id, whatever thread made them."""
    found: list[dict[str, Any]] = []
    tell("acquisitions", 0, len(passes))
    with ThreadPoolExecutor(_WORKERS) as pool:
        futures = [
            pool.submit(
                write_pass,
                ground,
                views[p.orbit_state],
                backdrops[p.orbit_state],
                p,
                out,
                faults,
            )
            for p in passes
        ]
        try:
            for done, future in enumerate(as_completed(futures), start=1):
                found.extend(future.result())
                tell("acquisitions", done, len(passes))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return sorted(found, key=lambda item: (item["collection"], item["id"]))


def _summary(
    ground: Ground, passes: tuple[Pass, ...], out: Path, origin: datetime
) -> SimulatedWorld:
    orbits = sorted({(p.orbit_state, p.relative_orbit) for p in passes})
    tracks = tuple(
        (state, orbit, sum(p.orbit_state == state for p in passes)) for state, orbit in orbits
    )
    area = ground.layout.inner_lonlat()
    slides = ground.landslides
    return SimulatedWorld(
        root=out,
        event=out / "event.geojson",
        items=out / "items.json",
        inventory=out / "inventory.gpkg",
        dem=out / "dem.tif",
        seed=ground.seed,
        event_id=event_id(ground.seed),
        origin=origin,
        epsg=ground.layout.epsg,
        bounds=ground.layout.bounds,
        size_px=ground.layout.size_px,
        area=area,
        tracks=tracks,
        n_landslides=len(slides.polygons),
        n_visible=int(slides.visible.sum()),
        landslide_area_m2=float(slides.areas.sum()),
    )
