"""A watched event brought up to what the archive has: jobs run, and a new version written."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sarlra.catalog.collection import fold
from sarlra.catalog.names import item_path
from sarlra.catalog.sink import Sink, open_sink
from sarlra.detection.suppress import suppress
from sarlra.errors import JobsFailedError
from sarlra.events.rule import Rule
from sarlra.events.times import iso
from sarlra.jobs.execute import execute
from sarlra.jobs.job import Outcome
from sarlra.jobs.plan import Plan, Request
from sarlra.watch.facts import track_facts
from sarlra.watch.look import look
from sarlra.watch.product import make_product
from sarlra.watch.reasons import state_now, why_new
from sarlra.watch.versions import Document, put_version, read_versions
from sarlra.watch.watched import TrackState, Watched, put_watched

Tell = Callable[[Outcome], None]


def advance(
    watched: Watched,
    request: Request,
    rule: Rule,
    now: datetime,
    cluster: str,
    tell: Tell = lambda _: None,
) -> tuple[Watched, Document | None]:
    """Bring an event up to what the archive has now.

    Returns
    -------
    The event as it now stands, and the new version where there is one. Both are written.

    Raises
    ------
    SarlraError
        The search failed, a model does not fit, or the catalogue cannot be written.
    """
    sink = open_sink(request.sink)
    seen = look(watched, request, rule, now)
    watched = replace(watched, tracks=seen.tracks, passes=seen.passes, trouble="")
    versions = read_versions(sink, watched)
    new: Document | None = None
    if seen.plan is not None:
        tiles, trouble = _run(seen.plan, sink, versions, cluster, tell)
        watched = replace(watched, trouble=trouble)
        tracks = [track_facts(choice, request.source.name, tiles) for choice in seen.choices]
        if tiles:
            watched = replace(watched, tracks=tuple(_used(t, tracks) for t in watched.tracks))
        last = versions[-1]["properties"]["sarlra:items"] if versions else None
        names = sorted(str(document["id"]) for document in tiles)
        if tiles and names != last:
            before = versions[-1]["properties"]["sarlra:tracks"] if versions else []
            facts = {
                "sarlra:tracks": tracks,
                "sarlra:why": why_new(before, tracks),
                "created": iso(now),
            }
            product = make_product(sink, tiles, request.terrain.dem)
            new = put_version(sink, watched, product, versions, facts, tiles)
            versions = [*versions, new]
    watched = state_now(watched, versions, rule, now)
    put_watched(sink, watched, versions)
    return watched, new


def _used(state: TrackState, tracks: Sequence[dict[str, Any]]) -> TrackState:
    """A track's state with the acquisitions that went into its product."""
    mine = next((t for t in tracks if t["track"] == state.track), None)
    return state if mine is None else replace(state, n_pre=mine["n_pre"], n_post=mine["n_post"])


def _run(
    plan: Plan, sink: Sink, versions: Sequence[Document], cluster: str, tell: Tell
) -> tuple[list[Document], str]:
    """Run what does not stand, and give the items that are current, and what went wrong.

    Where a job failed, the item of the version before stays.
    """
    try:
        run = execute(plan, cluster, tell)
        outcomes = run.outcomes
    except JobsFailedError as error:
        return [], error.message
    failed = [o for o in outcomes if o.status == "failed"]
    names = [o.item_id for o in outcomes if o.status != "failed"]
    if failed and versions:
        lost = {(o.tile, o.track) for o in failed}
        before = [_document(sink, name) for name in versions[-1]["properties"]["sarlra:items"]]
        kept = [
            d
            for d in before
            if (d["properties"]["sarlra:tile"], d["properties"]["sarlra:track"]) in lost
        ]
        names += [str(document["id"]) for document in kept]
        fold(sink, plan.request.event, item_ids=names, suppress=suppress)  # fmt: skip
    trouble = f"{len(failed)} of {len(outcomes)} jobs failed: {failed[0].reason}" if failed else ""
    return [_document(sink, name) for name in sorted(names)], trouble


def _document(sink: Sink, name: str) -> Document:
    document: Document = json.loads(sink.read_bytes(item_path(name)))
    return document
