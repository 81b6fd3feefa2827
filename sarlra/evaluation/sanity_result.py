"""What a check of contributions found, in numbers and in sentences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sarlra.evaluation.intervals import Share
from sarlra.evaluation.outline_scores import Overlap

#: With fewer false alarms nothing is said of where they are.
_FEW = 10


@dataclass(frozen=True, slots=True)
class Pointing:
    """Whether maps point at the landslides of windows.

    ``auc``: median over the windows of the chance that a pixel inside has a higher value than one
    outside; ``hits``: windows whose highest place lies inside; ``chance``: mean share of the
    windows that slid, what a map of nothing would hit.
    """

    auc: float
    hits: Share
    chance: float


@dataclass(frozen=True, slots=True)
class Sanity:
    """What was found.

    Parameters
    ----------
    true, random
        Of the model, and of the same network with random weights.
    share_by_band
        Of the sum of absolute contributions of landslide windows.
    positive_inside
        Share of what raises the score that lies in landslides; beside ``chance``.
    additivity_median, additivity_largest
        How far contributions miss score minus base.
    seconds
        Of a window, median.
    false_alarms_on_beds, background_on_beds
        Windows that touch a river bed, of the false alarms and of all background windows.
    positive_on_beds, bed_share
        Of the background windows with the highest scores: share of what raises the score that lies
        on river beds, and their share of the pixels.
    outlines
        Against the landslides of the windows: by change alone, by change and contributions, and
        by a plain threshold (the best one).
    outline_gain
        What contributions add to the IoU of a window: mean, and its 95 % interval.
    """

    model: str
    event: str
    worlds: int
    background: str
    true: Pointing
    random: Pointing
    share_by_band: dict[str, float]
    positive_inside: float
    additivity_median: float
    additivity_largest: float
    seconds: float
    false_alarms_on_beds: Share
    background_on_beds: Share
    positive_on_beds: float
    bed_share: float
    outlines: dict[str, Overlap]
    outline_gain: tuple[float, float, float]

    @property
    def change_share(self) -> float:
        """The share of the change bands."""
        return sum(v for name, v in self.share_by_band.items() if name.startswith("diff_"))

    def findings(self) -> tuple[str, ...]:
        """What can be said, in sentences."""
        points = self.true.auc > 0.5 and self.true.hits.low is not None
        points = points and (self.true.hits.low or 0) > self.true.chance
        destroyed = (self.random.hits.low or 0) <= self.random.chance or self.random.auc < 0.55
        most = self.change_share > 0.5
        alarms = self.false_alarms_on_beds
        gathers = (alarms.low or 0) > (self.background_on_beds.high or 1)
        beds = (
            f"too few false alarms ({alarms.of}) to say whether they gather on river beds"
            if alarms.of < _FEW
            else f"false alarms {'gather' if gathers else 'do not gather'} on river beds"
        )
        gain = self.outline_gain
        return (
            f"contributions {'lie' if points else 'do not lie'} in the landslides: AUC "
            f"{self.true.auc:.2f}, highest place inside in {_of(self.true.hits)}, by chance "
            f"{self.true.chance:.0%}",
            f"random weights {'destroy' if destroyed else 'do not destroy'} that: AUC "
            f"{self.random.auc:.2f}, {_of(self.random.hits)}",
            f"the change bands carry {self.change_share:.0%} of all contributions: "
            f"{'most, as' if most else 'not most, other than'} the paper found",
            f"{beds}: {_of(alarms)} touch one, of the background {_of(self.background_on_beds)}; "
            f"of the background windows with the highest scores {_percent(self.positive_on_beds)} "
            f"of what raises the score lies on beds, which are {_percent(self.bed_share)} of their "
            f"pixels",
            f"contributions add {gain[0]:+.3f} [{gain[1]:+.3f}, {gain[2]:+.3f}] to the IoU of a "
            f"window's outlines",
        )

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "model": self.model,
            "event": self.event,
            "worlds": self.worlds,
            "background": self.background,
            "true_weights": _pointing(self.true),
            "random_weights": _pointing(self.random),
            "share_by_band": self.share_by_band,
            "change_share": self.change_share,
            "positive_inside": self.positive_inside,
            "additivity_error": {
                "median": self.additivity_median,
                "largest": self.additivity_largest,
            },
            "seconds_per_window": self.seconds,
            "river_beds": {
                "false_alarms": _share(self.false_alarms_on_beds),
                "background": _share(self.background_on_beds),
                "positive_share": self.positive_on_beds,
                "pixel_share": self.bed_share,
            },
            "outlines": {name: one.as_json() for name, one in self.outlines.items()},
            "outline_gain": list(self.outline_gain),
            "findings": list(self.findings()),
        }


def _of(share: Share) -> str:
    if share.share is None:
        return "none"
    return f"{share.share:.0%} [{share.low:.0%}, {share.high:.0%}] of {share.of}"


def _percent(value: float) -> str:
    return f"{value:.0%}" if np.isfinite(value) else "nothing"


def _share(share: Share) -> dict[str, Any]:
    interval = None if share.low is None else [share.low, share.high]
    return {"found": share.found, "of": share.of, "share": share.share, "interval": interval}


def _pointing(one: Pointing) -> dict[str, Any]:
    return {"auc": one.auc, "highest_inside": _share(one.hits), "chance": one.chance}
