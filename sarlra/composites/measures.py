"""The measures of a track's acquisitions, each against the median of the others, from chips.

A chip is a small square of the target grid. Chips spread over the area give place, level, snow and
stripes; chips along the outlines of slices give their fringes. What is measured depends on the
track, the area and the recipe, never on how the area is cut into tiles.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial

import bottleneck
import numpy as np
from numpy.typing import NDArray
from pyproj import CRS, Proj, Transformer
from scipy import ndimage

from sarlra.composites.corrections import Correction, moved
from sarlra.composites.darkening import darkened, land
from sarlra.composites.footprints import stated_grid, touches, within
from sarlra.composites.handles import kept_open
from sarlra.composites.masks import BEYOND, mosaic
from sarlra.composites.median import to_db
from sarlra.composites.middles import middles
from sarlra.composites.pixels import PixelGrid
from sarlra.composites.quality import SHIFT_PX, Measures, Quality, judge, keep_a_product
from sarlra.composites.reader import read_asset
from sarlra.composites.registration import C128, added, cross_spectrum, shift_of
from sarlra.composites.stripes import stripe_score
from sarlra.recipe import Recipe
from sarlra.scenes.model import Acquisition, Slice, Track
from sarlra.scenes.signing import SigningPolicy
from sarlra.terrain.sphere import heading_at

F32 = NDArray[np.float32]

#: Below every radar's noise (Sentinel-1's lies above -30 dB), in dB.
NEAR_ZERO_DB = -35.0
#: How far fringes reach in from the edge of the data, in pixels.
_EDGE_PX = 8
#: Pixels of land that a chip must have to say something.
_LEAST_PX = 1000


@dataclass
class _Seen:
    """What the chips have said of one acquisition so far; shares come with their pixels."""

    compared: bool = False
    spectrum: C128 | None = None
    levels: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    valid: list[tuple[float, int]] = field(default_factory=list)
    snow: list[tuple[float, int]] = field(default_factory=list)
    flood: list[tuple[float, int]] = field(default_factory=list)
    stripes: list[float] = field(default_factory=list)
    fringe: list[float] = field(default_factory=list)


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
    seen = [_Seen() for _ in acquisitions]
    with kept_open(), ThreadPoolExecutor(threads) as pool:
        for grid in chips:
            stacks = [
                np.stack(list(pool.map(partial(_image, pol, grid, signing), acquisitions)))
                for pol in recipe.polarisations
            ]
            for note, acquisition in zip(seen, acquisitions, strict=True):
                note.compared = note.compared or any(within(s, grid) for s in acquisition.slices)
            # Each acquisition notes its own measures, chip after chip: no order matters.
            list(pool.map(_look(seen, stacks, recipe, _heading(track, grid)), range(len(seen))))
        for grid in edges:
            shares = pool.map(partial(_fringes, grid, signing), acquisitions)
            for note, share in zip(seen, shares, strict=True):
                note.fringe.append(share)
    found = _centred([_measures(a, note, len(acquisitions), recipe)
                      for a, note in zip(acquisitions, seen, strict=True)])  # fmt: skip
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


def _look(
    seen: list[_Seen], stacks: list[F32], recipe: Recipe, heading: float
) -> Callable[[int], None]:
    """What takes the measures of one acquisition on a chip."""
    count = stacks[0].shape[0]
    means = [bottleneck.nanmean(stack, axis=0) for stack in stacks] if count > 1 else []

    def look(index: int) -> None:
        if count < 2:
            return
        note = seen[index]
        others = [(n,) for n in range(count) if n != index]
        references, known = [], None
        for stack in stacks:
            lower, upper, there = middles(stack, others, 0)
            references.append((lower + upper) * np.float32(0.5))
            known = there * 2 > len(others) if known is None else known
        if known is None or not known.any():
            return
        _measure(note, index, stacks, references, means, known, recipe, heading)

    return look


def _measure(
    note: _Seen,
    index: int,
    stacks: list[F32],
    references: list[F32],
    means: list[F32],
    known: NDArray[np.bool_],
    recipe: Recipe,
    heading: float,
) -> None:
    """Hold an acquisition against the others; it touches nothing but its own note."""
    valid = np.isfinite(stacks[0][index])
    note.valid.append((float(valid[known].mean()), int(known.sum())))
    ground = land(references)
    usable = int((ground & valid & known).sum())
    if usable < _LEAST_PX:
        return
    images = [np.where(ground, stack[index], np.float32(np.nan)) for stack in stacks]
    spectrum = None
    for image, reference in zip(images, references, strict=True):
        spectrum = added(spectrum, cross_spectrum(image, reference))
    note.spectrum = added(note.spectrum, spectrum)
    # What follows compares pixel with pixel: an image that lies beside is moved back before.
    place = shift_of(spectrum) or (0.0, 0.0)
    images = [_at(image, place) for image in images]
    for pol, image, reference, mean in zip(
        recipe.polarisations, images, references, means, strict=True
    ):
        # Levels are taken against the mean of all: one that is off moves it for all alike, and
        # only differences between levels count in the end.
        difference = image - mean
        difference = difference[np.isfinite(difference)]
        if difference.size < _LEAST_PX:
            continue
        note.levels[pol].append(float(np.median(difference)))
        offset = float(np.nanmedian(image - reference))
        note.stripes.append(stripe_score(image - np.float32(offset), reference, heading))
    snow, flood = darkened(images[0], references[0], ground)
    note.snow.append((snow, usable))
    note.flood.append((flood, usable))


def _at(image: F32, shift_px: tuple[float, float]) -> F32:
    """An image in dB moved back; NaN where it then has nothing."""
    if np.hypot(*shift_px) < SHIFT_PX:
        return image
    rim = Correction(shift_px).reach
    padded = np.pad(np.power(np.float32(10), image / 10), rim, constant_values=np.nan)
    return to_db(moved(padded, shift_px, rim))


def _fringes(grid: PixelGrid, signing: SigningPolicy | None, acquisition: Acquisition) -> float:
    """Largest share, over its slices, of near-zero pixels along the edge of the data."""
    found = 0.0
    for scene in acquisition.slices:
        if not touches(scene, grid):
            continue
        values = to_db(read_asset(scene.asset("VV"), grid, signing, stated_grid(scene)))
        valid = np.isfinite(values)
        empty = ndimage.minimum_filter((~valid).view(np.uint8), BEYOND, mode="constant", cval=0)
        beyond = ndimage.maximum_filter(empty, BEYOND, mode="constant", cval=0) > 0
        edge = valid & ndimage.binary_dilation(beyond, np.ones((3, 3)), iterations=_EDGE_PX)
        if edge.sum() < 100:
            continue
        low = values < NEAR_ZERO_DB
        inner = float(low[valid & ~edge].mean()) if (valid & ~edge).any() else 0.0
        found = max(found, float(low[edge].mean()) - inner)
    return found


def _measures(acquisition: Acquisition, note: _Seen, count: int, recipe: Recipe) -> Measures:
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


def _heading(track: Track, grid: PixelGrid) -> float:
    """Of the track against grid north at a chip, in degrees."""
    left, bottom, right, top = grid.bounds
    to_degrees = Transformer.from_crs(grid.epsg, 4326, always_xy=True)
    lon, lat = to_degrees.transform((left + right) / 2, (bottom + top) / 2)
    turned = Proj(CRS.from_epsg(grid.epsg)).get_factors(lon, lat).meridian_convergence
    return heading_at(float(lat), track.orbit_state) - float(turned)


def _mean(shares: list[tuple[float, int]], empty: float) -> float:
    total = sum(pixels for _, pixels in shares)
    return sum(share * pixels for share, pixels in shares) / total if total else empty
