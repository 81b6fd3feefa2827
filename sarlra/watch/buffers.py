"""Which buffers a track is composited with, for the acquisitions at hand.

A model was measured with windows that are full: as long as later passes have not come, a wide post
window holds what a narrower one holds, and only the narrowest of them is offered. Of buffers that
give the same acquisitions before and after, one is. Where the card of the model has a measured F1
for each that is left (``metrics.by_buffer``, such as ``{"60-12": 0.79}``), the highest wins. Where
it has not, the change with the least noise wins: that with the least 1/n_pre + 1/n_post, to which
the variance of a difference of two means is proportional. Equal ones: the narrower post window,
then the longer pre.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from sarlra.events.event import Event
from sarlra.models.info import ModelInfo
from sarlra.recipe import WATCH_BUFFERS
from sarlra.scenes.model import Track


@dataclass(frozen=True, slots=True)
class Choice:
    """The buffers chosen, the track cut to them, and why.

    ``expected`` is the F1 of the model's table, None where the fallback chose; ``rule`` says which.
    """

    pre_days: int
    post_days: int
    track: Track
    expected: float | None
    rule: str

    @property
    def name(self) -> str:
        """Such as ``60-12``."""
        return f"{self.pre_days}-{self.post_days}"


def choose_buffers(
    track: Track,
    event: Event,
    model: ModelInfo,
    offered: Sequence[tuple[int, int]] = WATCH_BUFFERS,
) -> Choice | None:
    """Choose buffers for a track; None where none of them has acquisitions on both sides.

    Parameters
    ----------
    track
        With all acquisitions of the widest buffers.
    """
    narrowest: dict[tuple[str, ...], int] = {}
    sets: dict[tuple[str, ...], tuple[int, int, Track]] = {}
    for pre, post in sorted(offered, key=lambda b: (b[1], -b[0])):
        cut = within(track, event, pre, post)
        after = tuple(a.id for a in cut.post)
        full = narrowest.setdefault(after, post) == post
        if full and cut.pre and cut.post:
            sets.setdefault(tuple(a.id for a in (*cut.pre, *cut.post)), (pre, post, cut))
    if not sets:
        return None
    found = list(sets.values())
    table = by_buffer(model.card)
    scores = [table.get(f"{pre}-{post}") for pre, post, _ in found]
    known = [score for score in scores if score is not None]
    if len(known) == len(found):
        best = max(range(len(found)), key=lambda i: (known[i], -i))
        return Choice(*found[best], known[best], f"highest F1 in the table of {model.name}")
    quiet = min(range(len(found)), key=lambda i: (round(_noise(found[i][2]), 9), i))
    return Choice(
        *found[quiet], None, f"least noise: the card of {model.name} has no figures by buffer"
    )


def within(track: Track, event: Event, pre_days: int, post_days: int) -> Track:
    """The track in narrower windows of time (:func:`sarlra.scenes.find.find_scenes`)."""
    opens = event.first_origin - timedelta(days=pre_days)
    closes = event.last_origin + timedelta(days=post_days)
    return replace(
        track,
        pre=tuple(a for a in track.pre if a.datetime >= opens),
        post=tuple(a for a in track.post if a.datetime <= closes),
    )


def by_buffer(card: Mapping[str, Any]) -> dict[str, float]:
    """The measured F1 by buffers of a model's card; empty where it has none."""
    metrics = card.get("metrics")
    table = metrics.get("by_buffer") if isinstance(metrics, dict) else None
    found: dict[str, float] = {}
    for name, value in table.items() if isinstance(table, dict) else ():
        figure = value.get("f1") if isinstance(value, dict) else value
        if isinstance(figure, int | float) and figure is not True and 0 <= figure <= 1:
            found[str(name)] = float(figure)
    return found


def _noise(track: Track) -> float:
    return 1 / len(track.pre) + 1 / len(track.post)
