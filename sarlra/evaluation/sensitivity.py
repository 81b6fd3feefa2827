"""How a model's scores depend on how much of a window slid, on wet snow, and on bare ground.

Worlds of the default event, and the same worlds (relief, landslides, passes) with one thing
changed. Seeds are far from those of training, and no number here was set on a model's result.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sarlra.evaluation.intervals import bootstrap
from sarlra.evaluation.windows import Windows, joined
from sarlra.models.fill import fill_nodata
from sarlra.models.metrics import Counts
from sarlra.models.scoring import Scorer
from sarlra.recipe import Recipe, make_recipe
from sarlra.samples.labels import LANDSLIDE_SHARE
from sarlra.samples.rendered import rendered_world
from sarlra.samples.split import priorities
from sarlra.simulation.events_table import DEFAULT

#: Seeds of the worlds start here.
FIRST_SEED = 70_001
#: From which share of its pixels a window counts as landslide.
SHARES = (0.02, 0.05, 0.10)
#: Draws of the intervals.
_DRAWS = 400

_PLAIN = "as the default event"
#: What is changed -> setting -> the event (:data:`sarlra.simulation.events_table.CHANGED`).
EVENTS: dict[str, dict[str, str]] = {
    "wet snow on the upper half": {
        _PLAIN: DEFAULT.name,
        "in half of the acquisitions": "default-some-snow",
        "in every acquisition": "default-snow",
    },
    "vegetation of the slopes": {
        _PLAIN: DEFAULT.name,
        "40 % sparse": "default-part-sparse",
        "all sparse": "default-sparse",
    },
}


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table: what was changed and how, and the windows' counts and F1 there, with
    the background drawn down to 10 per landslide window.
    """

    changed: str
    setting: str
    counts: Counts
    f1_low: float
    f1_high: float
    # The interval is over windows: another world differs by more, so make several.

    @property
    def landslide(self) -> int:
        """Landslide windows."""
        return self.counts.true_positives + self.counts.false_negatives

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "changed": self.changed,
            "setting": self.setting,
            "landslide_windows": self.landslide,
            **self.counts.as_json(),
            "f1_interval": [round(self.f1_low, 4), round(self.f1_high, 4)],
        }


@dataclass(frozen=True, slots=True)
class _Scored:
    """All windows of an event's worlds: share of landslide pixels, score, and place in a draw."""

    share: NDArray[np.float64]
    score: NDArray[np.float32]
    drawn: NDArray[np.uint64]

    def windows(self, threshold: float, least: float) -> Windows:
        """Landslide from a share of ``least`` on; what has less, but some, is neither."""
        use = (self.share > least) | (self.share == 0)
        score = self.score[use]
        return Windows(score, score > threshold, self.share[use] > least, self.drawn[use])


def sensitivity(
    scorer: Scorer,
    threshold: float,
    worlds: int,
    *,
    size_px: int = 2048,
    show: Callable[[str, int, int], None] = lambda *_: None,
) -> tuple[Row, ...]:
    """Score the windows of changed worlds.

    Parameters
    ----------
    scorer, threshold
        The model, for the directions that its card names.
    worlds
        Of each setting: 1 takes half a minute of one core. There are five settings.
    size_px
        Edge of a world in pixels of 10 m.
    show
        Progress: stage, done, total.

    Returns
    -------
    The rows, in the order of ``SHARES`` and ``EVENTS``; the same for the same arguments.
    """
    info = scorer.info
    recipe = make_recipe(polarisations=tuple(info.combination.split("_")))
    events = {event for settings in EVENTS.values() for event in settings.values()}
    done = 0
    scored: dict[str, _Scored] = {}
    for event in sorted(events):
        parts = []
        for number in range(worlds):
            show("worlds", done, len(events) * worlds)
            parts.append(_world(event, FIRST_SEED + number, scorer, recipe, size_px))
            done += 1
        scored[event] = _join(parts)
    show("worlds", done, done)
    rows = [
        _row("share of a window that slid", f"over {share:.0%}",
             scored[DEFAULT.name].windows(threshold, share))
        for share in SHARES
    ]  # fmt: skip
    for changed, settings in EVENTS.items():
        for setting, event in settings.items():
            windows = scored[event].windows(threshold, LANDSLIDE_SHARE)
            rows.append(_row(changed, setting, windows))
    return tuple(rows)


def _world(event: str, seed: int, scorer: Scorer, recipe: Recipe, size_px: int) -> _Scored:
    buffers = (recipe.pre_days, recipe.post_days)
    parts = []
    for track in rendered_world(event, seed, recipe, [buffers], size_px=size_px):
        if track.orbit_state not in scorer.info.orbit_states:
            continue
        windows = fill_nodata(track.windows[buffers].copy(), recipe.bands)
        names = [f"{seed}/{track.orbit_state}/{index}" for index in range(len(windows))]
        drawn = priorities(0, "", "sensitivity", names)
        parts.append(_Scored(track.share, scorer.score(windows), drawn))
    return _join(parts)


def _join(parts: Sequence[_Scored]) -> _Scored:
    fields = [list(asdict(part).values()) for part in parts]
    return _Scored(*(np.concatenate(column) for column in zip(*fields, strict=True)))


def _row(changed: str, setting: str, windows: Windows) -> Row:
    thinned = joined([windows]).thinned()
    low, high = bootstrap(
        lambda rows: _f1(thinned.over[rows], thinned.landslide[rows]),
        np.arange(len(thinned)),
        draws=_DRAWS,
    )
    return Row(changed, setting, thinned.counts(), low, high)


def _f1(over: NDArray[np.bool_], landslide: NDArray[np.bool_]) -> float:
    total = int(over.sum()) + int(landslide.sum())
    return 2 * int((over & landslide).sum()) / total if total else float("nan")
