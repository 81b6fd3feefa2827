"""Simulated worlds as sources of patches: made once, drawn alike for all that is compared."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sarlra import __version__
from sarlra.errors import InputError
from sarlra.models.card import Combination
from sarlra.recipe import Recipe, make_recipe
from sarlra.samples.draw import TEST_RATIO
from sarlra.samples.labels import LANDSLIDE_SHARE
from sarlra.samples.patches import Patches, join
from sarlra.samples.rendered import Buffers, Product, rendered_world
from sarlra.scenes.model import OrbitState
from sarlra.simulation.events_table import CALIFORNIA, DEFAULT, EVENTS, find_profile

#: What is kept of each world's background: a test's ratio, the largest (trainings take 4, 5 or 6).
MOST_RATIO = TEST_RATIO
#: Where a world has few landslides, so much of its background stays.
_LEAST_BACKGROUND = 20
#: Every so many worlds of a profile are seen as a 30 m product.
COARSE_EVERY = 4

Show = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True, order=True)
class World:
    """One simulated world as a source of patches."""

    profile: str
    seed: int
    product: Product = "10m"


@dataclass(frozen=True, slots=True)
class Split:
    """The worlds of each part; no world stands in two of them.

    Raises
    ------
    InputError
        One does.
    """

    training: tuple[World, ...]
    validation: tuple[World, ...]
    test: tuple[World, ...]

    def __post_init__(self) -> None:
        if len(set(self.worlds)) != len(self.worlds):
            raise InputError(
                "a simulated world stands in two of training, validation and test",
                hint="give seeds that do not overlap",
            )

    @property
    def worlds(self) -> tuple[World, ...]:
        """All of them."""
        return self.training + self.validation + self.test


def make_split(training: int, validation: int, test: int) -> Split:
    """The standard split: so many worlds of each event in each part.

    Training and validation take the six events to learn from, the default one and the quiet
    coast, with seeds from 1 and from 101; the test takes the two events that no model has seen and
    the default one, with seeds from 201. Every fourth world of an event is a 30 m product.
    """
    learn = (*(p.name for p in EVENTS if p.role == "train"), DEFAULT.name, CALIFORNIA.name)
    unseen = (*(p.name for p in EVENTS if p.role == "unseen"), DEFAULT.name)

    def worlds(names: tuple[str, ...], first: int, number: int) -> tuple[World, ...]:
        return tuple(
            World(name, first + i, "30m" if i % COARSE_EVERY == COARSE_EVERY - 1 else "10m")
            for name in names
            for i in range(number)
        )

    return Split(
        worlds(learn, 1, training), worlds(learn, 101, validation), worlds(unseen, 201, test)
    )


@dataclass(frozen=True, slots=True)
class Store:
    """Where patches of worlds are kept, and what of them.

    Parameters
    ----------
    folder
        One file a world.
    buffers
        All pairs that are compared; each world is rendered once for all of them.
    whole
        All background, instead of :data:`MOST_RATIO` to one landslide patch.
    """

    folder: Path
    buffers: tuple[Buffers, ...] = ((60, 12),)
    whole: bool = False

    def path(self, world: World) -> Path:
        """The file of a world; its name changes with whatever changes its patches."""
        facts = [asdict(world), self.buffers, self.whole, world_recipe(world).hash(), __version__]
        digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:12]
        return self.folder / f"{world.profile}-{world.seed}-{world.product}-{digest}.npz"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which of a store's patches: bands, direction, buffers, and background per landslide."""

    combination: Combination
    orbit_state: OrbitState
    buffers: Buffers
    ratio: float


def make_worlds(worlds: Sequence[World], store: Store, workers: int, show: Show) -> None:
    """Put the patches of worlds into the store, those that are not there yet, in processes."""
    missing = [world for world in worlds if not store.path(world).is_file()]
    done = len(worlds) - len(missing)
    show("simulated worlds", done, len(worlds))
    if not missing:
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(workers, len(missing)), mp_context=context) as pool:
        for future in as_completed([pool.submit(make_world, world, store) for world in missing]):
            future.result()
            done += 1
            show("simulated worlds", done, len(worlds))


def make_world(world: World, store: Store) -> None:
    """Make a world's patches and put them into the store, whole or not at all.

    Background is drawn by world and direction alone, so that whatever is compared within a
    direction has the same patches; the draw for a smaller ratio is part of that for a larger one.
    """
    arrays: dict[str, NDArray[np.generic]] = {}
    tracks = rendered_world(
        world.profile, world.seed, world_recipe(world), store.buffers, product=world.product
    )
    for track in tracks:
        rank = _rank(world, track.orbit_state, track.share)
        keep = np.flatnonzero(np.isfinite(rank) if store.whole else rank <= MOST_RATIO)
        state = track.orbit_state
        arrays[f"{state}_share"] = track.share[keep]
        arrays[f"{state}_rank"] = rank[keep]
        for pair in store.buffers:
            arrays[f"{state}_{pair[0]}_{pair[1]}"] = track.windows[pair][keep]
            arrays[f"{state}_{pair[0]}_{pair[1]}_acquisitions"] = np.array(track.acquisitions[pair])
        arrays[f"{state}_incidence"] = np.array(track.incidence)
    held = store.path(world)
    held.parent.mkdir(parents=True, exist_ok=True)
    part = held.with_suffix(".part.npz")
    np.savez(part, **arrays)  # type: ignore[arg-type]
    part.replace(held)


def load_patches(worlds: Sequence[World], store: Store, wanted: Wanted) -> Patches:
    """The patches of worlds that have what is wanted, world by world in the order given."""
    parts = []
    for world in worlds:
        if not has_bands(world, wanted.combination):
            continue
        with np.load(store.path(world), allow_pickle=False) as held:
            rank = held[f"{wanted.orbit_state}_rank"]
            keep = np.flatnonzero(rank <= wanted.ratio)
            windows = held[f"{wanted.orbit_state}_{wanted.buffers[0]}_{wanted.buffers[1]}"][keep]
            share = held[f"{wanted.orbit_state}_share"][keep]
        if wanted.combination == "VV" and windows.shape[-1] == 4:
            windows = np.ascontiguousarray(windows[..., [0, 2]])
        name = np.full(len(keep), f"{world.profile}-{world.product}")
        parts.append(Patches(windows, share > LANDSLIDE_SHARE, name))
    return join(parts)


def load_seen(
    worlds: Sequence[World], store: Store, wanted: Wanted
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """What the composites of worlds were made of: acquisitions before, after, and incidences."""
    counts, angles = [], []
    for world in worlds:
        with np.load(store.path(world), allow_pickle=False) as held:
            name = f"{wanted.orbit_state}_{wanted.buffers[0]}_{wanted.buffers[1]}_acquisitions"
            counts.append(held[name])
            angles.append(float(held[f"{wanted.orbit_state}_incidence"]))
    both = np.array(counts)
    return both[:, 0], both[:, 1], np.array(angles)


def _rank(world: World, orbit_state: OrbitState, share: NDArray[np.float64]) -> NDArray[np.float64]:
    """For each patch the ratio of background to landslide from which on it is drawn: 0 for
    landslides, NaN for those in neither class.
    """
    slides = int((share > LANDSLIDE_SHARE).sum())
    background = np.flatnonzero(share == 0)
    key = zlib.crc32(f"{world.profile} {world.seed} {world.product} {orbit_state}".encode())
    order = np.random.default_rng(key).permutation(len(background))
    rank = np.full(len(share), np.nan)
    rank[share > LANDSLIDE_SHARE] = 0.0
    ratio = (order + 1) / max(slides, 1)
    ratio[order < _LEAST_BACKGROUND] = 0.0
    rank[background] = ratio
    return rank


def has_bands(world: World, combination: Combination) -> bool:
    """Whether the radar of a world gives the bands of a combination."""
    return combination == "VV" or _has_vh(world.profile)


def _has_vh(profile: str) -> bool:
    return "vh" in find_profile(profile).radar.polarisations


def world_recipe(world: World) -> Recipe:
    """Worlds are made with all that they have; VV alone is cut from VV and VH."""
    return make_recipe(polarisations=("VV", "VH") if _has_vh(world.profile) else ("VV",))
