"""Which trainings a sweep consists of."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from sarlra import __version__
from sarlra.errors import InputError
from sarlra.models.architectures import Architecture
from sarlra.models.card import Combination
from sarlra.models.choices import Choices
from sarlra.recipe import PAPER_BUFFERS
from sarlra.samples.rendered import Buffers
from sarlra.scenes.model import OrbitState
from sarlra.training.sweep_folder import id_of
from sarlra.training.train import Task
from sarlra.training.worlds import Split

Stage = Literal["baseline", "settings", "architectures", "buffers"]
STAGES: tuple[Stage, ...] = ("baseline", "settings", "architectures", "buffers")

COMBINATIONS: tuple[Combination, ...] = ("VV", "VV_VH")
ORBIT_STATES: tuple[OrbitState, ...] = ("ascending", "descending")
#: Source of the grid: Nava et al. 2026, section 3.3 (24 runs).
FILTERS = (32, 64)
RATIOS = (4.0, 5.0, 6.0)
DROPOUTS = (0.5, 0.7)
RATES = (1e-3, 1e-4)
#: Seeds of the runs for buffers other than 60-12.
SEEDS = (1, 2, 3)


@dataclass(frozen=True, slots=True)
class Run:
    """One training of a sweep.

    Parameters
    ----------
    stage
        For which comparison it is made.
    task, split
        What is trained, on which worlds.
    """

    stage: Stage
    task: Task
    split: Split

    @property
    def id(self) -> str:
        """Of everything that its result depends on; the same run in two stages is one."""
        return id_of([asdict(self.task), asdict(self.split), __version__])

    @property
    def facts(self) -> dict[str, Any]:
        """The columns of the result table that say what was run."""
        task, choices = self.task, self.task.choices
        return {
            "run": self.id,
            "stage": self.stage,
            "combination": task.combination,
            "orbit_state": task.orbit_states[0],
            "buffers": f"{task.buffers[0]}-{task.buffers[1]}",
            "architecture": choices.architecture,
            "filters": choices.filters,
            "ratio": task.ratio,
            "dropout": choices.dropout,
            "learning_rate": choices.learning_rate,
            "seed": choices.seed,
        }


@dataclass(frozen=True, slots=True)
class Grid:
    """The settings that are tried, and what all of them have in common."""

    base: Choices
    rates: tuple[float, ...] = RATES
    combinations: tuple[Combination, ...] = COMBINATIONS
    orbit_states: tuple[OrbitState, ...] = ORBIT_STATES

    def settings(self) -> Iterable[tuple[Choices, float]]:
        """Choices and training ratio of each setting."""
        for filters, ratio, dropout, rate in itertools.product(
            FILTERS, RATIOS, DROPOUTS, self.rates
        ):
            chosen = replace(self.base, filters=filters, dropout=dropout, learning_rate=rate)
            yield chosen, ratio

    def cases(self) -> Iterable[tuple[Combination, OrbitState]]:
        """Combination and direction of each kind of model."""
        return itertools.product(self.combinations, self.orbit_states)


def settings_runs(
    grid: Grid, split: Split, architectures: Sequence[Architecture], stage: Stage
) -> list[Run]:
    """All settings for each combination and direction at 60-12; the paper's loss for each."""
    return [
        Run(stage, Task(combination, (state,), _with(choices, a), ratio), split)
        for combination, state in grid.cases()
        for a in architectures
        for choices, ratio in grid.settings()
    ]


def _with(choices: Choices, architecture: Architecture) -> Choices:
    return replace(
        choices,
        architecture=architecture,
        loss="binary" if architecture == "resnet" else choices.loss,
    )


def buffers_runs(
    best: dict[tuple[str, str], Task], split: Split, buffers: Sequence[Buffers] = PAPER_BUFFERS
) -> list[Run]:
    """Three seeds at the best setting of each combination and direction, for each buffer.

    Raises
    ------
    InputError
        There is no best setting yet.
    """
    if not best:
        raise InputError(
            "no setting was tried yet, so that none is the best",
            hint="run the stage 'settings' first, into the same folder",
        )
    return [
        Run("buffers", replace(task, choices=replace(task.choices, seed=seed), buffers=pair), split)
        for task in best.values()
        for pair in buffers
        for seed in SEEDS
    ]
