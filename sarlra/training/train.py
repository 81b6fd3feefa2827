"""Training a network on simulated worlds, from seeds to a model with its card."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sarlra.models.architectures import TITLES
from sarlra.models.card import Combination, Domain
from sarlra.models.choices import Choices
from sarlra.models.domain import make_domain
from sarlra.models.info import BANDS, ModelInfo
from sarlra.models.training import Parts, Statement, train_model
from sarlra.recipe import make_recipe
from sarlra.samples.draw import TEST_RATIO
from sarlra.samples.hide import hide_edges
from sarlra.samples.patches import Patches, join
from sarlra.samples.rendered import Buffers
from sarlra.scenes.model import OrbitState
from sarlra.training.worlds import (
    Show,
    Split,
    Store,
    Wanted,
    World,
    load_patches,
    load_seen,
    make_worlds,
)

#: Share of the training patches that an edge of the data is put through.
EDGE_SHARE = 0.15

LIMITS = (
    "Trained and measured on simulated events only; its figures say nothing about a real one.",
    "Made for gamma0 (radiometrically terrain corrected), {0} days before and {1} after the event.",
    "Terrain, cover and radar of the simulation are simpler than nature.",
)


@dataclass(frozen=True, slots=True)
class Task:
    """What to train: bands, directions, buffers, background per landslide, and the choices."""

    combination: Combination
    orbit_states: tuple[OrbitState, ...]
    choices: Choices
    ratio: float = 5.0
    buffers: Buffers = (60, 12)

    def wanted(self, ratio: float) -> tuple[Wanted, ...]:
        """The patches, by direction."""
        return tuple(
            Wanted(self.combination, state, self.buffers, ratio) for state in self.orbit_states
        )


def train_simulated(
    name: str,
    task: Task,
    split: Split,
    folder: Path,
    cache: Path,
    *,
    workers: int = 2,
    show: Show = lambda *_: None,
) -> ModelInfo:
    """Make the patches of simulated worlds, train on them and store the model.

    A training that was interrupted goes on from its last whole epoch when it is started again.

    Parameters
    ----------
    task, split
        What; on which worlds, see :func:`sarlra.training.worlds.make_split`.
    folder, cache
        Where the model goes; where patches, figures of epochs and the state are kept between runs.
    workers
        Processes that simulate.

    Raises
    ------
    ModelError
        The name is taken, or the cache holds the state of another training of that name.
    """
    drawn, whole = (Store(cache, (task.buffers,), whole=w) for w in (False, True))
    make_worlds(split.training, drawn, workers, show)
    make_worlds(split.validation + split.test, whole, workers, show)
    parts = Parts(
        hidden(load(split.training, drawn, task, task.ratio), task.choices.seed),
        load(split.validation, whole, task, TEST_RATIO),
        load(split.test, whole, task, TEST_RATIO),
        load(split.validation, whole, task, np.inf),
    )
    bands = BANDS[task.combination]
    seen = [load_seen(split.training, drawn, w) for w in task.wanted(task.ratio)]
    n_pre, n_post, incidence = (np.concatenate(values) for values in zip(*seen, strict=True))
    domain = make_domain(
        parts.training.windows, bands, n_pre=n_pre, n_post=n_post, incidence=incidence
    )
    return train_model(
        name,
        folder,
        parts,
        _statement(task, split, domain),
        task.choices,
        state=cache / "training" / name,
        tell=lambda done, most, _: show("epochs", done, most),
    )


def load(worlds: tuple[World, ...], store: Store, task: Task, ratio: float) -> Patches:
    """The patches of a task's directions, one after the other."""
    return join([load_patches(worlds, store, wanted) for wanted in task.wanted(ratio)])


def hidden(patches: Patches, seed: int) -> Patches:
    """Training patches with an edge of the data through some of them, drawn by the seed."""
    rng = np.random.default_rng(seed)
    return hide_edges(patches, EDGE_SHARE, make_recipe().max_nodata, rng)


def _statement(task: Task, split: Split, domain: Domain) -> Statement:
    def seeds(worlds: tuple[World, ...]) -> dict[str, list[str]]:
        names = sorted({world.profile for world in worlds})
        return {n: [f"{w.seed} ({w.product})" for w in worlds if w.profile == n] for n in names}

    title = TITLES[task.choices.architecture]
    buffers = f"{task.buffers[0]}-{task.buffers[1]}"
    states = " and ".join(task.orbit_states)
    return Statement(
        description=f"{title} on {task.combination}, {states}, trained on simulated events.",
        licence="Apache-2.0",
        limits=tuple(limit.format(*task.buffers) for limit in LIMITS),
        data={
            "kind": "simulated worlds of 20.5 km",
            "training": seeds(split.training),
            "validation": seeds(split.validation),
            "test": seeds(split.test),
            "training_ratio": task.ratio,
            "test_ratio": TEST_RATIO,
            "edge_share": EDGE_SHARE,
            "buffers": buffers,
        },
        orbit_states=task.orbit_states,
        domain=domain,
    )
