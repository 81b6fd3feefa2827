"""A dataset of patches as a Prefect flow; offline by itself.

    python flows/dataset.py world-1 world-2 --out patches

takes what ``sarlra dataset build`` takes. The flow orders the work; the science is in the package.
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

from sarlra.cli import options
from sarlra.errors import InputError
from sarlra.jobs.dataset import build_dataset
from sarlra.jobs.dataset_ask import make_wish
from sarlra.jobs.wish import Wish
from sarlra.samples.summary import counts, draw_sheet


@task(name="build", cache_policy=NO_CACHE, retries=2, retry_delay_seconds=[10, 60],
      retry_condition_fn=lambda _task, _run, state: not _is_final(state))  # fmt: skip
def build(wish: Wish, out: Path, cluster: str) -> list[dict[str, object]]:
    """Cut and write the patches; tried again, it goes on where it was."""
    made = build_dataset(wish, out, cluster=cluster)
    draw_sheet(made, made.layers[-1], out / "sheet.png")
    return counts(made)


@flow(name="dataset", validate_parameters=False)
def dataset(
    cases: options.Cases,
    out: str = "patches",
    source: options.Source = "planetary-computer",
    inventory: options.Inventory = None,
    mapped: options.Mapped = None,
    unmapped: options.Unmapped = None,
    aoi: options.Aoi = None,
    inventories: options.Inventories = None,
    pol: options.Combinations = "both",
    buffers: options.SeveralBuffers = None,
    orbit: options.Orbit = "both",
    dem: options.Dem = "auto",
    unseen: options.Unseen = None,
    seed: options.DrawSeed = 0,
    loader: options.Loader = "stackstac",
    quality: options.Quality = False,
    cluster: options.Cluster = "local",
) -> list[dict[str, object]]:
    """Build a dataset; returns the numbers of patches per case, direction and split.

    Parameters are those of ``sarlra dataset build``.
    """
    wish = make_wish(
        cases,
        source=source,
        inventory=inventory,
        mapped=mapped,
        unmapped=unmapped,
        aoi=aoi,
        inventories=None if inventories is None else Path(inventories),
        pol=pol,
        buffers=buffers or ["60-12"],
        orbit=orbit,
        dem=dem,
        unseen=unseen or [],
        seed=seed,
        loader=loader,
        quality=quality,
    )
    rows = build(wish, Path(out), cluster)
    create_table_artifact(key="dataset-counts", table=rows, description=f"Patches in {out}")
    return rows


def _is_final(state: object) -> bool:
    """Whether trying again cannot help: what the user gave is wrong."""
    return isinstance(getattr(state, "data", None), InputError)


if __name__ == "__main__":
    typer.run(dataset)
