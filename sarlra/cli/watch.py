"""``sarlra watch``: from new earthquakes to products that improve with every pass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from sarlra.cli import options
from sarlra.cli.console import err, out, print_json, progress

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

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
        show_status(list_watched(open_sink(out_)), as_json=as_json)
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
    show_poll(done, out_, dry_run=dry_run, as_json=as_json)
    if done.trouble:
        raise typer.Exit(6)


def show_poll(done: Poll, catalogue: str, *, dry_run: bool, as_json: bool) -> None:
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
    show(done.watched)
    for watched, look in done.looks:
        jobs, todo = (len(look.plan.jobs), len(look.plan.todo)) if look.plan else (0, 0)
        _say(f"{watched.event.id}: {todo} of {jobs} jobs would run")
    for watched, version in done.new:
        _say_version(watched, version["properties"], catalogue)
    if done.passed:
        _say(f"{len(done.passed)} earthquakes are not watched (--json says why)")
    _say_trouble(done.trouble)
    if dry_run:
        _say("dry run: nothing was written")


def _say_version(watched: Watched, said: dict[str, Any], catalogue: str) -> None:
    """What a new version has, why it is there, and where its picture lies."""
    from sarlra.catalog.sink import open_sink
    from sarlra.watch.watched import version_path

    changes = ", ".join(f"{count} {name}" for name, count in said["sarlra:changes"].items())
    found = said["sarlra:numbers"]["detections"]
    _say(f"{watched.event.id}: version {said['version']}, {found} windows ({changes})")
    folder = version_path(watched, int(said["version"])).rpartition("/")[0]
    picture = open_sink(catalogue).url_of(f"{folder}/overview.png")
    for line in (*said["sarlra:why"], f"picture: {picture}"):
        _say(f"  {line}")


def _say(line: str) -> None:
    """Text from outside is no markup."""
    out.print(line, markup=False, highlight=False, soft_wrap=True)


def _say_trouble(trouble: Iterable[tuple[str, str]]) -> None:
    from rich.markup import escape

    for name, reason in trouble:
        err.print(f"[yellow]{escape(name)}[/] {escape(reason)}", highlight=False, soft_wrap=True)


def show_status(watched: Sequence[Watched], *, as_json: bool) -> None:
    """What stands, and what went wrong at the last look."""
    if as_json:
        print_json({"watched": [facts(w) for w in watched]})
        return
    show(watched)
    _say_trouble((w.event.id, w.trouble) for w in watched if w.trouble)


def show(watched: Sequence[Watched]) -> None:
    """The states of the events, and what will be seen when."""
    from rich.table import Table
    from rich.text import Text

    states = Table(title="Watched events")
    for name in ("event", "title", "state", "why", "images before + after, buffers"):
        states.add_column(name)
    for one in watched:
        tracks = "\n".join(
            f"{t.track} {t.n_pre} + {t.n_post}" + (f", {t.buffers}" if t.buffers else "")
            for t in one.tracks
        )
        row = (one.event.id, one.event.title, one.state, one.reason, tracks)
        states.add_row(*map(Text, row))
    out.print(states)
    passes = Table(title="What will be seen when")
    for name in ("event", "track", "satellite", "about", "state"):
        passes.add_column(name)
    for one in watched:
        for p in one.passes if one.active else ():
            about = f"{p.time:%Y-%m-%d %H:%M} UTC"
            passes.add_row(*map(Text, (one.event.id, p.track, p.platform, about, p.state)))
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
