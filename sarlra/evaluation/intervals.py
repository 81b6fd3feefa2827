"""How far a measured share or score may be from the true one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Share:
    """``found`` of ``of``; ``share``, ``low`` and ``high`` (Wilson, 95 %) are None where ``of`` is
    0.
    """

    found: int
    of: int
    share: float | None
    low: float | None
    high: float | None


def share_of(found: int, of: int) -> Share:
    """A share with Wilson's interval, which holds for few cases and near 0 and 1 as well.

    Source: Wilson 1927, J. Am. Stat. Assoc. 22, 209-212.

    Raises
    ------
    ValueError
        Not 0 <= found <= of.
    """
    if not 0 <= found <= of:
        raise ValueError(f"{found} of {of} is no share")
    if of == 0:
        return Share(0, 0, None, None, None)
    interval = binomtest(found, of).proportion_ci(CONFIDENCE, method="wilson")
    low, high = round(float(interval.low), 4), round(float(interval.high), 4)
    return Share(found, of, round(found / of, 4), low, high)


def bootstrap(
    measure: Callable[[NDArray[np.int64]], float],
    groups: NDArray[np.int64],
    *,
    draws: int = 1000,
    seed: int = 0,
) -> tuple[float, float]:
    """A 95 % percentile interval of a measure, drawing whole groups with replacement.

    Parameters
    ----------
    measure
        Of the rows at the indices given, ``(n,)``; NaN where it is not defined.
    groups
        ``(rows,)``: rows of one group (a world, a date, a block) are drawn together, as they are
        not independent. Number the rows 0, 1, 2, ... where they are.

    Returns
    -------
    (low, high), NaN where the measure is never defined; the same for the same arguments.
    """
    order = np.argsort(groups, kind="stable")
    _, starts = np.unique(groups[order], return_index=True)
    members = np.split(order, starts[1:])
    rng = np.random.default_rng(seed)
    values = []
    for _ in range(draws):
        drawn = rng.integers(0, len(members), len(members))
        values.append(measure(np.concatenate([members[index] for index in drawn])))
    known = np.array(values, dtype=np.float64)
    known = known[np.isfinite(known)]
    if not len(known):
        return float("nan"), float("nan")
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(known, [tail, 1 - tail])
    return float(low), float(high)
