"""The stages of a sweep, one after the other: settings, architectures, buffers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from sarlra.jobs.sweep import Sweep, best_settings, fold, missing, prepare, run_sweep
from sarlra.jobs.sweep_runs import STAGES, Grid, Run, Stage, buffers_runs, settings_runs
from sarlra.jobs.worlds import Show, Split
from sarlra.recipe import PAPER_BUFFERS
from sarlra.samples.rendered import Buffers

#: The buffers of the first two stages.
DEFAULT_BUFFERS: tuple[Buffers, ...] = ((60, 12),)


@dataclass(frozen=True, slots=True)
class StagePlan:
    """How many runs a stage has, and how many of them have no result."""

    runs: int
    missing: int


def stage_names(stage: Literal["settings", "architectures", "buffers", "all"]) -> tuple[Stage, ...]:
    """The stages that a choice stands for."""
    return STAGES if stage == "all" else (stage,)


def plan_stage(sweep: Sweep, grid: Grid, split: Split, stage: Stage) -> StagePlan:
    """What a stage would run."""
    runs = _runs(sweep, grid, split, stage)
    return StagePlan(len(runs), len(missing(sweep, runs)))


def run_stage(
    sweep: Sweep,
    grid: Grid,
    split: Split,
    stage: Stage,
    *,
    workers: int,
    cluster: str = "none",
    again: bool = False,
    show: Show = lambda *_: None,
) -> dict[str, int]:
    """Make the worlds, run what is missing, fold.

    Returns
    -------
    dict
        How many of the stage's runs are done and how many failed.

    Raises
    ------
    InputError
        Buffers are asked for before any setting was tried.
    """
    runs = _runs(sweep, grid, split, stage)
    buffers = PAPER_BUFFERS if stage == "buffers" else DEFAULT_BUFFERS
    prepare(sweep, [run.split for run in runs], buffers, workers, show)
    table = run_sweep(
        sweep, runs, buffers, workers=workers, cluster=cluster, again=again, show=show
    )
    status = table.set_index("run")["status"].reindex([run.id for run in runs])
    return {"done": int((status == "done").sum()), "failed": int((status == "failed").sum())}


def _runs(sweep: Sweep, grid: Grid, split: Split, stage: Stage) -> list[Run]:
    settings = settings_runs(grid, split, ("cnn",), "settings")
    if stage == "settings":
        return settings
    if stage == "architectures":
        both = replace(grid, combinations=("VV_VH",))
        return settings_runs(both, split, ("cbam", "resnet"), stage)
    return buffers_runs(best_settings(settings, fold(sweep)), split)
