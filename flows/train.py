"""A sweep of trainings as a Prefect flow; offline by itself.

    python flows/train.py --out sweep --stage settings

takes what ``sarlra sweep`` takes. The flow orders the work; the science is in the package.
"""

from __future__ import annotations

import os
from pathlib import Path

os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
os.environ.setdefault("DO_NOT_TRACK", "1")
os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "180")

import typer
from prefect import flow, task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE

from sarlra.cli import training_options as options
from sarlra.training.sweep_ask import make_grid, parse_worlds
from sarlra.training.sweep_folder import Sweep, adopt
from sarlra.training.sweep_runs import Stage
from sarlra.training.sweep_stages import Plan, run_stage, stage_names
from sarlra.training.worlds import make_split


@task(name="stage", cache_policy=NO_CACHE)
def run(
    sweep: Sweep, plan: Plan, stage: Stage, workers: int, cluster: str, again: bool
) -> dict[str, int]:
    """Run what is missing of a stage; started again, it goes on where it was."""
    return run_stage(sweep, plan, stage, workers=workers, cluster=cluster, again=again)


@flow(name="train", validate_parameters=False)
def train(
    out: str = "sweep",
    stage: options.Stages = "all",
    worlds: options.Worlds = "4,2,3",
    buffer_worlds: options.BufferWorlds = "3,1,3",
    rates: options.Rates = "1e-3,1e-4",
    epochs: options.Epochs = 60,
    schedule: options.Schedule = "cosine",
    turn: options.Turn = "turns",
    batch_size: options.BatchSize = 256,
    patience: options.Patience = 30,
    precision: options.Precision = "float32",
    backend: options.Backend = "tensorflow",
    workers: options.Workers = 2,
    cluster: options.Cluster = "none",
    cache: options.Cache = options.DEFAULT_CACHE,
    again: options.Again = False,
    known: options.Known = None,
) -> dict[str, dict[str, int]]:
    """Train the paper's settings; returns how many runs of each stage are done and failed.

    Parameters are those of ``sarlra sweep``.
    """
    grid = make_grid(
        rates=rates, schedule=schedule, turn=turn, batch_size=batch_size, epochs=epochs,
        patience=patience, precision=precision,
    )  # fmt: skip
    plan = Plan(grid, make_split(*parse_worlds(worlds)), make_split(*parse_worlds(buffer_worlds)))
    sweep = Sweep(Path(out), Path(cache), backend)
    if known is not None:
        adopt(sweep, Path(known))
    counts = {name: run(sweep, plan, name, workers, cluster, again) for name in stage_names(stage)}
    rows = [{"stage": name, **numbers} for name, numbers in counts.items()]
    create_table_artifact(key="sweep", table=rows, description=f"Runs in {out}")
    return {str(name): numbers for name, numbers in counts.items()}


if __name__ == "__main__":
    typer.run(train)
