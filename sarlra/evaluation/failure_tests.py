"""Does a run miss what faces the radar steeply? And recall by everything that is known.

The paper (section 5 and figure 7) found the landslides that its models miss on slopes over 30
degrees that face the radar and are foreshortened: aspects of 100 to 200 degrees on descending
passes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from sarlra.evaluation.analysis import FN, FP, TP, TrackAnalysis
from sarlra.evaluation.intervals import share_of
from sarlra.evaluation.scores import SIZES_M2

Mask = NDArray[np.bool_]

#: A column of cases of several runs: which one. Only landslides of the same run are compared then.
RUN = "run"
STEEP_DEG = 30.0
#: A slope faces the radar where its aspect is within this of the direction to the sensor.
FACING_DEG = 60.0
#: A landslide was seen, and not laid over or shaded, from this share of its pixels on.
_SEEN = 0.9
#: The paper's sector, descending passes.
SECTOR_DEG = (100.0, 200.0)

#: Measure -> edges of its classes.
EDGES: dict[str, tuple[float, ...]] = {
    "area_m2": SIZES_M2,
    "slope": (0, 10, 20, 30, 40, 90),
    "facing": (0, 30, 60, 90, 120, 150, 180.001),
    "incidence": (0, 20, 30, 40, 50, 60, 70, 180),
    "river_m": (0, 100, 250, 500, 1000, np.inf),
    "visible_share": (0, 0.5, 0.9, 1.0001),
}


@dataclass(frozen=True, slots=True)
class FacingTest:
    """Whether false negatives gather in a class of landslides.

    Parameters
    ----------
    name, against
        The class, and what it is compared with, in words.
    missed, of, other_missed, other_of
        Landslides of the class and of the others.
    odds_ratio, low, high
        Odds of being missed against the others', conditional maximum likelihood, 95 %.
    p
        One-sided, Fisher's exact test: no more are missed than among the others.
    by_size, p_by_size
        Odds ratio of Mantel and Haenszel (1959) over the classes of size, and their one-sided p
        with continuity correction: the same with landslides of like size compared; NaN where no
        class of size has both.
    like
        Which landslides those compare: of like size, of several runs those of one run.
    """

    name: str
    against: str
    missed: int
    of: int
    other_missed: int
    other_of: int
    odds_ratio: float
    low: float
    high: float
    p: float
    by_size: float
    p_by_size: float
    like: str = "like size"

    def as_json(self) -> dict[str, Any]:
        """Plain values; None for what is not finite (an odds ratio where none was found)."""
        return {
            name: None if isinstance(value, float) and not np.isfinite(value) else value
            for name, value in asdict(self).items()
        }

    def line(self) -> str:
        """The finding in one sentence."""
        if not self.of or not self.other_of:
            return f"{self.name}: there are none, or nothing to compare them with."
        sizes = ""
        if np.isfinite(self.p_by_size):
            sizes = (
                f" Among landslides of {self.like}: odds ratio {self.by_size:.2f}, "
                f"p = {self.p_by_size:.2g}."
            )
        return (
            f"{self.name}: {self.missed} of {self.of} missed ({self.missed / self.of:.0%}), of "
            f"{self.against} {self.other_missed} of {self.other_of} "
            f"({self.other_missed / self.other_of:.0%}); odds ratio {self.odds_ratio:.2f} "
            f"[{self.low:.2f}, {self.high:.2f}], p = {self.p:.2g}.{sizes} "
            f"False negatives {'gather' if self.gathers else 'do not gather'} there."
        )

    @property
    def gathers(self) -> bool:
        """Whether more are missed at 5 %, also among landslides of like size where known."""
        return self.p < 0.05 and not self.p_by_size >= 0.05


def facing_tests(analysis: TrackAnalysis) -> tuple[FacingTest, ...]:
    """The questions asked of a track; empty without slopes."""
    cases = landslides(analysis)
    slope, facing = cases["slope"].to_numpy(), cases["facing"].to_numpy()
    known = np.isfinite(slope) & np.isfinite(facing)
    if not known.any():
        return ()
    steep, faces = slope > STEEP_DEG, facing <= FACING_DEG
    name = f"slopes over {STEEP_DEG:.0f} deg that face the radar (within {FACING_DEG:.0f} deg)"
    tests = [
        _test(cases, steep & faces & known, known, name, "all others"),
        _test(cases, steep & faces & known, steep & known, name, "steep slopes that do not"),
    ]
    seen = known & (cases["visible_share"].to_numpy() >= _SEEN)
    if seen.any():
        label = f"{name}, of those that the radar saw whole"
        tests.append(_test(cases, steep & faces & seen, seen, label, "all others that it saw"))
    if analysis.orbit_state == "descending":
        aspect = cases["aspect"].to_numpy()
        sector = (aspect >= SECTOR_DEG[0]) & (aspect <= SECTOR_DEG[1])
        label = "slopes over 30 deg with aspects of 100 to 200 deg (the paper's)"
        tests.append(_test(cases, steep & sector & known, known, label, "all others"))
    return tuple(tests)


def landslides(analysis: TrackAnalysis) -> pd.DataFrame:
    """The cases that are landslides."""
    return analysis.cases[analysis.cases["kind"] != FP].reset_index(drop=True)


def _test(cases: pd.DataFrame, inside: Mask, whole: Mask, name: str, against: str) -> FacingTest:
    missed = (cases["kind"] == FN).to_numpy()
    table = _table(missed, inside, whole)
    (a, b), (c, d) = table
    odds = stats.contingency.odds_ratio(table)
    interval = odds.confidence_interval(0.95)
    strata = np.digitize(cases["area_m2"].to_numpy(), SIZES_M2[1:-1])
    several = RUN in cases
    if several:
        strata += len(SIZES_M2) * pd.factorize(cases[RUN])[0]
    tables = [_table(missed[strata == s], inside[strata == s], whole[strata == s])
              for s in np.unique(strata)]  # fmt: skip
    ratio, p = mantel_haenszel(tables)
    return FacingTest(
        name, against, a, a + b, c, c + d, float(odds.statistic), float(interval.low),
        float(interval.high), float(stats.fisher_exact(table, alternative="greater").pvalue),
        ratio, p, "like size in the same run" if several else "like size",
    )  # fmt: skip


def _table(missed: Mask, inside: Mask, whole: Mask) -> list[list[int]]:
    """[[missed inside, found inside], [missed outside, found outside]]."""
    other = whole & ~inside
    return [[int((part & missed).sum()), int((part & ~missed).sum())] for part in (inside, other)]


def mantel_haenszel(tables: Sequence[Sequence[Sequence[int]]]) -> tuple[float, float]:
    """Common odds ratio of 2 x 2 tables, and the one-sided p of the test that it is 1.

    Source: Mantel & Haenszel 1959, J. Natl. Cancer Inst. 22, 719-748.

    Returns
    -------
    (odds ratio, p that the first cells are as large or larger); NaN where no table tells anything.
    """
    up = down = first = expected = variance = 0.0
    for (a, b), (c, d) in tables:
        n = a + b + c + d
        if n < 2:
            continue
        up, down = up + a * d / n, down + b * c / n
        first, expected = first + a, expected + (a + b) * (a + c) / n
        variance += (a + b) * (c + d) * (a + c) * (b + d) / (n * n * (n - 1))
    if variance == 0:
        return float("nan"), float("nan")
    z = (first - expected - 0.5) / np.sqrt(variance)
    return (up / down if down else float("inf")), float(stats.norm.sf(z))


def recall_by(cases: pd.DataFrame, measure: str) -> pd.DataFrame:
    """Recall by class of a measure: ``class``, ``landslides``, ``found``, ``recall``, ``low``,
    ``high`` (Wilson, 95 %). Classes without landslides are left out; ``not known`` is one.

    Parameters
    ----------
    measure
        A key of :data:`EDGES`, ``cover``, ``n_pre`` or ``n_post`` (in whole acquisitions).
    """
    rows = []
    hit = (cases["kind"] == TP).to_numpy()
    for label, chosen in _classes(cases[measure], measure):
        share = share_of(int((hit & chosen).sum()), int(chosen.sum()))
        if share.of:
            rows.append({"class": label, "landslides": share.of, "found": share.found,
                         "recall": share.share, "low": share.low, "high": share.high})  # fmt: skip
    return pd.DataFrame(rows, columns=["class", "landslides", "found", "recall", "low", "high"])


def _classes(values: pd.Series[Any], measure: str) -> list[tuple[str, Mask]]:
    if measure == "cover":
        names = values.value_counts().index.tolist()
        return [(str(name), (values == name).to_numpy()) for name in names]
    numbers = values.to_numpy(dtype=float)
    unknown = [("not known", ~np.isfinite(numbers))]
    if measure in ("n_pre", "n_post"):
        whole = np.rint(numbers)
        steps = np.unique(whole[np.isfinite(whole)])
        return [(f"{step:.0f}", whole == step) for step in steps] + unknown
    found = [
        (_label(low, high, measure), (numbers >= low) & (numbers < high))
        for low, high in pairwise(EDGES[measure])
    ]
    return found + unknown


def _label(low: float, high: float, measure: str) -> str:
    if measure == "visible_share":
        return f"{low:.0%} to {min(high, 1):.0%}"
    if high == np.inf:
        return f"{low:,.0f} and more"
    return f"{low:,.0f} to {min(high, 180) if measure == 'facing' else high:,.0f}"
