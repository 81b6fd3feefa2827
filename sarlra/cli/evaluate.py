"""``sarlra evaluate``: how good a run or a model is, against a truth."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sarlra.cli import evaluate_models as models
from sarlra.cli.console import print_json, progress
from sarlra.cli.options import AsJson
from sarlra.errors import InputError

if TYPE_CHECKING:
    from sarlra.cli.evaluate_more import OpenRun
    from sarlra.evaluation.run import Evaluation

EXAMPLES = """
**Examples**

A run against an inventory, with classes of slope:

    sarlra evaluate out --truth inventory.gpkg --dem dem.tif

Where it fails, as a report with figures:

    sarlra evaluate out --truth inventory.gpkg --dem dem.tif --analysis --out report

The same questions, of several runs together:

    sarlra evaluate --reports report-a --reports report-b

A model on scenes in which nothing happened:

    sarlra evaluate --real-series items.json --model sim-cnn32-vv-vh-ascending --out trade

One of several events of a catalogue on the web, as JSON:

    sarlra evaluate https://host/results --event us2000h8ty --truth inventory.gpkg --json
"""


def evaluate(
    catalog: Annotated[
        str | None, typer.Argument(help="Folder or URL of a catalogue that detect wrote.")
    ] = None,
    truth: Annotated[
        str | None, typer.Option(help="Landslide polygons, as for sarlra dataset; FILE#LAYER.")
    ] = None,
    mapped: Annotated[
        str | None, typer.Option(help="What was looked at; else the inventory's own layer.")
    ] = None,
    unmapped: Annotated[
        str | None, typer.Option(help="What could not be seen; else the inventory's own layer.")
    ] = None,
    event: Annotated[
        str | None,
        typer.Option(help="Which event of the catalogue; of --contributions, a simulated one."),
    ] = None,
    dem: Annotated[Path | None, typer.Option(help="Heights, for recall by slope.")] = None,
    outlines: Annotated[
        bool, typer.Option("--outlines", help="Score the outlines inside the detections, too.")
    ] = False,
    analysis: Annotated[
        bool,
        typer.Option("--analysis", help="Report on what is missed where; with --dem and --out."),
    ] = False,
    land_cover: Annotated[
        Path | None, typer.Option(help="Raster of classes, as ESA WorldCover's, for --analysis.")
    ] = None,
    reports: Annotated[
        list[Path] | None,
        typer.Option(help="Folder that --analysis wrote: asks several together; again for more."),
    ] = None,
    real_series: Annotated[
        Path | None,
        typer.Option(help="ItemCollection of scenes in which nothing happened; with --model."),
    ] = None,
    model: Annotated[
        list[str] | None, typer.Option(help="Name or file of a model; again for more.")
    ] = None,
    dates: Annotated[
        int | None, typer.Option(min=1, help="Composite dates of the series; else all good ones.")
    ] = None,
    post_days: Annotated[
        int, typer.Option(min=1, max=365, help="Of the composites of --real-series.")
    ] = 12,
    no_quality: Annotated[
        bool, typer.Option("--no-quality", help="Its acquisitions as they are, uncorrected.")
    ] = False,
    realism: Annotated[
        Path | None,
        typer.Option(help="ItemCollection of a real series to hold the simulation against."),
    ] = None,
    sensitivity: Annotated[
        bool,
        typer.Option("--sensitivity", help="To landslide share, snow and cover; with --model."),
    ] = False,
    contributions: Annotated[
        bool,
        typer.Option("--contributions", help="Do they lie in simulated landslides? with --model."),
    ] = False,
    buffers: Annotated[
        bool, typer.Option("--buffers", help="F1 on composites of other buffers; with --model.")
    ] = False,
    into_card: Annotated[
        bool,
        typer.Option("--into-card", help="Keep the figures of a model in its card, too."),
    ] = False,
    paper_tables: Annotated[
        Path | None,
        typer.Option(help="A sweep's table, to show beside the paper's A1 to A3 and 4; CSV too."),
    ] = None,
    worlds: Annotated[
        int, typer.Option(min=1, help="Simulated worlds: of each setting or event.")
    ] = 2,
    out: Annotated[
        Path | None, typer.Option(help="Folder for curves: PNG, with their numbers as CSV.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Score a run of `sarlra detect` against an inventory.

    Per track: precision, recall and F1 of windows that do not overlap (background drawn down to 10
    per landslide window, and as it is), the precision of the detections, and the recall of the
    landslides by size, slope and visibility. Where the inventory says what was mapped or hidden
    under cloud, only there.

    `--real-series` counts a model's false alarms where nothing happened, and the recall of
    simulated landslides put into the same scenes. `--realism` compares the simulation with a real
    series, cover by cover. `--sensitivity` scores simulated worlds in which one thing is changed,
    `--contributions` checks on simulated worlds what `sarlra explain` shows.
    """
    if reports:
        from sarlra.cli.evaluate_more import pool

        pool(reports, as_json=as_json)
        return
    if paper_tables is not None:
        models.compare_with_paper(paper_tables, out, as_json=as_json)
        return
    if sensitivity:
        models.score_sensitivity(model or [], worlds, as_json=as_json)
        return
    if contributions:
        from sarlra.cli.evaluate_sanity import check

        check(model or [], worlds, event, as_json=as_json)
        return
    if buffers:
        models.score_buffers(model or [], worlds, keep=into_card, as_json=as_json)
        return
    if realism is not None:
        models.compare_realism(realism, out, as_json=as_json)
        return
    if real_series is not None:
        models.score_series(
            real_series, model or [], dates, post_days, out, quality=not no_quality,
            keep=into_card, as_json=as_json,
        )  # fmt: skip
        return
    if catalog is None or truth is None:
        raise InputError(
            "nothing to evaluate", hint="give a catalogue and --truth; see sarlra evaluate --help"
        )
    from sarlra.cli.evaluate_more import analyse_run, check_wanted, outline_scores, show_more

    check_wanted(analysis, dem, out, land_cover)
    run, found = _score_run(catalog, truth, (mapped, unmapped), event, dem, quiet=as_json)
    shapes = outline_scores(run, found, quiet=as_json) if outlines or analysis else {}
    findings: dict[str, Any] = {}
    if analysis and dem is not None and out is not None:
        findings = analyse_run(run, found, shapes, dem, land_cover, out, quiet=as_json)
    if out is not None:
        from sarlra.evaluation.run_figures import draw_run

        draw_run(found, out)
    if as_json:
        more: dict[str, Any] = {}
        if outlines:
            more["outlines"] = {name: one.as_json() for name, one in shapes.items()}
        if findings and out is not None:
            more |= {"analysis": findings, "report": out / "report.html"}
        print_json({"catalog": catalog, **found.as_json(), **more})
        return
    from sarlra.cli.evaluate_show import show_evaluation

    show_evaluation(found)
    show_more(shapes, findings, out)


def _score_run(
    catalog: str,
    truth: str,
    zones: tuple[str | None, str | None],
    event: str | None,
    dem: Path | None,
    *,
    quiet: bool,
) -> tuple[OpenRun, Evaluation]:
    """Read the truth and the catalogue and compare them."""
    from sarlra.cli.evaluate_more import open_run
    from sarlra.evaluation.run import evaluate_run
    from sarlra.inventories.read import read_inventory
    from sarlra.terrain.choice import DemSource

    inventory = read_inventory(truth, mapped=zones[0], unmapped=zones[1])
    if dem is not None and not dem.is_file():
        raise InputError(f"there is no DEM file {dem}")
    run = open_run(catalog, event)
    heights = None if dem is None else DemSource(file=dem)
    with progress(quiet=quiet) as bars:
        bar = bars.add_task("items", total=len(run.items))
        found = evaluate_run(
            run.place, run.event, run.items, run.detections, inventory,
            dem=heights, progress=lambda done: bars.advance(bar, done),
        )  # fmt: skip
    return run, found
