"""One look at the archive for a watched event: its passes, and the jobs that became possible."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sarlra.catalog.sink import open_sink
from sarlra.events.rule import Rule
from sarlra.jobs.execute import inputs_href
from sarlra.jobs.job import Job, track_version
from sarlra.jobs.plan import Plan, Request, make_job, meets, settle, standing_of
from sarlra.jobs.tiles import plan_tiles
from sarlra.scenes.find import find_scenes
from sarlra.scenes.model import Scenes, Track
from sarlra.scenes.passes import ExpectedPass, expected_passes
from sarlra.scenes.polarisations import choose_polarisations
from sarlra.watch.buffers import Choice, choose_buffers
from sarlra.watch.watched import TrackState, Watched


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
