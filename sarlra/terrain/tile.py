"""What the relief does to one track over one tile: visibility, and the way between radiometries."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from rasterio.warp import transform_bounds
from shapely import box as box_of

from sarlra.errors import TerrainError
from sarlra.scenes.model import Track
from sarlra.scenes.signing import SigningPolicy
from sarlra.terrain.choice import DemSource, TerrainChoice
from sarlra.terrain.codes import Visibility
from sarlra.terrain.dem import read_dem
from sarlra.terrain.given import Geometry
from sarlra.terrain.ground import GroundGrid
from sarlra.terrain.look import look_at
from sarlra.terrain.patience import wait_s, within
from sarlra.terrain.place import Relief
from sarlra.terrain.radiometry import sigma0e_over_gamma0
from sarlra.terrain.track import Found, find_geometry
from sarlra.terrain.visibility import see

log = logging.getLogger(__name__)

F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]
Mask = NDArray[np.bool_]

#: A tile's rim reaches as far as its relief can lay over or shadow, but never beyond this.
_LONGEST_M = 15_000.0
_SEARCH_M = 15_000.0
_EVERY = 64


@dataclass(frozen=True, slots=True)
class TileTerrain:
    """Layers on the pixels of a grid, and where they come from.

    ``visibility`` (rows, columns) uint8, :class:`Visibility`, all OUTSIDE where it is not known.
    ``sigma0e_db`` (rows, columns) float32: dB to add to gamma0 for sigma0 on the ellipsoid, None
    where it was not asked for or is not known. ``geometry`` and ``dem`` name the origins
    (``unknown`` and None without); ``notes`` say in words what is missing and why. ``incidence``
    (n,) float32: degrees on the ellipsoid at places all over the grid; None where not known.
    ``relief`` are the heights with a rim of one pixel, so that slopes are those of any tile;
    ``view`` is how the track looks at them; each None where it is not known.
    """

    visibility: U8
    sigma0e_db: F32 | None = None
    geometry: str = "unknown"
    dem: str | None = None
    notes: tuple[str, ...] = field(default=())
    incidence: F32 | None = None
    relief: Relief | None = None
    view: Geometry | None = None

    @property
    def known(self) -> bool:
        """Whether layover and shadow are known."""
        return self.dem is not None and self.geometry != "unknown"

    def steep(self, least_deg: float) -> Mask | None:
        """Pixels at least so steep, those of unknown slope among them; None without heights."""
        if self.relief is None:
            return None
        slope, _ = self.relief.slope_aspect()
        return ~(slope[1:-1, 1:-1] < least_deg)


def tile_terrain(
    track: Track,
    grid: GroundGrid,
    choice: TerrainChoice,
    signing: SigningPolicy | None,
    *,
    buffer_m: float = 0.0,
    sigma0e: bool = False,
    slopes: bool = False,
    threads: int = 2,
) -> TileTerrain:
    """Look at a tile as a track does.

    Never fails for what is missing: without a geometry or a DEM the visibility is unknown, and the
    notes say why. Waits for each no longer than :func:`sarlra.terrain.patience.wait_s`.

    Parameters
    ----------
    buffer_m
        Safety buffer around distortion in metres.
    sigma0e
        Whether the way to sigma0 is wanted. Without a DEM it is that of level ground.
    slopes
        Whether the relief is wanted also where the geometry is not known.
    """
    unknown = np.full(grid.shape, Visibility.OUTSIDE, dtype=np.uint8)
    if choice.dem is None and not sigma0e:
        return TileTerrain(unknown, notes=("visibility is not known: no DEM was wanted",))
    try:
        found = _geometry(track, grid, choice, signing)
    except TerrainError as error:
        log.warning("visibility is not known: %s", error)
        bare = TileTerrain(unknown, notes=(f"visibility is not known: {error.message}",))
        return _with_relief(bare, choice.dem, grid) if slopes and choice.dem else bare
    geometry, notes = found.geometry, found.notes
    try:
        if choice.dem is None:
            raise TerrainError("no DEM was wanted")
        wide, heights, margin = _heights(choice.dem, grid, geometry)
    except TerrainError as error:
        log.warning("visibility is not known: %s", error)
        notes += (f"visibility is not known: {error.message}",)
        level = np.zeros(grid.shape, dtype=np.float32)
        ratio = _ratio(geometry, grid, level) if sigma0e else None
        angles = _some(look_at(geometry, grid, level).incidence)
        return TileTerrain(unknown, ratio, geometry.origin, None, notes, angles, view=geometry)
    look = look_at(geometry, wide, heights)
    seen = see(
        heights,
        look.incidence,
        look.look_azimuth,
        grid.resolution,
        buffer_px=round(buffer_m / grid.resolution),
        threads=threads,
    )
    inner = (slice(margin, margin + grid.shape[0]), slice(margin, margin + grid.shape[1]))
    ratio = _ratio(geometry, wide, heights)[inner] if sigma0e else None
    return TileTerrain(
        np.ascontiguousarray(seen[inner]),
        ratio,
        geometry.origin,
        choice.dem.name,
        notes,
        _some(look.incidence[inner]),
        _rimmed(heights, grid, margin),
        geometry,
    )


def _some(image: F32) -> F32:
    """Every 64th pixel, from the middle of the first 64: enough for what changes slowly."""
    return np.ascontiguousarray(image[_EVERY // 2 :: _EVERY, _EVERY // 2 :: _EVERY]).ravel()


def _rimmed(heights: F32, grid: GroundGrid, margin: int) -> Relief:
    """The heights of a grid with one pixel around it, cut from those with a wider rim."""
    rows, cols = (slice(margin - 1, margin + 1 + n) for n in grid.shape)
    return Relief(heights[rows, cols].copy(), grid.grown(1))


def _with_relief(bare: TileTerrain, dem: DemSource, grid: GroundGrid) -> TileTerrain:
    """With the heights alone, where they can be had."""
    rimmed = grid.grown(1)
    try:
        heights = within(wait_s(), f"the DEM {dem.name}", lambda: read_dem(dem, rimmed))
    except TerrainError as error:
        return replace(bare, notes=(*bare.notes, f"slopes are not known: {error.message}"))
    return replace(bare, dem=dem.name, relief=Relief(heights, rimmed))


def _geometry(
    track: Track, grid: GroundGrid, choice: TerrainChoice, signing: SigningPolicy | None
) -> Found:
    if choice.given is not None:
        return Found(choice.given)
    area = box_of(*transform_bounds(grid.crs, 4326, *grid.bounds, densify_pts=5))
    seconds = wait_s()
    return within(
        seconds,
        f"the geometry of track {track.id}",
        lambda: find_geometry(track, area, signing, 0.9 * seconds),
    )


def _heights(dem: DemSource, grid: GroundGrid, geometry: Geometry) -> tuple[GroundGrid, F32, int]:
    """Heights on the grid with a rim, the grid with it, and how many pixels the rim has.

    The rim is as wide as the relief around can lay over or shadow: its height times the tangent
    (or cotangent) of the incidence, whichever is larger.
    """
    coarse = max(1, round(90.0 / grid.resolution))
    search = _coarser(grid.grown(round(_SEARCH_M / grid.resolution)), coarse)
    seconds = wait_s()

    def read() -> tuple[GroundGrid, F32, int]:
        around = read_dem(dem, search)
        relief = float(np.nanmax(around) - np.nanmin(around))
        theta = np.deg2rad(look_at(geometry, search, around).incidence)
        reach = relief * max(float(np.tan(theta.max())), 1.0 / float(np.tan(theta.min())))
        margin = 4 + int(np.ceil(min(reach, _LONGEST_M) / grid.resolution))
        wide = grid.grown(margin)
        return wide, read_dem(dem, wide), margin

    return within(seconds, f"the DEM {dem.name}", read)


def _coarser(grid: GroundGrid, factor: int) -> GroundGrid:
    rows, cols = (-(-n // factor) for n in grid.shape)
    return GroundGrid(grid.crs, grid.transform @ grid.transform.scale(factor), (rows, cols))


def _ratio(geometry: Geometry, grid: GroundGrid, heights: F32) -> F32:
    look = look_at(geometry, grid, heights)
    return sigma0e_over_gamma0(heights, look.incidence, look.look_azimuth, grid.resolution)
