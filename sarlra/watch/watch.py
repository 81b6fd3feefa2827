"""One poll of the watch: look at the feed, take events up, bring each up to the archive."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from sarlra.catalog.sink import Sink, open_sink
from sarlra.errors import SarlraError
from sarlra.events.feed import FDSN, read_feed
from sarlra.events.rule import Rule, read_rule
from sarlra.jobs.job import Outcome
from sarlra.jobs.plan import BOTH, Combination, Request
from sarlra.jobs.relief import choose_terrain
from sarlra.recipe import Recipe, make_recipe
from sarlra.scenes.sources import Source, open_source
from sarlra.terrain.choice import TerrainChoice
from sarlra.watch.advance import advance
from sarlra.watch.look import Look, look
from sarlra.watch.refused import put_refused, read_refused
from sarlra.watch.trigger import ALERT_MAGNITUDE, TakenUp, take_up
from sarlra.watch.versions import Document, link_versions, read_versions
from sarlra.watch.watched import Watched, list_watched, put_watched

log = logging.getLogger(__name__)

Tell = Callable[[str, Outcome], None]


@dataclass(frozen=True, slots=True)
class Watch:
    """What a watch works with: the same at every poll.

    ``feed`` is what :func:`sarlra.events.feed.read_feed` takes, ``out`` the catalogue.
    """

    out: str
    source: Source
    recipe: Recipe
    rule: Rule
    terrain: TerrainChoice
    feed: str = FDSN
    combination: Combination = "auto"
    model: str | None = None
    cluster: str = "local"

    def request(self, watched: Watched) -> Request:
        """The request for an event, with the widest windows."""
        return Request(
            event=watched.event,
            source=self.source,
            sink=self.out,
            recipe=self.recipe,
            combination=self.combination,
            model=self.model,
            terrain=self.terrain,
        )


@dataclass(frozen=True, slots=True)
class Poll:
    """What a poll did.

    ``new`` are versions that were made, with their events; ``passed`` earthquakes that are not
    watched, and ``trouble`` what went wrong, as (id, reason).
    """

    now: datetime
    watched: tuple[Watched, ...]
    new: tuple[tuple[Watched, Document], ...] = ()
    passed: tuple[tuple[str, str], ...] = ()
    trouble: tuple[tuple[str, str], ...] = ()
    looks: tuple[tuple[Watched, Look], ...] = field(default=())


def make_watch(
    out: str,
    *,
    source: str = "planetary-computer",
    feed: str = FDSN,
    model: str | None = None,
    pol: Combination = "auto",
    dem: str = "auto",
    resolution: float = 10.0,
    tile_px: int = 4096,
    cluster: str = "local",
    rule: Rule | None = None,
) -> Watch:
    """Check what was written; touches no output.

    Raises
    ------
    InputError
        One of its kinds, naming what cannot be used.
    """
    kept = rule or read_rule()
    opened = open_source(source)
    recipe = make_recipe(
        pre_days=kept.pre_days, post_days=kept.post_days, resolution=resolution, tile_px=tile_px,
        quality=True,
    )  # fmt: skip
    terrain = choose_terrain(dem, None, None, opened, BOTH)
    return Watch(out, opened, recipe, kept, terrain, feed, pol, model, cluster)


def poll(watch: Watch, now: datetime | None = None, tell: Tell = lambda _, __: None) -> Poll:
    """Look once; whatever happened before, the catalogue then says what is known now.

    One event's trouble stops neither the others nor the next poll: it is told, and tried again.

    Raises
    ------
    SarlraError
        The catalogue cannot be read.
    """
    moment = now or datetime.now(UTC)
    sink = open_sink(watch.out)
    seen, trouble = _trigger(watch, sink, moment)
    if not trouble:
        put_refused(sink, seen.refused, moment - timedelta(days=watch.rule.lookback_days))
    made: list[tuple[Watched, Document]] = []
    result: list[Watched] = []
    for event in seen.watched:
        put_watched(sink, event, _relinked(sink, event))
        if event.active:
            event, new, reason = _advanced(watch, sink, event, moment, tell)
            if new is not None:
                made.append((event, new))
            if reason:
                trouble.append((event.event.id, reason))
        result.append(event)
    return Poll(moment, tuple(result), tuple(made), seen.passed, tuple(trouble))


def preview(watch: Watch, now: datetime | None = None) -> Poll:
    """What a poll would do; writes nothing."""
    moment = now or datetime.now(UTC)
    seen, trouble = _trigger(watch, open_sink(watch.out), moment)
    looks = []
    for event in seen.watched:
        if not event.active:
            continue
        try:
            looks.append((event, look(event, watch.request(event), watch.rule, moment)))
        except SarlraError as error:
            trouble.append((event.event.id, str(error)))
    return Poll(moment, seen.watched, (), seen.passed, tuple(trouble), tuple(looks))


def _trigger(watch: Watch, sink: Sink, now: datetime) -> tuple[TakenUp, list[tuple[str, str]]]:
    known = list_watched(sink)
    since = now - timedelta(days=watch.rule.lookback_days)
    try:
        quakes = read_feed(watch.feed, since, now, min(ALERT_MAGNITUDE, watch.rule.min_magnitude))
    except SarlraError as error:
        log.warning("the feed cannot be read, known events are looked after: %s", error)
        return TakenUp(known, (), ()), [("feed", str(error))]
    return take_up(known, quakes, watch.rule, watch.terrain, now, read_refused(sink)), []


def _relinked(sink: Sink, event: Watched) -> list[Document]:
    """The versions that stand, their links mended where a poll was killed while writing them."""
    versions = read_versions(sink, event)
    link_versions(sink, event, versions)
    return versions


def _advanced(
    watch: Watch, sink: Sink, event: Watched, now: datetime, tell: Tell
) -> tuple[Watched, Document | None, str]:
    try:
        event, new = advance(
            event, watch.request(event), watch.rule, now, watch.cluster,
            lambda outcome: tell(event.event.id, outcome),
        )  # fmt: skip
        return event, new, event.trouble
    except SarlraError as error:
        log.warning("%s is tried again at the next poll: %s", event.event.id, error)
        event = replace(event, trouble=str(error))
        put_watched(sink, event, read_versions(sink, event))
        return event, None, str(error)
