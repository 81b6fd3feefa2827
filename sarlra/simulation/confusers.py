"""Changes that are not landslides: ploughed and harvested fields, felled forest, new buildings,
moved river beds, floods. A detector that answers to change alone reports them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from sarlra.simulation.cover import LandCover
from sarlra.simulation.landslides import Landslides
from sarlra.simulation.noise import F32, I32, Mask, smooth_noise, stream
from sarlra.simulation.parameters import Cover
from sarlra.simulation.profile import Disturbance
from sarlra.simulation.terrain import Terrain

F64 = npt.NDArray[np.float64]
_KEEP = -1
"""A change that shifts the level but keeps the class."""
_PLAIN = Disturbance()


@dataclass(frozen=True, slots=True)
class Confusers:
    """Parameters
    ----------
    label
        Number of the change from 1, 0 elsewhere; int32, (rows, columns).
    start, end
        Days from the origin time between which it lasts, float64, (changes,).
    target
        :class:`Cover` value that replaces the class, or -1, int32, (changes,).
    shift
        dB added in VV and VH, float32, (changes, 2).
    """

    label: I32
    start: F64
    end: F64
    target: I32
    shift: F32

    def active(self, day: float) -> npt.NDArray[np.bool_]:
        """Whether each change holds on ``day``; index 0 stands for no change, (changes + 1,)."""
        return np.concatenate([[False], (self.start <= day) & (day < self.end)])


class _Collector:
    def __init__(self, shape: tuple[int, int]) -> None:
        self.label = np.zeros(shape, dtype=np.int32)
        self.rows: list[tuple[float, float, int, float, float]] = []

    def add(self, where: Mask, start: float, end: float, target: int, vv: float, vh: float) -> None:
        self.rows.append((start, end, target, vv, vh))
        self.label[where] = len(self.rows)

    def add_within(
        self, window: tuple[slice, slice], where: Mask, start: float, end: float, target: int
    ) -> None:
        self.rows.append((start, end, target, 0.0, 0.0))
        self.label[window][where] = len(self.rows)

    def finish(self) -> Confusers:
        table = np.array(self.rows, dtype=np.float64).reshape(-1, 5)
        return Confusers(
            self.label,
            table[:, 0],
            table[:, 1],
            table[:, 2].astype(np.int32),
            table[:, 3:].astype(np.float32),
        )


def make_confusers(
    seed: int,
    terrain: Terrain,
    cover: LandCover,
    landslides: Landslides,
    rates: Disturbance = _PLAIN,
) -> Confusers:
    """Scatter changes over the world and over the time around the earthquake."""
    rng = stream(seed, "confusers")
    found = _Collector(cover.classes.shape)
    _fields(rng, cover, rates.fields, found)
    _clearcuts(rng, terrain, cover, rates.clearcuts, found)
    _buildings(rng, terrain, cover, rates.buildings, found)
    _river_beds(rng, cover, rates.river_beds, found)
    if rates.flood:
        _flood(rng, terrain, cover, found)
    found.label[landslides.label > 0] = 0
    return found.finish()


def _fields(rng: np.random.Generator, cover: LandCover, share: float, found: _Collector) -> None:
    """A share of the fields is ploughed (rough and bare: VV up, VH down) or harvested (both down)
    at some time; the next crop follows weeks later.
    """
    first = len(found.rows)
    number = np.zeros(cover.n_parcels + 1, dtype=np.int32)
    for parcel in range(1, cover.n_parcels + 1):
        if rng.random() > share:
            continue
        start = rng.uniform(-80.0, 20.0)
        vv, vh = (1.8, -1.2) if rng.random() < 0.5 else (-2.0, -2.8)
        vv, vh = vv + rng.normal(0, 0.7), vh + rng.normal(0, 0.7)
        found.rows.append((start, start + rng.uniform(25, 60), _KEEP, vv, vh))
        number[parcel] = len(found.rows)
    if len(found.rows) > first:
        found.label[:] = number[cover.parcel]


def _clearcuts(
    rng: np.random.Generator, terrain: Terrain, cover: LandCover, per_km2: float, found: _Collector
) -> None:
    """Straight-edged patches of forest, 1 to 8 ha, half of them felled within 12 days of the
    event.
    """
    suitable = (cover.classes == Cover.FOREST) & (terrain.slope < 32.0)
    for window, where in _rectangles(rng, suitable, per_km2, (1e4, 8e4)):
        start = rng.uniform(-12.0, 12.0) if rng.random() < 0.5 else rng.uniform(-90.0, 20.0)
        found.add_within(window, where, start, np.inf, int(Cover.CLEARCUT))


def _buildings(
    rng: np.random.Generator, terrain: Terrain, cover: LandCover, per_km2: float, found: _Collector
) -> None:
    """Halls, greenhouses and solar farms of 0.1 to 2 ha that are put up on flat open ground."""
    suitable = np.isin(cover.classes, (Cover.CROP, Cover.GRASS, Cover.SHRUB))
    suitable &= terrain.slope < 10.0
    for window, where in _rectangles(rng, suitable, per_km2, (1e3, 2e4)):
        found.add_within(window, where, rng.uniform(-60.0, 12.0), np.inf, int(Cover.BUILT))


def _rectangles(
    rng: np.random.Generator, suitable: Mask, per_km2: float, areas: tuple[float, float]
) -> Iterator[tuple[tuple[slice, slice], Mask]]:
    """Turned rectangles on suitable ground, areas in m2 uniform in ``areas``: window and mask."""
    places = np.argwhere(suitable)
    count = round(per_km2 * suitable.size * 1e-4)
    if not len(places):
        return
    for row, col in places[rng.integers(0, len(places), count)]:
        area = rng.uniform(*areas) / 100.0
        ratio = rng.uniform(0.5, 2.0)
        half = 0.5 * np.sqrt([area * ratio, area / ratio])
        angle = rng.uniform(0.0, np.pi)
        reach = int(np.hypot(*half)) + 1
        window = (slice(max(row - reach, 0), row + reach), slice(max(col - reach, 0), col + reach))
        part = suitable[window]
        y = np.arange(part.shape[0])[:, None] + window[0].start - row
        x = np.arange(part.shape[1])[None, :] + window[1].start - col
        u, v = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
        yield window, part & (np.abs(u) < half[0]) & (np.abs(v) < half[1])


def _river_beds(rng: np.random.Generator, cover: LandCover, count: int, found: _Collector) -> None:
    """Braids that fall dry or fill, at several times."""
    bed = np.isin(cover.classes, (Cover.WATER, Cover.GRAVEL))
    for _ in range(count):
        moved = bed & (smooth_noise(rng, bed.shape, 10.0) > 1.1)
        start = float(rng.uniform(-50.0, 10.0))
        for old, new in ((Cover.WATER, Cover.GRAVEL), (Cover.GRAVEL, Cover.WATER)):
            found.add(moved & (cover.classes == old), start, np.inf, int(new), 0.0, 0.0)


def _flood(rng: np.random.Generator, terrain: Terrain, cover: LandCover, found: _Collector) -> None:
    """Low ground beside the larger rivers under water for some days after the event."""
    low = np.isin(cover.classes, (Cover.CROP, Cover.GRASS, Cover.GRAVEL))
    low &= terrain.river_distance < 2.2 * terrain.river_width
    low &= (terrain.river_width > 18.0) & (smooth_noise(rng, low.shape, 60.0) > 0.7)
    low = ndimage.binary_opening(low)
    end = float(rng.uniform(10.0, 14.0))
    found.add(low, float(rng.uniform(0.5, 3.0)), end, int(Cover.FLOOD), 0.0, 0.0)
