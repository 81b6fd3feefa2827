"""The commands of ``sarlra`` and what they share."""

from __future__ import annotations

from typing import Annotated

import typer

from sarlra import __version__
from sarlra.cli.catalog import catalog
from sarlra.cli.console import set_up_logging
from sarlra.cli.dataset import dataset
from sarlra.cli.demo import demo
from sarlra.cli.detect import EXAMPLES, detect
from sarlra.cli.evaluate import EXAMPLES as EVALUATE_EXAMPLES
from sarlra.cli.evaluate import evaluate
from sarlra.cli.explain import EXAMPLES as EXPLAIN_EXAMPLES
from sarlra.cli.explain import explain
from sarlra.cli.inventory import inventory
from sarlra.cli.models import models
from sarlra.cli.quality import quality
from sarlra.cli.reproduce import reproduce
from sarlra.cli.review import review
from sarlra.cli.scan import EXAMPLES as SCAN_EXAMPLES
from sarlra.cli.scan import scan
from sarlra.cli.score import score
from sarlra.cli.serve import serve
from sarlra.cli.simulate import simulate
from sarlra.cli.sweep import sweep
from sarlra.cli.terrain import terrain
from sarlra.cli.train import train
from sarlra.cli.triage import triage
from sarlra.cli.watch import EXAMPLES as WATCH_EXAMPLES
from sarlra.cli.watch import watch

app = typer.Typer(
    name="sarlra",
    help="Find the landslides that an earthquake set off, from Sentinel-1 radar.",
    epilog="Start with `sarlra demo`, or `sarlra detect --help` for a real event.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command(epilog=EXAMPLES)(detect)
app.command(epilog=SCAN_EXAMPLES)(scan)
app.command(epilog=WATCH_EXAMPLES)(watch)
app.command()(quality)
app.command()(score)
app.command(epilog=EXPLAIN_EXAMPLES)(explain)
app.add_typer(models, name="models")
app.add_typer(inventory, name="inventory")
app.add_typer(dataset, name="dataset")
app.command()(simulate)
app.command()(train)
app.command(epilog=EVALUATE_EXAMPLES)(evaluate)
app.command()(sweep)
app.command()(terrain)
app.command()(demo)
app.command()(serve)
app.command()(triage)
app.add_typer(review, name="review")
app.command()(reproduce)
app.add_typer(catalog, name="catalog")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"sarlra {__version__}")
        raise typer.Exit


@app.callback()
def common(
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Say more on stderr.")] = False,
    version: Annotated[  # noqa: ARG001  acted on by its callback
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Find the landslides that an earthquake set off, from Sentinel-1 radar."""
    set_up_logging(verbose)
