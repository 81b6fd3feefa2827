"""``sarlra scan``: the same as ``detect`` over any area, on one machine or a thousand workers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from sarlra.cli.console import err, out, print_json, progress
from sarlra.errors import JobsFailedError

if TYPE_CHECKING:
    from sarlra.scan.finish import ScanRun
    from sarlra.scan.plan import ScanPlan

EXAMPLES = """
**Examples**

What a scan of a country would cost:

    sarlra scan --aoi country.gpkg --origin 2018-09-05T18:07:59Z --out s3://bucket/scan --dry-run

One pair of composites a month, on a dask cluster:

    sarlra scan --aoi 85,27,87,28.5 --period 2015-01-01/2016-01-01 --step 30 --out nepal
    --cluster tcp://scheduler:8786
"""


def scan(
    *,
    out_: Annotated[
        str, typer.Option("--out", help="Folder or URL (s3://...) of the catalogue to write.")
    ],
    aoi: Annotated[
        str | None,
        typer.Option(
            help="west,south,east,north in degrees, or a vector file of polygons; else the event's."
        ),
    ] = None,
    source: Annotated[
        str,
        typer.Option(
            help="Name in catalogs/sources, URL of a STAC API, or path of an ItemCollection, "
            "static catalogue or stac-geoparquet file."
        ),
    ] = "planetary-computer",
    origin: Annotated[
        list[str] | None, typer.Option(help="Time, UTC; again for each shock of a sequence.")
    ] = None,
    event: Annotated[
        str | None, typer.Option(help="USGS event id, event file or study case.")
    ] = None,
    period: Annotated[str | None, typer.Option(help="START/END, with --step.")] = None,
    step: Annotated[float | None, typer.Option(help="Days from one pair to the next.")] = None,
    tile: Annotated[int, typer.Option(help="Edge of a tile in pixels, a multiple of 256.")] = 4096,
    orbit: Annotated[
        Literal["ascending", "descending", "both"], typer.Option(help="Directions of flight.")
    ] = "both",
    buffers: Annotated[str, typer.Option(help="Days before and after, PRE-POST.")] = "60-12",
    pol: Annotated[
        Literal["auto", "VV", "VV_VH"],
        typer.Option(help="Polarisations; auto falls back to VV, by cells of 16384 pixels."),
    ] = "auto",
    model: Annotated[
        str | None, typer.Option(help="Name or file of a model; else the one that fits.")
    ] = None,
    threshold: Annotated[
        float | None, typer.Option(help="Score over which a window is kept; else the model's.")
    ] = None,
    resolution: Annotated[float, typer.Option(help="Pixel of the grid in metres.")] = 10.0,
    dem: Annotated[
        str, typer.Option(help="Heights for layover and shadow; as for detect.")
    ] = "auto",
    incidence: Annotated[
        float | None, typer.Option(help="Incidence angle in degrees, with --heading and --orbit.")
    ] = None,
    heading: Annotated[
        float | None, typer.Option(help="Heading of the satellite, degrees from north.")
    ] = None,
    skip_sea: Annotated[
        bool, typer.Option("--skip-sea", help="Leave out tiles that the DEM has as open sea.")
    ] = False,
    min_relief: Annotated[
        float, typer.Option(help="Leave out tiles with less relief than this, in metres.")
    ] = 0.0,
    radiometry: Annotated[
        Literal["auto", "gamma0", "sigma0e"],
        typer.Option(help="Of the post bands; as for detect."),
    ] = "auto",
    visibility_buffer: Annotated[
        float, typer.Option(help="Metres around layover and shadow that count as distorted.")
    ] = 0.0,
    min_slope: Annotated[
        float, typer.Option(help="Slope mask: degrees under which ground is level; 0: no mask.")
    ] = 0.0,
    quality: Annotated[
        bool,
        typer.Option(help="Hold each acquisition against its stack, by cells; as for detect."),
    ] = False,
    cluster: Annotated[
        str,
        typer.Option(
            help="local, none (this process), kubernetes, gateway, gateway:NAME, or a dask "
            "scheduler's address."
        ),
    ] = "local",
    fold: Annotated[
        bool, typer.Option("--fold", help="Run no job; only merge what stands, again.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Plan only; write nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Scan any area for landslides; run it again, and only what is missing runs."""
    from sarlra.cli.scan_view import scan_view
    from sarlra.scan.ask import scan_requests
    from sarlra.scan.finish import finish
    from sarlra.scan.ground import make_selection
    from sarlra.scan.plan import plan_scan
    from sarlra.scan.run import run_scan
    from sarlra.scenes.search import open_search

    requests = scan_requests(
        aoi=aoi,
        out=out_,
        source=source,
        origin=origin or (),
        event=event,
        period=period,
        step=step,
        tile=tile,
        orbit=orbit,
        buffers=buffers,
        pol=pol,
        model=model,
        threshold=threshold,
        resolution=resolution,
        dem=dem,
        incidence=incidence,
        heading=heading,
        radiometry=radiometry,
        visibility_buffer=visibility_buffer,
        min_slope=min_slope,
        quality=quality,
    )
    selection = make_selection(
        skip_sea=skip_sea, min_relief=min_relief, terrain=requests[0].terrain
    )
    with progress(quiet=as_json) as bars:
        bar = bars.add_task("planning cells", total=None)
        search = open_search(requests[0].source)
        plan = plan_scan(requests, search, lambda _: bars.advance(bar), selection)
    with plan:
        if dry_run:
            show_plan(plan, as_json=as_json)
            return
        with scan_view(plan.jobs, err, quiet=as_json) as view:
            run = (
                finish(plan, ())
                if fold
                else run_scan(plan, cluster, view.on_outcome, view.on_client)
            )
        show_run(plan, run, as_json=as_json)
        if run.counts["failed"] or run.counts["rejected"]:
            raise typer.Exit(JobsFailedError.exit_code)


def show_plan(plan: ScanPlan, *, as_json: bool) -> None:
    """Print what a run would do, by status, with its estimate."""
    states = {name: plan.counts[name] for name in ("new", "done", "stale", "waiting", "skipped")}
    estimate = {"bytes_in": plan.bytes_in, "core_hours": round(plan.core_seconds / 3600, 3)}
    if as_json:
        events = [request.event.id for request in plan.requests]
        print_json({"dry_run": True, "events": events, "jobs": states, "estimate": estimate})
        return
    listed = ", ".join(f"{count} {name}" for name, count in states.items())
    out.print(f"{listed}", highlight=False)
    out.print(
        f"to run: about {plan.bytes_in / 1e9:.3g} GB to read, "
        f"{plan.core_seconds / 3600:.3g} core hours",
        highlight=False,
    )


def show_run(plan: ScanPlan, run: ScanRun, *, as_json: bool) -> None:
    """Print the outcomes of a run, failures with their reasons, and where its catalogue is."""
    detections = sum(folded.detections for folded in run.folds)
    sink = plan.requests[0].sink
    if as_json:
        print_json(
            {"events": [r.event.id for r in plan.requests], "out": sink, "counts": run.counts,
             "failures": run.failures, "detections": detections,
             "rejected": [entry for folded in run.folds for entry in folded.rejected],
             "outcomes": run.outcomes}
        )  # fmt: skip
        return
    names = {"empty": "done and empty", "skipped": "stood already"}
    counts = ", ".join(f"{n} {names.get(name, name)}" for name, n in run.counts.items() if n)
    for outcome in run.outcomes:
        if outcome.status == "failed":
            err.print(f"[red]failed[/] {outcome.item_id}: {outcome.reason}", highlight=False)
    for folded in run.folds:
        for name, reason in folded.rejected:
            err.print(f"[red]rejected[/] {name}: {reason}", highlight=False)
    out.print(f"{counts}; {detections} detections; catalogue: {sink}/catalog.json")
