"""``sarlra demo``: the main job on a simulated world, from nothing to a catalogue."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sarlra.cli.console import out as console
from sarlra.cli.console import print_json, progress, stages

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
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
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
        print_json(found)
    else:
        _show(found, out)


def _show(found: Demo, out: Path) -> None:
    from rich.table import Table

    table = Table("", *(row.track for row in found.rows), title=found.title)
    facts = {
        "acquisitions before": [str(row.pre) for row in found.rows],
        "acquisitions after": [str(row.post) for row in found.rows],
        "windows scored": [str(row.windows) for row in found.rows],
        "detections": [str(row.objects.detections) for row in found.rows],
        "precision, windows": [_ratio(row.patch.precision) for row in found.rows],
        "recall, windows": [_ratio(row.patch.recall) for row in found.rows],
        "detections that touch a landslide": [_ratio(row.objects.precision) for row in found.rows],
        "landslides touched by one": [_ratio(row.objects.recall) for row in found.rows],
        "of those of 1 ha or more": [_ratio(row.objects.recall_large) for row in found.rows],
    }
    for name, values in facts.items():
        table.add_row(name, *values)
    console.print(table)
    console.print(
        "Precision and recall count windows that do not overlap; a window is landslide where over "
        "5 % of its pixels are.\nWorld and model are simulated: no measure of performance on a "
        "real earthquake.",
        style="dim",
    )
    console.print(f"catalogue  {out}/catalog.json")
    console.print(f"picture    {out}/{found.picture}")
    if found.skipped_jobs:
        console.print(
            f"{found.skipped_jobs} jobs stood already and were not run again; --fresh starts anew"
        )


def _ratio(value: float) -> str:
    return f"{value:.2f}"
