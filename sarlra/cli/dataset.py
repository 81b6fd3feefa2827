"""``sarlra dataset``: patches of study cases for training and testing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from sarlra.cli.console import err, print_json, progress, stages
from sarlra.cli.console import out as console

if TYPE_CHECKING:
    from sarlra.samples.store import Dataset

dataset = typer.Typer(
    help="Build and look at datasets of labelled patches.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]

EXAMPLES = """
**Examples**

Two simulated worlds, the composites of the paper's default:

    sarlra dataset build world-1 world-2 --out patches

A study case, once its inventory lies in the folder, in several buffers:

    sarlra dataset build hokkaido --inventories inventories --buffers 60-12 --buffers 24-24 --out p

Your own event:

    sarlra dataset build event.geojson --source items.json --inventory slides.gpkg --out patches
"""


@dataset.command(epilog=EXAMPLES)
def build(
    cases: Annotated[
        list[str],
        typer.Argument(help="Folders of simulated worlds, study cases, or one event."),
    ],
    out: Annotated[Path, typer.Option(help="Folder of the dataset.")],
    source: Annotated[
        str, typer.Option(help="Where scenes are searched, as for sarlra detect.")
    ] = "planetary-computer",
    inventory: Annotated[
        str | None, typer.Option(help="Polygons of the one case; FILE#LAYER.")
    ] = None,
    mapped: Annotated[str | None, typer.Option(help="What was looked at, of the one case.")] = None,
    unmapped: Annotated[
        str | None, typer.Option(help="What could not be seen, of the one case.")
    ] = None,
    aoi: Annotated[str | None, typer.Option(help="Area of the one case.")] = None,
    inventories: Annotated[
        Path | None, typer.Option(help="Folder of the inventories of study cases.")
    ] = None,
    pol: Annotated[
        Literal["VV", "VV_VH", "both"], typer.Option(help="Combinations of polarisations.")
    ] = "both",
    buffers: Annotated[
        list[str] | None,
        typer.Option(help="Days before and after, PRE-POST; again for more; paper for its ten."),
    ] = None,
    orbit: Annotated[
        Literal["ascending", "descending", "both"], typer.Option(help="Directions of flight.")
    ] = "both",
    dem: Annotated[
        str, typer.Option(help="Heights for layover and shadow, as for sarlra detect.")
    ] = "auto",
    unseen: Annotated[
        list[str] | None, typer.Option(help="A case to keep out of training; again for more.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Draws splits and background.")] = 0,
    loader: Annotated[
        Literal["stackstac", "odc"], typer.Option(help="What builds the stacks.")
    ] = "stackstac",
    quality: Annotated[
        bool,
        typer.Option(help="Hold each acquisition against its stack; as for sarlra detect."),
    ] = False,
    cluster: Annotated[
        str,
        typer.Option(
            help="local, none (this process), or a dask scheduler's address; its workers have to "
            "reach the folder."
        ),
    ] = "local",
    as_json: AsJson = False,
) -> None:
    """Cut labelled patches of earthquakes and part them into training, validation and test."""
    from sarlra.jobs.dataset import build_dataset
    from sarlra.jobs.dataset_ask import make_wish

    wish = make_wish(
        cases,
        source=source,
        inventory=inventory,
        mapped=mapped,
        unmapped=unmapped,
        aoi=aoi,
        inventories=inventories,
        pol=pol,
        buffers=buffers or ["60-12"],
        orbit=orbit,
        dem=dem,
        unseen=unseen or [],
        seed=seed,
        loader=loader,
        quality=quality,
    )
    with progress(quiet=as_json) as bars:
        made = build_dataset(wish, out, stages(bars), cluster)
    _print(made, None, as_json=as_json)


@dataset.command()
def show(
    folder: Annotated[Path, typer.Argument(help="Folder of a dataset.")],
    sheet: Annotated[
        Path | None, typer.Option(help="PNG of example patches; else sheet.png in the folder.")
    ] = None,
    layer: Annotated[
        str | None, typer.Option(help="Which patches are drawn, such as VV_VH/60-12.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print how many patches there are per case and class, and draw a sheet of examples.

    **Example**: sarlra dataset show patches
    """
    from sarlra.samples.store import open_dataset
    from sarlra.samples.summary import draw_sheet

    found = open_dataset(folder)
    picture = folder / "sheet.png" if sheet is None else sheet
    draw_sheet(found, found.layers[-1] if layer is None else layer, picture)
    _print(found, picture, as_json=as_json)


def _print(found: Dataset, sheet: Path | None, *, as_json: bool) -> None:
    from sarlra.samples.summary import counts

    rows = counts(found)
    facts: dict[str, Any] = {
        "dataset": found.folder,
        "patches": len(found),
        "layers": list(found.layers),
        "counts": rows,
        "notes": found.facts.get("notes", []),
    }
    if sheet is not None:
        facts["sheet"] = sheet
    if as_json:
        print_json(facts)
        return
    from rich.table import Table

    table = Table("case", "passes", "split", "landslide", "background", "blocked: landslide",
                  "background", title=f"{found.folder}: {', '.join(found.layers)}")  # fmt: skip
    for row in rows:
        table.add_row(row["case"], row["orbit_state"], row["split"], str(row["landslide"]),
                      str(row["background"]), str(row["landslide_blocked"]),
                      str(row["background_blocked"]))  # fmt: skip
    console.print(table)
    for note in facts["notes"]:
        err.print(f"[yellow]note[/] {note}", highlight=False)
    if sheet is not None:
        console.print(f"examples: {sheet}")
