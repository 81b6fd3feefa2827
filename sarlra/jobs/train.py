"""Training a network on simulated worlds, from seeds to a model with its card."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from sarlra import __version__
from sarlra.errors import InputError
from sarlra.models.registry import ModelInfo
from sarlra.models.training import Choices, Statement, train_model
from sarlra.recipe import Recipe, make_recipe
from sarlra.samples.hide import hide_edges
from sarlra.samples.patches import Patches, join
from sarlra.samples.rendered import rendered_patches
from sarlra.simulation.events_table import CALIFORNIA, DEFAULT, EVENTS, find_profile

#: Background patches per landslide patch in validation and test (paper, section 3.2).
TEST_RATIO = 10.0
#: Share of the training patches that an edge of the data is put through.
EDGE_SHARE = 0.15
#: Every so many worlds of a profile are seen as a 30 m product.
COARSE_EVERY = 4

LIMITS = (
    "Trained and measured on simulated events only; its figures say nothing about a real one.",
    "Made for gamma0 (radiometrically terrain corrected), 60 days before and 12 after the event.",
    "Terrain, cover and radar of the simulation are simpler than nature.",
)

Show = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True, order=True)
class World:
    """One simulated world as a source of patches."""

    profile: str
    seed: int
    product: Literal["10m", "30m"] = "10m"


@dataclass(frozen=True, slots=True)
class Split:
    """The worlds of each part; no world stands in two of them."""

    training: tuple[World, ...]
    validation: tuple[World, ...]
    test: tuple[World, ...]


def make_split(
    combination: Literal["VV", "VV_VH"], training: int, validation: int, test: int
) -> Split:
    """The standard split: so many worlds of each event that has the combination in each part.

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
            if combination == "VV" or _has_vh(name)
        )

    return Split(
        worlds(learn, 1, training), worlds(learn, 101, validation), worlds(unseen, 201, test)
    )


def train_simulated(
    name: str,
    combination: Literal["VV", "VV_VH"],
    split: Split,
    folder: Path,
    cache: Path,
    *,
    ratio: float,
    choices: Choices,
    workers: int = 2,
    show: Show = lambda *_: None,
) -> ModelInfo:
    """Make the patches of simulated worlds, train on them and store the model.

    Parameters
    ----------
    split
        Which worlds; see :func:`make_split`.
    folder, cache
        Where the model goes; where patches are kept between runs.
    ratio
        Background patches per landslide patch in training.
    choices
        Of the network and its training; ``choices.seed`` also draws the background.
    workers
        Processes that simulate.

    Raises
    ------
    InputError
        A world stands in two parts.
    """
    parts = (split.training, split.validation, split.test)
    together = [world for part in parts for world in part]
    if len(set(together)) != len(together):
        raise InputError(
            "a simulated world stands in two of training, validation and test",
            hint="give seeds that do not overlap",
        )
    make_worlds(together, cache, workers, show)
    rng = np.random.default_rng(choices.seed)
    training, validation, test = (
        join([balance(_patches(w, combination, cache), limit, rng) for w in part])
        for part, limit in zip(parts, (ratio, TEST_RATIO, TEST_RATIO), strict=True)
    )
    training = hide_edges(training, EDGE_SHARE, make_recipe().max_nodata, rng)
    show("training", 0, 1)
    info = train_model(
        name, folder, training, validation, test, _statement(combination, split, ratio), choices
    )
    show("training", 1, 1)
    return info


def make_worlds(worlds: Sequence[World], cache: Path, workers: int, show: Show) -> None:
    """Put the patches of worlds into the cache, those that are not there yet, in processes."""
    missing = [world for world in worlds if not _held(world, cache).is_file()]
    done = len(worlds) - len(missing)
    show("simulated worlds", done, len(worlds))
    if not missing:
        return
    cache.mkdir(parents=True, exist_ok=True)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(workers, len(missing)), mp_context=context) as pool:
        for future in as_completed([pool.submit(make_world, world, cache) for world in missing]):
            future.result()
            done += 1
            show("simulated worlds", done, len(worlds))


def make_world(world: World, cache: Path) -> None:
    """Make a world's patches and put them into the cache, whole or not at all."""
    patches = rendered_patches(world.profile, world.seed, _recipe(world), product=world.product)
    held = _held(world, cache)
    part = held.with_suffix(".part.npz")
    np.savez(part, windows=patches.windows, labels=patches.labels, events=patches.events)
    part.replace(held)


def balance(patches: Patches, ratio: float, rng: np.random.Generator) -> Patches:
    """Draw background down to ``ratio`` per landslide patch; keeps the order.

    Where there are few landslides, at least 20 of the background stay.
    """
    slides = np.flatnonzero(patches.labels)
    rest = np.flatnonzero(~patches.labels)
    wanted = min(len(rest), max(20, round(ratio * len(slides))))
    return patches.take(np.sort(np.concatenate([slides, rng.choice(rest, wanted, replace=False)])))


def _has_vh(profile: str) -> bool:
    return "vh" in find_profile(profile).radar.polarisations


def _recipe(world: World) -> Recipe:
    """Worlds are made with all that they have; VV alone is cut from VV and VH."""
    return make_recipe(polarisations=("VV", "VH") if _has_vh(world.profile) else ("VV",))


def _held(world: World, cache: Path) -> Path:
    facts = json.dumps([asdict(world), _recipe(world).hash(), __version__], sort_keys=True)
    digest = hashlib.sha256(facts.encode()).hexdigest()[:12]
    return cache / f"{world.profile}-{world.seed}-{world.product}-{digest}.npz"


def _patches(world: World, combination: Literal["VV", "VV_VH"], cache: Path) -> Patches:
    with np.load(_held(world, cache), allow_pickle=False) as stored:
        patches = Patches(stored["windows"], stored["labels"], stored["events"])
    if combination == "VV_VH" or patches.windows.shape[-1] == 2:
        return patches
    return Patches(patches.windows[..., [0, 2]], patches.labels, patches.events)


def _statement(combination: str, split: Split, ratio: float) -> Statement:
    def seeds(worlds: tuple[World, ...]) -> dict[str, list[str]]:
        names = sorted({world.profile for world in worlds})
        return {n: [f"{w.seed} ({w.product})" for w in worlds if w.profile == n] for n in names}

    return Statement(
        description=f"The CNN of the paper on {combination}, trained on simulated events.",
        licence="Apache-2.0",
        limits=LIMITS,
        data={
            "kind": "simulated worlds of 20.5 km, both directions; seeds by event",
            "training": seeds(split.training),
            "validation": seeds(split.validation),
            "test": seeds(split.test),
            "training_ratio": ratio,
            "test_ratio": TEST_RATIO,
            "edge_share": EDGE_SHARE,
            "buffers": "60-12",
        },
    )
