"""Why there is a new version of a watched event, and in which state the event is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sarlra.events.rule import Rule
from sarlra.events.times import iso
from sarlra.watch.versions import Document
from sarlra.watch.watched import State, Watched


def deadline(watched: Watched, rule: Rule) -> datetime:
    """When the last post window has closed and settled."""
    return watched.event.last_origin + timedelta(days=rule.post_days + rule.settle_days)


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
            rejected = track.get("rejected", {})
            said += [
                f"{name}: {acquisition} is new, {words}"
                + (f"; {rejected[acquisition]}" if acquisition in rejected else "")
                for acquisition in more
            ]
            said += [f"{name}: {acquisition} was replaced" for acquisition in changed]
            said += [f"{name}: {acquisition} is used no more" for acquisition in gone]
        if track["buffers"] != was["buffers"]:
            said.append(f"{name}: buffers {track['buffers']} instead of {was['buffers']}")
    said += [f"{name}: has no images any more" for name in sorted(old)]
    return said or ["the event, its area, the model or the software changed"]


def state_now(watched: Watched, versions: Sequence[Document], rule: Rule, now: datetime) -> Watched:
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
        state, reason = "waiting", _why_waiting(watched, number)
    else:
        state = "first product" if len(made_after_last) == 1 else "updated"
        reason = "; ".join([f"version {number}", *_next_pass(watched)])
    if state == watched.state and reason == watched.reason:
        return watched
    since = watched.since if state == watched.state else now
    return replace(watched, state=state, reason=reason, since=since)


def _why_waiting(watched: Watched, number: int) -> str:
    """What an event waits for; ``number`` is the version that stands from before a restart."""
    said = []
    last = next((s for s in reversed(watched.shocks) if s.joined), None)
    if last is not None:
        said.append(
            f"restarted by the earthquake of {last.origin:%Y-%m-%d %H:%M} UTC "
            f"(M {last.magnitude:g})"
        )
    if number:
        said.append(f"version {number} stands from before")
    said += _next_pass(watched) or ["no image after the event yet, and no pass is expected"]
    return "; ".join(said)


def _next_pass(watched: Watched) -> list[str]:
    """In words; nothing where none is expected."""
    following = next((p for p in watched.passes if p.state == "expected"), None)
    if following is None:
        return []
    return [f"next pass: {following.track} about {following.time:%Y-%m-%d %H:%M} UTC"]
