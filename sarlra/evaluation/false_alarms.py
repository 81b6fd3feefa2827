"""What a model says of a series in which nothing happened, and of one with landslides put into it:
the trade between false alarms and recall.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sarlra.evaluation.figures import new_figure, save
from sarlra.evaluation.intervals import Share, bootstrap, share_of

F32 = NDArray[np.float32]

#: Thresholds of the curve, beside the model's own.
THRESHOLDS = tuple(round(0.05 * step, 2) for step in range(1, 20))
#: Dates with fewer acquisitions before the event do not count for recall.
LEAST_PRE = 3


@dataclass(frozen=True, slots=True)
class Quiet:
    """A composite of a date on which nothing happened, and the same with landslides put into it.

    Parameters
    ----------
    date, track
        Day of the first acquisition after the supposed event, and the track's id.
    n_pre, n_post
        Acquisitions of the track.
    windows, km2, land_km2
        Windows with a score, and their ground, with water and without: of each window a square
        of one stride, so that nothing counts twice.
    kept, kept_on_land
        float32: scores of all windows that suppression leaves over *any* threshold. As it takes
        the highest first, those over a threshold are those that it would leave over that one.
        bool: whether less than half of the window is water.
    implanted, visible
        Of the non-overlapping windows with over 5 % of implanted landslide, float32 and bool: the
        score, and whether over 5 % is landslide that changed the surface.
    """

    date: str
    track: str
    n_pre: int
    n_post: int
    windows: int
    km2: float
    land_km2: float
    kept: F32
    kept_on_land: NDArray[np.bool_]
    implanted: F32
    visible: NDArray[np.bool_]

    def alarms(self, threshold: float, *, land: bool = False) -> int:
        """Detections where nothing happened; ``land``: those on land alone."""
        over = self.kept > threshold
        return int((over & self.kept_on_land).sum() if land else over.sum())


@dataclass(frozen=True, slots=True)
class SeriesScore:
    """A model on a quiet series."""

    model: str
    threshold: float
    composites: tuple[Quiet, ...]

    def alarms_per_100_km2(self, threshold: float, *, land: bool = False) -> float:
        """False alarms per 100 km2 and composite, over all composites; ``land``: on land alone."""
        total = sum(one.alarms(threshold, land=land) for one in self.composites)
        km2 = sum(one.land_km2 if land else one.km2 for one in self.composites)
        return 100.0 * total / km2 if km2 else float("nan")

    def alarms_interval(self, threshold: float) -> tuple[float, float]:
        """95 % of that, drawing composites anew: places repeat, so it tells of dates alone."""
        alarms = np.array([one.alarms(threshold) for one in self.composites], dtype=np.float64)
        areas = np.array([one.km2 for one in self.composites])
        return bootstrap(
            lambda rows: float(100 * alarms[rows].sum() / areas[rows].sum()),
            np.arange(len(alarms)),
        )

    def recall(self, threshold: float, *, visible: bool = False) -> Share:
        """Of the windows with implanted landslides, on dates with enough acquisitions before;
        ``visible``: of those whose landslides changed the surface.
        """
        own = [one for one in self.composites if one.n_pre >= LEAST_PRE]
        scores = [one.implanted[one.visible] if visible else one.implanted for one in own]
        joined = np.concatenate([np.empty(0, np.float32), *scores])
        return share_of(int((joined > threshold).sum()), len(joined))

    def curve(self) -> pd.DataFrame:
        """By threshold: ``false_alarms_per_100_km2``, the same ``on_land``, and ``recall`` with
        ``low`` and ``high``.
        """
        rows = []
        for threshold in sorted({*THRESHOLDS, round(self.threshold, 6)}):
            share = self.recall(threshold)
            alarms = (round(self.alarms_per_100_km2(threshold, land=land), 3)
                      for land in (False, True))  # fmt: skip
            rows.append((threshold, *alarms, share.share, share.low, share.high))
        names = ["threshold", "false_alarms_per_100_km2", "on_land", "recall", "low", "high"]
        return pd.DataFrame(rows, columns=names)

    def as_json(self) -> dict[str, Any]:
        """Plain values, as they stand in a card's ``metrics.real_series``."""
        low, high = self.alarms_interval(self.threshold)
        recall, visible = self.recall(self.threshold), self.recall(self.threshold, visible=True)
        return {
            "threshold": self.threshold,
            "composites": [
                {"date": one.date, "track": one.track, "n_pre": one.n_pre, "n_post": one.n_post,
                 "windows": one.windows, "km2": round(one.km2, 2),
                 "land_km2": round(one.land_km2, 2),
                 "false_alarms": one.alarms(self.threshold),
                 "false_alarms_on_land": one.alarms(self.threshold, land=True),
                 "false_alarms_per_100_km2": round(
                     100 * one.alarms(self.threshold) / one.km2, 2)}
                for one in self.composites
            ],
            "false_alarms_per_100_km2": round(self.alarms_per_100_km2(self.threshold), 3),
            "false_alarms_per_100_km2_on_land": round(
                self.alarms_per_100_km2(self.threshold, land=True), 3),
            "false_alarms_interval": [round(low, 3), round(high, 3)],
            "implanted_patches": recall.of,
            "recall": recall.share,
            "recall_interval": [recall.low, recall.high],
            "recall_of_visible": visible.share,
            "recall_of_visible_interval": [visible.low, visible.high],
            "least_n_pre": LEAST_PRE,
            "curve": self.curve().to_dict("records"),
        }  # fmt: skip

    def for_card(self) -> dict[str, Any]:
        """The same without the single dates, the curve at every tenth alone."""
        found = self.as_json()
        dates = found.pop("composites")
        tenths = {round(0.1 * step, 2) for step in range(1, 10)}
        found["curve"] = [
            {name: row[name] for name in ("threshold", "false_alarms_per_100_km2", "recall")}
            for row in found["curve"]
            if row["threshold"] in tenths
        ]
        return {"composite_dates": len(dates), **found}


def draw_trade(scores: Sequence[SeriesScore], path: Path) -> None:
    """Draw recall against false alarms to a PNG, the numbers to a CSV beside it.

    Raises
    ------
    OutputError
        A file cannot be written.
    """
    figure, panel = new_figure(
        "Real series, landslides put into it", "false alarms per 100 km2 and composite", "recall"
    )
    tables = []
    for score in scores:
        curve = score.curve()
        x = curve["false_alarms_per_100_km2"]
        (line,) = panel.plot(x, curve["recall"], "-", lw=1.6, label=score.model)
        panel.fill_between(x, curve["low"], curve["high"], alpha=0.15, color=line.get_color())
        at = curve[np.isclose(curve["threshold"], score.threshold)].iloc[0]
        panel.plot(at["false_alarms_per_100_km2"], at["recall"], "o", color=line.get_color())
        tables.append(curve.assign(model=score.model))
    panel.axvline(1.0, color="#999999", lw=0.8, ls=":")
    panel.set(xscale="symlog", ylim=(0, 1.01))
    panel.legend(fontsize=8)
    save(figure, path, pd.concat(tables, ignore_index=True))
