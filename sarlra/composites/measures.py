"""The measures of a track's acquisitions, each against the median of the others, from chips.

A chip is a small square of the target grid. Chips spread over the area give place, level, snow and
stripes; chips along the outlines of slices give their fringes. What is measured depends on the
track, the area and the recipe, never on how the area is cut into tiles.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from itertools import zip_longest

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Proj, Transformer

from sarlra.composites.chip import Note, make_chip, measure
from sarlra.composites.footprints import stated_grid, touches
from sarlra.composites.fringes import fringe_share
from sarlra.composites.handles import kept_open
from sarlra.composites.masks import mosaic
from sarlra.composites.median import to_db
from sarlra.composites.pixels import PixelGrid
from sarlra.composites.quality import Measures, Quality, judge, keep_a_product
from sarlra.composites.reader import read_asset
from sarlra.composites.registration import shift_of
from sarlra.recipe import Recipe
from sarlra.scenes.model import Acquisition, Slice, Track
from sarlra.scenes.signing import SigningPolicy
from sarlra.terrain.sphere import heading_at

F32 = NDArray[np.float32]


def assess(
    track: Track,
    chips: Sequence[PixelGrid],
    edges: Sequence[PixelGrid],
    recipe: Recipe,
    signing: SigningPolicy | None,
    threads: int = 2,
) -> tuple[Quality, ...]:
    """Judge every acquisition of a track, the pre ones first, ascending in time.

    Parameters
    ----------
    chips
        Squares of one size, spread over the area.
    edges
        Squares on the outlines of slices.

    Raises
    ------
    AssetError, SigningError
        A scene cannot be read.
    """
    acquisitions = (*track.pre, *track.post)
    notes = [Note() for _ in acquisitions]
    with kept_open(), _threads(threads) as pool:
        looks: list[Future[None]] = []
        for grid, stacks in _read_ahead(pool, chips, acquisitions, recipe, signing):
            lon, lat = _middle(grid)
            for note, acquisition in zip(notes, acquisitions, strict=True):
                note.compared = note.compared or _holds(acquisition, lon, lat)
            if len(acquisitions) < 2:
                continue
            chip = make_chip(recipe.polarisations, stacks, _heading(track, grid, lon, lat))
            # Each acquisition notes its own measures, chip after chip: the order of threads does
            # not matter.
            _wait(looks)
            looks = [pool.submit(measure, note, chip, n) for n, note in enumerate(notes)]
        _wait(looks)
        shares = [pool.map(partial(fringe_share, grid, signing), acquisitions) for grid in edges]
        for one in shares:
            for note, share in zip(notes, one, strict=True):
                note.fringe.append(share)
    found = _centred([_measures(a, note, len(acquisitions), recipe)
                      for a, note in zip(acquisitions, notes, strict=True)])  # fmt: skip
    if len(found) == 2:
        # Of two, it is the one after the event that is brought to the other.
        found[0] = replace(found[0], shift_px=None)
    judged = [
        judge(acquisition, number >= len(track.pre), measures, recipe.erode_px)
        for number, (acquisition, measures) in enumerate(zip(acquisitions, found, strict=True))
    ]
    return keep_a_product(judged)


def _centred(found: list[Measures]) -> list[Measures]:
    """Offsets against the median of all acquisitions."""
    middle = {
        pol: float(np.median([dict(m.offset_db)[pol] for m in found if pol in dict(m.offset_db)]))
        for pol in {pol for m in found for pol, _ in m.offset_db}
    }
    return [
        replace(m, offset_db=tuple((pol, db - middle[pol]) for pol, db in m.offset_db))
        for m in found
    ]


@contextmanager
def _threads(count: int) -> Iterator[ThreadPoolExecutor]:
    """Threads that leave undone what waits when something fails."""
    with ThreadPoolExecutor(count) as pool:
        try:
            yield pool
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _read_ahead(
    pool: ThreadPoolExecutor,
    chips: Sequence[PixelGrid],
    acquisitions: Sequence[Acquisition],
    recipe: Recipe,
    signing: SigningPolicy | None,
) -> Iterator[tuple[PixelGrid, list[F32]]]:
    """Chips with their stacks in dB by polarisation; the next is read while one is looked at."""

    def begin(grid: PixelGrid) -> list[list[Future[F32]]]:
        return [
            [pool.submit(_image, pol, grid, signing, a) for a in acquisitions]
            for pol in recipe.polarisations
        ]

    reading = begin(chips[0]) if chips else []
    for grid, following in zip_longest(chips, chips[1:]):
        stacks = [np.stack([image.result() for image in same]) for same in reading]
        reading = [] if following is None else begin(following)
        yield grid, stacks


def _wait(running: Sequence[Future[None]]) -> None:
    for one in running:
        one.result()


def _image(
    polarisation: str, grid: PixelGrid, signing: SigningPolicy | None, acquisition: Acquisition
) -> F32:
    """An acquisition on a chip in dB; NaN where none of its slices has data."""
    layers = [
        read_asset(s.asset(polarisation), grid, signing, stated_grid(s))
        for s in _ordered(acquisition)
        if touches(s, grid)
    ]
    if not layers:
        return np.full(grid.shape, np.nan, np.float32)
    return to_db(mosaic(np.stack(layers), 0, 0))


def _ordered(acquisition: Acquisition) -> list[Slice]:
    return sorted(acquisition.slices, key=lambda s: (s.datetime, s.item_id))


def _measures(acquisition: Acquisition, note: Note, count: int, recipe: Recipe) -> Measures:
    shift = shift_of(note.spectrum)
    return Measures(
        n_reference=count - 1,
        shift_px=shift,
        scene_px=_scene_px(acquisition, recipe),
        # A chip that is under snow or at a lake does not count among several.
        offset_db=tuple((pol, float(np.median(note.levels[pol])))
                        for pol in recipe.polarisations if note.levels[pol]),
        valid_share=_mean(note.valid, 1.0),
        compared=note.compared,
        snow_share=_mean(note.snow, 0.0),
        flood_share=_mean(note.flood, 0.0),
        stripes=max(note.stripes, default=0.0),
        fringe_share=max(note.fringe, default=0.0),
    )  # fmt: skip


def _scene_px(acquisition: Acquisition, recipe: Recipe) -> float:
    stated = [abs(s.transform[0]) for s in acquisition.slices if s.transform is not None]
    return max(1.0, max(stated, default=recipe.resolution) / recipe.resolution)


def _middle(grid: PixelGrid) -> tuple[float, float]:
    """Longitude and latitude of the middle of a chip."""
    left, bottom, right, top = grid.bounds
    to_degrees = Transformer.from_crs(grid.epsg, 4326, always_xy=True)
    lon, lat = to_degrees.transform((left + right) / 2, (bottom + top) / 2)
    return float(lon), float(lat)


def _holds(acquisition: Acquisition, lon: float, lat: float) -> bool:
    """Whether one of its slices, by its geometry, holds a place."""
    at = shapely.Point(lon, lat)
    return any(shapely.intersects(scene.geometry, at) for scene in acquisition.slices)


def _heading(track: Track, grid: PixelGrid, lon: float, lat: float) -> float:
    """Of the track against grid north at a place, in degrees."""
    turned = Proj(CRS.from_epsg(grid.epsg)).get_factors(lon, lat).meridian_convergence
    return heading_at(lat, track.orbit_state) - float(turned)


def _mean(shares: list[tuple[float, int]], empty: float) -> float:
    total = sum(pixels for _, pixels in shares)
    return sum(share * pixels for share, pixels in shares) / total if total else empty
