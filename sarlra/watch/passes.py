"""One look at the archive for a watched event: jobs that became possible, and a new version."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sarlra.catalog.collection import fold
from sarlra.catalog.names import item_path
from sarlra.catalog.sink import Sink, open_sink
from sarlra.detection.suppress import suppress
from sarlra.errors import JobsFailedError
from sarlra.events.rule import Rule
from sarlra.events.times import iso
from sarlra.jobs.execute import execute, inputs_href
from sarlra.jobs.job import Job, Outcome, track_version
from sarlra.jobs.plan import Plan, Request, make_job, meets, settle, standing_of
from sarlra.jobs.tiles import plan_tiles
from sarlra.scenes.find import find_scenes
from sarlra.scenes.model import Scenes, Track
from sarlra.scenes.passes import ExpectedPass, expected_passes
from sarlra.scenes.polarisations import choose_polarisations
from sarlra.watch.buffers import Choice, choose_buffers
from sarlra.watch.product import make_product
from sarlra.watch.versions import Document, put_version, read_versions
from sarlra.watch.watched import State, TrackState, Watched, put_watched

Tell = Callable[[Outcome], None]


@dataclass(frozen=True, slots=True)
class Look:
    """What the archive has for an event now.

    ``choices`` are the tracks that can be composited; ``plan`` their jobs, None where there are
    none.
    """

    tracks: tuple[TrackState, ...]
    passes: tuple[ExpectedPass, ...]
    choices: tuple[Choice, ...]
    plan: Plan | None


def deadline(watched: Watched, rule: Rule) -> datetime:
    """When the last post window has closed and settled."""
    return watched.event.last_origin + timedelta(days=rule.post_days + rule.settle_days)


def look(watched: Watched, request: Request, rule: Rule, now: datetime) -> Look:
    """Search the archive, choose buffers and plan; writes nothing.

    Parameters
    ----------
    request
        For the event, with the widest windows.

    Raises
    ------
    SarlraError
        The search failed, or a model does not fit.
    """
    event = watched.event
    recipe = request.recipe.model_copy(update={"polarisations": ("VV",)})
    found = find_scenes(event, request.source, recipe, partial=True)
    after, until = event.last_origin, event.last_origin + timedelta(days=rule.post_days)
    passes = [p for track in found.tracks for p in expected_passes(track, after, until, now)]
    whole = replace(found, tracks=tuple(t for t in found.tracks if t.pre and t.post))
    chosen = choose_polarisations(whole, request.combination)
    choices: list[Choice] = []
    jobs: list[Job] = []
    href = inputs_href(request, chosen.scenes)
    for track, polarisations in zip(chosen.scenes.tracks, chosen.polarisations, strict=True):
        _, model = settle(track, polarisations, request)
        choice = choose_buffers(track, event, model)
        if choice is None:
            continue
        choices.append(choice)
        own = replace(
            request,
            recipe=request.recipe.model_copy(
                update={"pre_days": choice.pre_days, "post_days": choice.post_days}
            ),
        )
        jobs += _jobs(own, choice.track, polarisations, href)
    plan = None
    if jobs:
        plan = Plan(
            request, chosen.scenes, tuple(jobs), tuple(standing_of(jobs, open_sink(request.sink)))
        )
    return Look(_states(found, choices), tuple(sorted(passes, key=_order)), tuple(choices), plan)


def _order(one: ExpectedPass) -> tuple[datetime, str, str]:
    return one.time, one.track, one.platform


def _jobs(request: Request, track: Track, polarisations: Any, href: str) -> list[Job]:
    recipe, model = settle(track, polarisations, request)
    version = track_version(request.event, track, recipe, model, request.terrain)
    return [
        make_job(request, windows, track, (recipe, model), version, version, href)
        for windows in plan_tiles(request.event.area, recipe)
        if meets(windows, track)
    ]


def _states(found: Scenes, choices: Sequence[Choice]) -> tuple[TrackState, ...]:
    by_id = {choice.track.id: choice for choice in choices}
    result = []
    for track in found.tracks:
        choice = by_id.get(track.id)
        if choice is None:
            result.append(TrackState(track.id, len(track.pre), len(track.post)))
            continue
        used = choice.track
        result.append(
            TrackState(
                track.id, len(used.pre), len(used.post), choice.name, choice.expected, choice.rule
            )
        )
    return tuple(result)


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
        tracks = [_facts(choice, request) for choice in seen.choices]
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
    watched = _state_now(watched, versions, rule, now)
    put_watched(sink, watched, versions)
    return watched, new


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


def _facts(choice: Choice, request: Request) -> dict[str, Any]:
    """What a version says of a track; ``inputs`` tell replaced scenes from the ones before."""

    def digest(parts: Any) -> str:
        told = [[p.item_id, p.processed and iso(p.processed), sorted(p.assets)] for p in parts]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:12]

    track = choice.track
    return {
        "track": track.id,
        "buffers": choice.name,
        "expected_f1": choice.expected,
        "rule": choice.rule,
        "n_pre": len(track.pre),
        "n_post": len(track.post),
        "noise": "high: one image after the event" if len(track.post) == 1 else "as stated",
        "pre": {a.id: digest(a.slices) for a in track.pre},
        "post": {a.id: digest(a.slices) for a in track.post},
        "source": request.source.name,
    }


def why_new(before: Sequence[Mapping[str, Any]], now: Sequence[Mapping[str, Any]]) -> list[str]:
    """In words, what the tracks of a version have that those of the one before had not."""
    old = {track["track"]: track for track in before}
    said: list[str] = []
    for track in now:
        name, was = track["track"], old.pop(track["track"], None)
        if was is None:
            said.append(f"{name}: first images after the event")
            continue
        for side, words in (("post", "after the event"), ("pre", "before the event, late")):
            more = sorted(set(track[side]) - set(was[side]))
            gone = sorted(set(was[side]) - set(track[side]))
            changed = sorted(a for a in set(track[side]) & set(was[side])
                             if track[side][a] != was[side][a])  # fmt: skip
            said += [f"{name}: {acquisition} is new, {words}" for acquisition in more]
            said += [f"{name}: {acquisition} was replaced" for acquisition in changed]
            said += [f"{name}: {acquisition} is used no more" for acquisition in gone]
        if track["buffers"] != was["buffers"]:
            said.append(f"{name}: buffers {track['buffers']} instead of {was['buffers']}")
    said += [f"{name}: has no images any more" for name in sorted(old)]
    return said or ["the event, its area, the model or the software changed"]


def _state_now(
    watched: Watched, versions: Sequence[Document], rule: Rule, now: datetime
) -> Watched:
    """The state that follows from the versions and the clock."""
    state: State
    number = len(versions)
    made_after_last = [
        v
        for v in versions
        if v["properties"]["sarlra:origins"][-1] == iso(watched.event.last_origin)
    ]
    if now > deadline(watched, rule):
        if number:
            state, reason = "complete", f"{number} versions; the last window closed"
        else:
            state = "given up"
            reason = f"no image within {rule.post_days} days after the event"
    elif not made_after_last:
        state = "waiting"
        reason = watched.reason if watched.state == "waiting" else "no image after the event yet"
    elif len(made_after_last) == 1:
        state, reason = "first product", f"version {number}"
    else:
        state, reason = "updated", f"version {number}"
    if state == "waiting":
        following = next((p for p in watched.passes if p.state == "expected"), None)
        if following is not None and not watched.shocks:
            reason = f"next pass: {following.track} about {iso(following.time)}"
    if state == watched.state and reason == watched.reason:
        return watched
    since = watched.since if state == watched.state else now
    return replace(watched, state=state, reason=reason, since=since)
