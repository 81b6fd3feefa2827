"""The watch as a Prefect flow on a schedule: it needs nobody.

    python flows/watch.py --out watch

looks once; the deployment in ``infra/prefect.yaml`` does so every quarter of an hour. What was made
and what is to come is shown as artifacts of the run; notices go to ``SARLRA_NOTIFY``. The flow
orders the work; the science is in the package.
"""

from __future__ import annotations

import os
from pathlib import Path

os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
os.environ.setdefault("DO_NOT_TRACK", "1")
os.environ.setdefault("DASK_LOGGING__DISTRIBUTED", "error")
os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "180")

import typer
from prefect import flow, get_run_logger, task
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE

from sarlra.catalog.sink import open_sink
from sarlra.cli import options
from sarlra.errors import JobsFailedError
from sarlra.events.rule import read_rule
from sarlra.jobs.ask import parse_time
from sarlra.jobs.job import Outcome
from sarlra.watch.notices import Notice, give_notices
from sarlra.watch.watch import Poll, Watch, make_watch, poll


@task(name="poll", cache_policy=NO_CACHE)
def look_once(asked: Watch, now: str | None) -> Poll:
    """Look at the feed and the archive, and make what became possible."""
    log = get_run_logger()

    def say(event: str, outcome: Outcome) -> None:
        log.info("%s: %s %s %s", event, outcome.status, outcome.item_id, outcome.reason or "")

    return poll(asked, None if now is None else parse_time(now), say)


@task(name="notices", cache_policy=NO_CACHE, retries=2, retry_delay_seconds=[10, 60])
def tell(out: str) -> list[Notice]:
    """Give notice of new versions."""
    return give_notices(open_sink(out))


@flow(name="watch", validate_parameters=False)
def watch(
    out: options.Out = "watch",
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
) -> dict[str, str]:
    """Look once; returns the states of the watched events by id.

    Parameters are those of ``sarlra watch``. Fails where something went wrong, after all else was
    done: the next look tries again.
    """
    asked = make_watch(
        out,
        source=source,
        feed=feed,
        rule=read_rule(None if rule is None else Path(rule)),
        pol=pol,
        model=model,
        dem=dem,
        resolution=resolution,
        tile_px=tile_px,
        cluster=cluster,
    )
    done = look_once(asked, now)
    for notice in tell(out):
        picture = open_sink(out).url_of(notice.picture)
        create_markdown_artifact(
            key=f"watch-{notice.event.lower().replace('_', '-')}",
            markdown=f"# {notice.title}\n\n{notice.body}\n\n![map]({picture})",
            description=notice.title,
        )
    create_table_artifact(
        key="watch-states",
        table=[
            {"event": w.event.id, "title": w.event.title, "state": w.state, "reason": w.reason}
            for w in done.watched
        ],
        description=f"{out}/catalog.json",
    )
    create_table_artifact(
        key="watch-passes",
        table=[
            {"event": w.event.id, "track": p.track, "satellite": p.platform,
             "about": f"{p.time:%Y-%m-%d %H:%M} UTC", "state": p.state}
            for w in done.watched if w.active for p in w.passes
        ],
        description="What will be seen when",
    )  # fmt: skip
    if done.trouble:
        raise JobsFailedError(
            f"{len(done.trouble)} of the watched events had trouble; {done.trouble[0][0]}: "
            f"{done.trouble[0][1]}",
            hint="the next look tries again",
        )
    return {w.event.id: w.state for w in done.watched}


if __name__ == "__main__":
    typer.run(watch)
