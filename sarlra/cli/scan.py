"""``sarlra scan``: the same as ``detect`` over any area, on one machine or a thousand workers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from sarlra.cli import options
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
    out_: options.Out,
    aoi: options.Aoi = None,
    source: options.Source = "planetary-computer",
    origin: options.Origin = None,
    event: options.ScanEvent = None,
    period: options.Period = None,
    step: options.Step = None,
    tile: options.Tile = 4096,
    orbit: options.Orbit = "both",
    buffers: options.Buffers = "60-12",
    pol: options.Pol = "auto",
    model: options.Model = None,
    threshold: options.Threshold = None,
    resolution: options.Resolution = 10.0,
    dem: options.Dem = "auto",
    incidence: options.Incidence = None,
    heading: options.Heading = None,
    skip_sea: options.SkipSea = False,
    min_relief: options.MinRelief = 0.0,
    radiometry: options.Radiometry = "auto",
    visibility_buffer: options.VisibilityBuffer = 0.0,
    min_slope: options.MinSlope = 0.0,
    quality: options.Quality = False,
    cluster: options.Cluster = "local",
    fold: options.Fold = False,
    dry_run: options.DryRun = False,
    as_json: options.AsJson = False,
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
