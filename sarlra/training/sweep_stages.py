"""The stages of a sweep, one after the other: baseline, settings, architectures, buffers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from sarlra.recipe import PAPER_BUFFERS
from sarlra.samples.rendered import Buffers
from sarlra.training.sweep import best_settings, prepare, run_sweep
from sarlra.training.sweep_baseline import baseline_runs, run_baselines
from sarlra.training.sweep_folder import Sweep, fold, missing
from sarlra.training.sweep_runs import STAGES, Grid, Run, Stage, buffers_runs, settings_runs
from sarlra.training.worlds import Show, Split

#: The buffers of all stages but the last.
DEFAULT_BUFFERS: tuple[Buffers, ...] = ((60, 12),)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a sweep compares, and on which worlds.

    ``buffers_split`` is for the stage of buffers, whose worlds hold a year of acquisitions and take
    several times as long to make; its runs are compared among themselves.
    """

    grid: Grid
    split: Split
    buffers_split: Split


@dataclass(frozen=True, slots=True)
class StagePlan:
    """How many runs a stage has, and how many of them have no result."""

    runs: int
    missing: int


def stage_names(stage: Stage | Literal["all"]) -> tuple[Stage, ...]:
    """The stages that a choice stands for."""
    return STAGES if stage == "all" else (stage,)


def plan_stage(sweep: Sweep, plan: Plan, stage: Stage) -> StagePlan:
    """What a stage would run."""
    if stage == "baseline":
        baselines = baseline_runs(plan.split)
        return StagePlan(len(baselines), len(missing(sweep, baselines)))
    runs = _runs(sweep, plan, stage)
    return StagePlan(len(runs), len(missing(sweep, runs)))


def run_stage(
    sweep: Sweep,
    plan: Plan,
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
    if stage == "baseline":
        prepare(sweep, [plan.split], DEFAULT_BUFFERS, workers, show)
        baselines = baseline_runs(plan.split)
        run_baselines(sweep, baselines, DEFAULT_BUFFERS, workers=workers, show=show)
        fold(sweep)
        return {"done": len(baselines), "failed": 0}
    runs = _runs(sweep, plan, stage)
    buffers = PAPER_BUFFERS if stage == "buffers" else DEFAULT_BUFFERS
    prepare(sweep, [run.split for run in runs], buffers, workers, show)
    table = run_sweep(
        sweep, runs, buffers, workers=workers, cluster=cluster, again=again, show=show
    )
    status = table.set_index("run")["status"].reindex([run.id for run in runs])
    return {"done": int((status == "done").sum()), "failed": int((status == "failed").sum())}


def _runs(sweep: Sweep, plan: Plan, stage: Stage) -> list[Run]:
    settings = settings_runs(plan.grid, plan.split, ("cnn",), "settings")
    if stage == "settings":
        return settings
    if stage == "architectures":
        both = replace(plan.grid, combinations=("VV_VH",))
        return settings_runs(both, plan.split, ("cbam", "resnet"), stage)
    return buffers_runs(best_settings(settings, fold(sweep)), plan.buffers_split)
