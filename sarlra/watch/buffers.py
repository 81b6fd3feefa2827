"""Which buffers a track is composited with, for the acquisitions at hand.

A model was measured with windows that are full: as long as later passes have not come, a wide post
window holds what a narrower one holds, and only the narrowest of them is offered. Of buffers that
give the same acquisitions before and after, one is.

Where the card of the model has a measured F1 for each that is left (``metrics.by_buffer``), those
within one standard error of the highest are as good as it, as far as was measured, and of these the
change with the least noise is taken (Breiman et al. 1984, the rule of one standard error): else a
figure that is 0.001 higher by chance would leave later images unused. The noise is that with the
least 1/n_pre + 1/n_post, to which the variance of a difference of two means is proportional. Where
the card has no such figures, the least noise of all is taken. Equal ones: the narrower post window,
then the longer pre.
"""

from __future__ import annotations

import math
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
    known = [table[name] for pre, post, _ in found if (name := f"{pre}-{post}") in table]
    if len(known) < len(found):
        rule = f"least noise: the card of {model.name} has no figures by buffer"
        return Choice(*_quietest(found), None, rule)
    best = max(known, key=lambda one: one.f1)
    good = [f for f, k in zip(found, known, strict=True) if k.f1 >= best.f1 - best.error]
    pre, post, cut = _quietest(good)
    rule = f"highest F1 in the table of {model.name}"
    if len(good) > 1:
        rule = (
            f"least noise of those within {best.error:.3f} of the highest F1 ({best.f1:.3f}) "
            f"in the table of {model.name}"
        )
    return Choice(pre, post, cut, table[f"{pre}-{post}"].f1, rule)


def _quietest(found: Sequence[tuple[int, int, Track]]) -> tuple[int, int, Track]:
    return min(found, key=lambda one: round(1 / len(one[2].pre) + 1 / len(one[2].post), 9))


def within(track: Track, event: Event, pre_days: int, post_days: int) -> Track:
    """The track in narrower windows of time (:func:`sarlra.scenes.find.find_scenes`)."""
    opens = event.first_origin - timedelta(days=pre_days)
    closes = event.last_origin + timedelta(days=post_days)
    return replace(
        track,
        pre=tuple(a for a in track.pre if a.datetime >= opens),
        post=tuple(a for a in track.post if a.datetime <= closes),
    )


@dataclass(frozen=True, slots=True)
class Measured:
    """An F1 and its standard error; 0 where the card has no counts to tell it."""

    f1: float
    error: float = 0.0


def by_buffer(card: Mapping[str, Any]) -> dict[str, Measured]:
    """The measured F1 by buffers of a model's card; empty where it has none.

    A card has it as a number, or as counts and measures (see
    :class:`sarlra.models.metrics.Counts`).
    """
    metrics = card.get("metrics")
    table = metrics.get("by_buffer") if isinstance(metrics, dict) else None
    found: dict[str, Measured] = {}
    for name, value in table.items() if isinstance(table, dict) else ():
        counts = value if isinstance(value, dict) else {}
        figure = counts.get("f1") if counts else value
        if isinstance(figure, int | float) and figure is not True and 0 <= figure <= 1:
            found[str(name)] = Measured(float(figure), _error(counts))
    return found


def _error(counts: Mapping[str, Any]) -> float:
    """Standard error of F1: it is 2 J / (1 + J) of J = TP / (TP + FP + FN), a share of windows."""
    names = ("true_positives", "false_positives", "false_negatives")
    hits, *wrong = (counts.get(name, 0) for name in names)
    if not all(isinstance(n, int) and n >= 0 for n in (hits, *wrong)) or hits + sum(wrong) == 0:
        return 0.0
    of = hits + sum(wrong)
    share = hits / of
    return float(2 / (1 + share) ** 2 * math.sqrt(share * (1 - share) / of))
