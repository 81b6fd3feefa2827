"""``sarlra watch``: from new earthquakes to products that improve with every pass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from sarlra.cli import options
from sarlra.cli.console import err, out, print_json, progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sarlra.watch.watch import Poll
    from sarlra.watch.watched import Watched

EXAMPLES = """
**Examples**

Look once: new earthquakes are taken up, watched ones brought up to date:

    sarlra watch --out watch

What would be done, what stands where, and what will be seen when:

    sarlra watch --out watch --dry-run

    sarlra watch --out watch --status
"""


def watch(
    out_: options.Out,
    *,
    source: options.Source = "planetary-computer",
    feed: options.Feed = "fdsn",
    rule: options.Rule = None,
    pol: options.Pol = "auto",
    model: options.Model = None,
    dem: options.Dem = "auto",
    resolution: options.Resolution = 10.0,
    tile_px: options.Tile = 4096,
    cluster: options.Cluster = "local",
    now: options.Now = None,
    dry_run: options.DryRun = False,
    status: Annotated[bool, typer.Option("--status", help="Show what stands; ask nobody.")] = False,
    as_json: options.AsJson = False,
) -> None:
    """Look for new earthquakes and new passes once, and make what became possible.

    Run it on a schedule (flows/watch.py is the same for Prefect). Notices go to SARLRA_NOTIFY.
    """
    from sarlra.catalog.sink import open_sink
    from sarlra.events.rule import read_rule
    from sarlra.jobs.ask import parse_time
    from sarlra.watch.notices import give_notices
    from sarlra.watch.watch import make_watch, poll, preview
    from sarlra.watch.watched import list_watched

    if status:
        show(list_watched(open_sink(out_)), as_json=as_json)
        return
    asked = make_watch(
        out_,
        source=source,
        feed=feed,
        model=model,
        pol=pol,
        dem=dem,
        resolution=resolution,
        tile_px=tile_px,
        cluster=cluster,
        rule=read_rule(rule),
    )
    moment = None if now is None else parse_time(now)
    with progress(quiet=as_json) as bars:
        task = bars.add_task("looking at the feed and the archive", total=None)
        if dry_run:
            done = preview(asked, moment)
        else:
            done = poll(
                asked, moment,
                lambda event, o: bars.update(task, description=f"{event}: {o.item_id} {o.status}"),
            )  # fmt: skip
    if not dry_run:
        give_notices(open_sink(out_))
    show_poll(done, dry_run=dry_run, as_json=as_json)
    if done.trouble:
        raise typer.Exit(6)


def show_poll(done: Poll, *, dry_run: bool, as_json: bool) -> None:
    """What a poll did, or would do."""
    if as_json:
        print_json({
            "now": done.now,
            "watched": [facts(w) for w in done.watched],
            "new": [{"event": w.event.id, "version": v["properties"]["version"],
                     "numbers": v["properties"]["sarlra:numbers"],
                     "changes": v["properties"]["sarlra:changes"],
                     "why": v["properties"]["sarlra:why"]} for w, v in done.new],
            "todo": [{"event": w.event.id, "jobs": len(look.plan.jobs) if look.plan else 0,
                      "to_run": len(look.plan.todo) if look.plan else 0}
                     for w, look in done.looks],
            "passed": dict(done.passed),
            "trouble": dict(done.trouble),
        })  # fmt: skip
        return
    show(done.watched, as_json=False)
    for watched, look in done.looks:
        todo = len(look.plan.todo) if look.plan else 0
        out.print(f"{watched.event.id}: {todo} of {len(look.plan.jobs) if look.plan else 0} jobs "
                  "would run")  # fmt: skip
    for watched, version in done.new:
        said = version["properties"]
        found, why = said["sarlra:numbers"]["detections"], "; ".join(said["sarlra:why"])
        out.print(f"{watched.event.id}: version {said['version']}, {found} windows; {why}")
    if done.passed:
        out.print(f"{len(done.passed)} earthquakes are not watched (--json says why)")
    for name, reason in done.trouble:
        err.print(f"[yellow]{name}[/] {reason}", highlight=False, soft_wrap=True)
    if dry_run:
        out.print("dry run: nothing was written")


def show(watched: Sequence[Watched], *, as_json: bool) -> None:
    """The states of the events, and what will be seen when."""
    if as_json:
        print_json({"watched": [facts(w) for w in watched]})
        return
    from rich.table import Table

    states = Table(title="Watched events")
    for name in ("event", "title", "state", "reason", "tracks"):
        states.add_column(name)
    for one in watched:
        tracks = ", ".join(f"{t.track} {t.n_pre}/{t.n_post} {t.buffers or ''}" for t in one.tracks)
        states.add_row(one.event.id, one.event.title, one.state, one.reason, tracks)
    out.print(states)
    passes = Table(title="What will be seen when")
    for name in ("event", "track", "satellite", "about", ""):
        passes.add_column(name)
    for one in watched:
        for p in one.passes if one.active else ():
            passes.add_row(
                one.event.id, p.track, p.platform, f"{p.time:%Y-%m-%d %H:%M} UTC", p.state
            )
    if passes.row_count:
        out.print(passes)


def facts(watched: Watched) -> dict[str, Any]:
    """A watched event as JSON values."""
    from dataclasses import asdict

    return {
        "event": watched.event.id,
        "title": watched.event.title,
        "origins": list(watched.event.origins),
        "state": watched.state,
        "reason": watched.reason,
        "since": watched.since,
        "trouble": watched.trouble,
        "area_origin": watched.event.area_origin,
        "shocks": [asdict(s) for s in watched.shocks],
        "tracks": [asdict(t) for t in watched.tracks],
        "passes": [asdict(p) for p in watched.passes],
    }
