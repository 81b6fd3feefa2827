"""``sarlra detect``: from an event to detections in a catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from sarlra.cli import options
from sarlra.cli.console import err, out, print_json, progress
from sarlra.errors import JobsFailedError

if TYPE_CHECKING:
    from sarlra.jobs.execute import Run
    from sarlra.jobs.plan import Plan


EXAMPLES = """
**Examples**

A USGS event, from the Planetary Computer:

    sarlra detect us2000h8ty --out hokkaido

An event file, one direction, what would be done:

    sarlra detect event.geojson --orbit descending --out out --dry-run

No event, only a time and a place, from a file of items:

    sarlra detect --origin 2023-12-10T00:00:00Z --aoi -120.7,34,-120.1,34.9 --source s.json --out o
"""


def detect(
    event: options.Event = None,
    *,
    out_: options.Out,
    source: options.Source = "planetary-computer",
    origin: options.Origin = None,
    aoi: options.Aoi = None,
    orbit: options.Orbit = "both",
    buffers: options.Buffers = "60-12",
    pol: options.Pol = "auto",
    model: options.Model = None,
    threshold: options.Threshold = None,
    resolution: options.Resolution = 10.0,
    loader: options.Loader = "stackstac",
    dem: options.Dem = "auto",
    incidence: options.Incidence = None,
    heading: options.Heading = None,
    radiometry: options.Radiometry = "auto",
    visibility_buffer: options.VisibilityBuffer = 0.0,
    min_slope: options.MinSlope = 0.0,
    quality: options.Quality = True,
    cluster: options.Cluster = "local",
    dry_run: options.DryRun = False,
    as_json: options.AsJson = False,
) -> None:
    """Find landslides around an earthquake and write them as a STAC catalogue."""
    from sarlra.jobs.ask import make_request
    from sarlra.jobs.execute import prepare
    from sarlra.jobs.plan import search

    request = make_request(
        event,
        out=out_,
        source=source,
        origin=origin or (),
        aoi=aoi,
        orbit=orbit,
        buffers=buffers,
        pol=pol,
        model=model,
        threshold=threshold,
        resolution=resolution,
        loader=loader,
        dem=dem,
        incidence=incidence,
        heading=heading,
        radiometry=radiometry,
        visibility_buffer=visibility_buffer,
        min_slope=min_slope,
        quality=quality,
    )
    with progress(quiet=as_json) as bars:
        bars.add_task(f"searching {request.source.name}", total=None)
        made = prepare(request, search(request))
    if dry_run:
        show_plan(made, as_json=as_json)
        return
    run = run_plan(made, cluster, quiet=as_json)
    show_run(made, run, as_json=as_json)
    if run.counts["failed"]:
        raise typer.Exit(JobsFailedError.exit_code)


def run_plan(made: Plan, cluster: str, *, quiet: bool) -> Run:
    """Execute a plan with a progress bar."""
    from sarlra.jobs.execute import execute

    with progress(quiet=quiet) as bars:
        bar = bars.add_task("tiles x tracks", total=len(made.jobs))
        return execute(made, cluster, lambda _: bars.advance(bar))


def show_plan(made: Plan, *, as_json: bool) -> None:
    """Print what a run would do."""
    todo = {job.id for job in made.todo}
    tracks: list[dict[str, Any]] = [
        {
            "track": track.id,
            "pre": [acquisition.id for acquisition in track.pre],
            "post": [acquisition.id for acquisition in track.post],
            "jobs": sum(job.track.id == track.id for job in made.jobs),
            "new": sum(job.track.id == track.id and job.id in todo for job in made.jobs),
        }
        for track in made.scenes.tracks
    ]
    if as_json:
        print_json({"dry_run": True, "event": made.request.event.id, "tracks": tracks,
                    "skipped": made.scenes.skipped, "notes": made.scenes.notes})  # fmt: skip
        return
    from rich.table import Table

    table = Table("track", "pre", "post", "jobs", "new", title=made.request.event.title)
    for row in tracks:
        table.add_row(row["track"], "\n".join(row["pre"]), "\n".join(row["post"]),
                      str(row["jobs"]), str(row["new"]))  # fmt: skip
    out.print(table)
    show_notes(made)


def show_notes(made: Plan) -> None:
    """Say what was skipped and fallen back from, on standard error."""
    for note in made.scenes.notes:
        err.print(f"[yellow]note[/] {note}", highlight=False)
    for entry in made.scenes.skipped:
        if entry.code in ("no-pre", "no-post"):
            err.print(f"[yellow]skipped[/] {entry.subject}: {entry.reason}", highlight=False)


def show_run(made: Plan, run: Run, *, as_json: bool) -> None:
    """Print the outcomes of a run and where its catalogue is."""
    request = made.request
    if as_json:
        print_json(
            {"event": request.event.id, "out": request.sink, "counts": run.counts,
             "outcomes": run.outcomes, "detections": run.folded.detections,
             "notes": made.scenes.notes}
        )  # fmt: skip
        return
    from rich.table import Table

    table = Table("tile", "track", "status", "windows", "not scored", "detections",
                  title=request.event.title)  # fmt: skip
    for outcome in run.outcomes:
        table.add_row(outcome.tile, outcome.track, outcome.status, str(outcome.scored),
                      str(outcome.not_scored), str(outcome.detections))  # fmt: skip
    out.print(table)
    for note in dict.fromkeys(note for outcome in run.outcomes for note in outcome.notes):
        err.print(f"[yellow]note[/] {note}", highlight=False)
    for outcome in run.outcomes:
        if outcome.status == "failed":
            err.print(f"[red]failed[/] {outcome.item_id}: {outcome.reason}", highlight=False)
    done = ", ".join(f"{count} {name}" for name, count in run.counts.items() if count)
    out.print(f"{done}; {run.folded.detections} detections; catalogue: {request.sink}/catalog.json")
    show_notes(made)
