"""``sarlra detect``: from an event to detections in a catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

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
    event: Annotated[
        str | None,
        typer.Argument(
            help="USGS event id, USGS event detail GeoJSON file, or name of a study case."
        ),
    ] = None,
    *,
    out_: Annotated[
        str, typer.Option("--out", help="Folder or URL (s3://...) of the catalogue to write.")
    ],
    source: Annotated[
        str,
        typer.Option(
            help="Name in catalogs/sources, URL of a STAC API, or path of an ItemCollection, "
            "static catalogue or stac-geoparquet file."
        ),
    ] = "planetary-computer",
    origin: Annotated[
        list[str] | None,
        typer.Option(
            help="Origin time, UTC, instead of EVENT; again for each shock of a sequence.",
        ),
    ] = None,
    aoi: Annotated[
        str | None,
        typer.Option(
            help="west,south,east,north in degrees (west > east crosses 180), or a vector file."
        ),
    ] = None,
    orbit: Annotated[
        Literal["ascending", "descending", "both"], typer.Option(help="Directions of flight.")
    ] = "both",
    buffers: Annotated[str, typer.Option(help="Days before and after, PRE-POST.")] = "60-12",
    pol: Annotated[
        Literal["auto", "VV", "VV_VH"],
        typer.Option(help="Polarisations; auto falls back to VV where VH is missing."),
    ] = "auto",
    model: Annotated[
        str | None, typer.Option(help="Name or file of a model; else the one that fits.")
    ] = None,
    threshold: Annotated[
        float | None, typer.Option(help="Score over which a window is kept; else the model's.")
    ] = None,
    resolution: Annotated[float, typer.Option(help="Pixel of the grid in metres.")] = 10.0,
    loader: Annotated[
        Literal["stackstac", "odc"], typer.Option(help="What builds the stacks.")
    ] = "stackstac",
    dem: Annotated[
        str,
        typer.Option(
            help="Heights for layover and shadow: a raster file, a source of cop-dem-glo-30, auto "
            "(the source's own, else the Planetary Computer's) or none."
        ),
    ] = "auto",
    incidence: Annotated[
        float | None,
        typer.Option(
            help="Degrees, instead of the scenes' annotation; with --heading and --orbit."
        ),
    ] = None,
    heading: Annotated[
        float | None, typer.Option(help="Degrees from north of the footprint; with --incidence.")
    ] = None,
    radiometry: Annotated[
        Literal["auto", "gamma0", "sigma0e"],
        typer.Option(
            help="Of the post bands: gamma0, or sigma0 on the ellipsoid; auto: as the model wants."
        ),
    ] = "auto",
    visibility_buffer: Annotated[
        float, typer.Option(help="Metres around layover and shadow that count as distorted.")
    ] = 0.0,
    min_slope: Annotated[
        float,
        typer.Option(help="Slope mask: degrees under which ground is level; 0 masks nothing."),
    ] = 0.0,
    quality: Annotated[
        bool,
        typer.Option(help="Hold each acquisition against its stack; correct it or leave it out."),
    ] = True,
    cluster: Annotated[
        str, typer.Option(help="local, none (this process), or a dask scheduler's address.")
    ] = "local",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Plan only; write nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
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
