"""``sarlra demo``: the main job on a simulated world, from nothing to a catalogue."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sarlra.cli.console import out as console
from sarlra.cli.console import print_json, progress, stages
from sarlra.cli.options import AsJson

if TYPE_CHECKING:
    from sarlra.jobs.demo import Demo


def demo(
    out: Annotated[Path, typer.Option(help="Folder of the catalogue.")] = Path("demo-output"),
    world: Annotated[Path, typer.Option(help="Folder of the simulated world.")] = Path(
        "demo-world"
    ),
    seed: Annotated[int, typer.Option(min=0, help="Seed of the world.")] = 2024,
    cluster: Annotated[str, typer.Option(help="local, none, or an address.")] = "local",
    fresh: Annotated[bool, typer.Option("--fresh", help="Remove both folders first.")] = False,
    as_json: AsJson = False,
) -> None:
    """Simulate an earthquake, find its landslides, and score them against the simulated truth.

    Made of the same calls as `sarlra simulate` and `sarlra detect`. The world and the model are
    simulated: the figures say that the system works, not how well it does on a real earthquake.
    """
    from sarlra.jobs.demo import run_demo

    if fresh:
        for folder in (out, world):
            shutil.rmtree(folder, ignore_errors=True)
    with progress(quiet=as_json) as bars:
        found = run_demo(seed, world, str(out), cluster, stages(bars))
    if as_json:
        print_json(found.as_json())
    else:
        _show(found, out)


def _show(found: Demo, out: Path) -> None:
    from sarlra.cli.evaluate_show import show_evaluation

    console.print(found.title, style="bold")
    show_evaluation(found.evaluation, classes=False)
    console.print(
        "World and model are simulated: no measure of performance on a real earthquake.",
        style="dim",
    )
    console.print(f"catalogue  {out}/catalog.json")
    console.print(f"picture    {out}/{found.picture}")
    if found.skipped_jobs:
        console.print(
            f"{found.skipped_jobs} jobs stood already and were not run again; --fresh starts anew"
        )
