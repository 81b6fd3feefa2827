"""What else `sarlra evaluate` can ask of a run: its outlines, and where it fails."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sarlra.cli.console import out as console
from sarlra.cli.console import print_json, progress
from sarlra.errors import InputError

if TYPE_CHECKING:
    import geopandas as gpd

    from sarlra.evaluation.outline_scores import OutlineScore
    from sarlra.evaluation.run import Evaluation
    from sarlra.serving.place import Place

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class OpenRun:
    """A run that was opened: its event's current items and merged detections."""

    place: Place
    event: str
    items: list[Document]
    detections: gpd.GeoDataFrame


def open_run(catalog: str, event: str | None) -> OpenRun:
    """The event of a catalogue, by name or the only one."""
    from sarlra.catalog.read import read_merged
    from sarlra.evaluation.choose import choose_event, current_items
    from sarlra.serving.place import open_place
    from sarlra.serving.results import read_results

    results = read_results(open_place(catalog))
    name = choose_event(results.events, event)
    documents = [e.document for e in results.items.values() if e.document["collection"] == name]
    items = current_items(results.collections[name].document, documents)
    return OpenRun(results.place, name, items, read_merged(results.place, name))


def check_wanted(
    analysis: bool, dem: Path | None, out: Path | None, land_cover: Path | None
) -> None:
    """Refuse what cannot be analysed before anything is read."""
    if analysis and dem is None:
        raise InputError("--analysis needs heights", hint="add --dem DEM")
    if analysis and out is None:
        raise InputError("--analysis writes a report", hint="add --out FOLDER")
    if land_cover is not None and not analysis:
        raise InputError("--land-cover is for --analysis", hint="add --analysis, or leave it out")
    if land_cover is not None and not land_cover.is_file():
        raise InputError(f"there is no land cover {land_cover}")


def outline_scores(run: OpenRun, evaluation: Evaluation, *, quiet: bool) -> dict[str, OutlineScore]:
    """Score the outlines of a run, by track; tracks without any are left out."""
    from sarlra.evaluation.outline_scores import score_outlines

    found = {}
    with progress(quiet=quiet) as bars:
        bar = bars.add_task("outlines", total=len(run.items))
        for track in evaluation.tracks:
            own = [i for i in run.items if i["properties"]["sarlra:track"] == track]
            score = score_outlines(
                run.place, own, evaluation.truth, lambda done: bars.advance(bar, done)
            )
            if score is not None:
                found[track] = score
    return found


def analyse_run(
    run: OpenRun, evaluation: Evaluation, outlines: dict[str, OutlineScore], dem: Path,
    land_cover: Path | None, out: Path, *, quiet: bool,
) -> dict[str, Any]:  # fmt: skip
    """Write the report; its findings."""
    from sarlra.evaluation.analysis import analyse
    from sarlra.evaluation.report import write_analysis
    from sarlra.serving.place import FolderPlace
    from sarlra.terrain.choice import DemSource

    with progress(quiet=quiet) as bars:
        bar = bars.add_task("ground", total=len(run.items))
        tracks = analyse(
            run.place, run.items, run.detections, evaluation, DemSource(file=dem), land_cover,
            trusted=isinstance(run.place, FolderPlace),
            progress=lambda done: bars.advance(bar, done),
        )  # fmt: skip
    return write_analysis(evaluation, tracks, outlines, out)


def pool(reports: list[Path], *, as_json: bool) -> None:
    """Ask the reports of several runs together, and print what is found."""
    from sarlra.evaluation.pooled import findings, pool_reports

    found = {state: findings(one) for state, one in pool_reports(reports).items()}
    if as_json:
        print_json({"directions": found})
        return
    from rich.table import Table

    for state, one in found.items():
        console.print(f"{state}: {len(one['runs'])} runs: {', '.join(one['runs'])}", style="bold")
        table = Table("area, m2", "landslides", "found", "recall", "95 %")
        for row in one["recall_by_size"]:
            table.add_row(
                row["class"], f"{row['landslides']:,}", f"{row['found']:,}",
                f"{row['recall']:.2f}", f"{row['low']:.2f} to {row['high']:.2f}",
            )  # fmt: skip
        console.print(table)
        for test in one["tests"]:
            console.print(test["line"], markup=False, highlight=False)


def show_more(
    outlines: dict[str, OutlineScore], findings: dict[str, Any], out: Path | None
) -> None:
    """Print what was found."""
    from sarlra.cli.evaluate_show import table_of_overlaps

    if outlines:
        rows = [
            row
            for track, score in outlines.items()
            for row in (
                (track, score.outlines),
                (f"|change of VV| over {score.threshold_db:g} dB", score.plain),
            )
        ]
        console.print(table_of_overlaps("outlines", rows))
    for track, found in findings.items():
        for test in found["tests"]:
            console.print(f"{track}: {test['line']}", markup=False, highlight=False)
    if findings and out is not None:
        console.print(f"report: {out / 'report.html'}")
