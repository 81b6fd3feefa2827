"""A sweep of trainings as a Prefect flow; offline by itself.

    python flows/train.py --out sweep --stage settings

takes what ``sarlra sweep`` takes. The flow orders the work; the science is in the package.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
os.environ.setdefault("DO_NOT_TRACK", "1")
os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "180")

import typer
from prefect import flow, task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE

from sarlra.training.sweep_ask import make_grid, parse_worlds
from sarlra.training.sweep_folder import Sweep
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
    stage: Literal["baseline", "settings", "architectures", "buffers", "all"] = "all",
    worlds: str = "4,2,3",
    buffer_worlds: str = "3,1,3",
    rates: str = "1e-3,1e-4",
    epochs: int = 60,
    batch_size: int = 256,
    precision: Literal["float32", "bfloat16"] = "float32",
    backend: Literal["tensorflow", "jax", "torch"] = "tensorflow",
    workers: int = 2,
    cluster: str = "none",
    cache: str = "runs/patches",
    again: bool = False,
) -> dict[str, dict[str, int]]:
    """Train the paper's settings; returns how many runs of each stage are done and failed.

    Parameters are those of ``sarlra sweep``.
    """
    grid = make_grid(rates=rates, batch_size=batch_size, epochs=epochs, precision=precision)
    plan = Plan(grid, make_split(*parse_worlds(worlds)), make_split(*parse_worlds(buffer_worlds)))
    sweep = Sweep(Path(out), Path(cache), backend)
    counts = {name: run(sweep, plan, name, workers, cluster, again) for name in stage_names(stage)}
    rows = [{"stage": name, **numbers} for name, numbers in counts.items()]
    create_table_artifact(key="sweep", table=rows, description=f"Runs in {out}")
    return {str(name): numbers for name, numbers in counts.items()}


if __name__ == "__main__":
    typer.run(train)
