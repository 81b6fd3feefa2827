"""What a check of contributions found, in numbers and in sentences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

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
class BedShare:
    """River beds in some windows: ``positive``, the share of what raises their scores that lies on
    beds, ``pixels``, the beds' share of their pixels (means over ``windows``), and ``more``, the
    mean difference of the two with the 95 % interval of a bootstrap over windows.
    """

    windows: int
    positive: float
    pixels: float
    more: tuple[float, float, float]

    def line(self) -> str:
        """In words."""
        if not self.windows:
            return "there are none"
        attracts = self.more[1] > 0
        return (
            f"{self.positive:.1%} of what raises the score lies on beds, which are "
            f"{self.pixels:.1%} of their pixels: {self.more[0]:+.1%} [{self.more[1]:+.1%}, "
            f"{self.more[2]:+.1%}] over {self.windows} windows, "
            f"{'more than their share' if attracts else 'not clear of their share'}"
        )

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        if not self.windows:
            return {"windows": 0}
        return {"windows": self.windows, "positive_share": self.positive,
                "pixel_share": self.pixels, "more": list(self.more)}  # fmt: skip


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
    highest_on_beds
        Windows that touch a river bed, of the 5 % of the background with the highest scores: false
        alarms and what comes near them.
    beds, touching
        Where what raises the score lies in the background windows with the highest scores, and in
        those of them that touch a river bed.
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
    highest_on_beds: Share
    beds: BedShare
    touching: BedShare
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
            f"{beds}: {_of(alarms)} touch one, of the background {_of(self.background_on_beds)}",
            f"the background windows with the highest scores {self._gathering()} on river beds: "
            f"{_of(self.highest_on_beds)} touch one",
            f"in the background windows with the highest scores {self.beds.line()}",
            f"in those with the highest scores that touch a bed {self.touching.line()}",
            f"contributions add {gain[0]:+.3f} [{gain[1]:+.3f}, {gain[2]:+.3f}] to the IoU of a "
            f"window's outlines",
        )

    def _gathering(self) -> str:
        near, all_ = self.highest_on_beds, self.background_on_beds
        if (near.low or 0) > (all_.high or 1):
            return "gather"
        return "are rarer" if (near.high or 1) < (all_.low or 0) else "are as frequent as others"

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
                "highest_background": _share(self.highest_on_beds),
                "in_highest": self.beds.as_json(),
                "in_highest_that_touch_one": self.touching.as_json(),
            },
            "outlines": {name: one.as_json() for name, one in self.outlines.items()},
            "outline_gain": list(self.outline_gain),
            "findings": list(self.findings()),
        }


def _of(share: Share) -> str:
    if share.share is None:
        return "none"
    return f"{share.share:.0%} [{share.low:.0%}, {share.high:.0%}] of {share.of}"


def _share(share: Share) -> dict[str, Any]:
    interval = None if share.low is None else [share.low, share.high]
    return {"found": share.found, "of": share.of, "share": share.share, "interval": interval}


def _pointing(one: Pointing) -> dict[str, Any]:
    return {"auc": one.auc, "highest_inside": _share(one.hits), "chance": one.chance}
