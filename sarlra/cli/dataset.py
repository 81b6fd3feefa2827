"""``sarlra dataset``: patches of study cases for training and testing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sarlra.cli import options
from sarlra.cli.console import err, print_json, progress, stages
from sarlra.cli.console import out as console
from sarlra.cli.options import AsJson

if TYPE_CHECKING:
    from sarlra.samples.store import Dataset

dataset = typer.Typer(
    help="Build and look at datasets of labelled patches.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)

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
    cases: options.Cases,
    out: Annotated[Path, typer.Option(help="Folder of the dataset.")],
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
