"""``sarlra sweep``: the baseline, the paper's 24 settings, architectures and buffers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from sarlra.cli import training_options as options
from sarlra.cli.console import out as console
from sarlra.cli.console import print_json, progress, stages
from sarlra.cli.options import AsJson, DryRun


def sweep(
    out: Annotated[Path, typer.Option(help="Folder for runs/ and sweep.parquet.")],
    stage: options.Stages = "all",
    worlds: options.Worlds = "4,2,3",
    buffer_worlds: options.BufferWorlds = "3,1,3",
    rates: options.Rates = "1e-3,1e-4",
    schedule: options.Schedule = "cosine",
    turn: options.Turn = "turns",
    batch_size: options.BatchSize = 256,
    epochs: options.Epochs = 60,
    patience: options.Patience = 30,
    precision: options.Precision = "float32",
    backend: options.Backend = "tensorflow",
    workers: options.Workers = 2,
    cluster: options.Cluster = "none",
    cache: options.Cache = options.DEFAULT_CACHE,
    again: options.Again = False,
    known: options.Known = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Train the 24 settings for each combination and direction, and compare.

    Resumable: each run is made once. A run that fails is recorded, the others go on. Meant for a
    GPU (`--backend jax --precision bfloat16 --workers 10`).

    **Example**: sarlra sweep --out sweep --stage settings
    """
    from sarlra.training.sweep_ask import make_grid, parse_worlds
    from sarlra.training.sweep_folder import Sweep, adopt
    from sarlra.training.sweep_stages import Plan, plan_stage, run_stage, stage_names
    from sarlra.training.worlds import make_split

    grid = make_grid(
        rates=rates, schedule=schedule, turn=turn, batch_size=batch_size, epochs=epochs,
        patience=patience, precision=precision,
    )  # fmt: skip
    plan = Plan(grid, make_split(*parse_worlds(worlds)), make_split(*parse_worlds(buffer_worlds)))
    where = Sweep(out, cache, backend)
    if known is not None:
        adopt(where, known)
    if dry_run:
        plans = {name: plan_stage(where, plan, name) for name in stage_names(stage)}
        counts: dict[str, dict[str, int]] = {
            name: {"runs": p.runs, "missing": p.missing} for name, p in plans.items()
        }
        _say(counts, as_json)
        return
    counts = {}
    with progress(quiet=as_json) as bars:
        for name in stage_names(stage):
            counts[name] = run_stage(
                where, plan, name,
                workers=workers, cluster=cluster, again=again, show=stages(bars),
            )  # fmt: skip
    _say(counts, as_json)
    if any(c["failed"] for c in counts.values()):
        raise typer.Exit(1)


def _say(counts: Mapping[str, Mapping[str, int]], as_json: bool) -> None:
    if as_json:
        print_json(counts)
        return
    for name, numbers in counts.items():
        console.print(f"{name}: " + ", ".join(f"{n} {what}" for what, n in numbers.items()))
