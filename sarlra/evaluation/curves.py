"""What every threshold would have given, and whether probabilities are what they say."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sarlra.errors import InputError
from sarlra.evaluation.intervals import share_of

#: A curve has no more rows than this; the scores between are left out.
_MOST_ROWS = 1000


def precision_recall(
    scores: NDArray[np.floating], labels: NDArray[np.bool_], most: int = _MOST_ROWS
) -> pd.DataFrame:
    """Precision, recall and F1 at every threshold that tells the scores apart.

    Parameters
    ----------
    scores, labels
        ``(n,)``: scores in [0, 1], and whether each is landslide.
    most
        Rows are thinned evenly to this number, the first and the last kept.

    Returns
    -------
    pandas.DataFrame
        ``threshold`` falling, ``precision``, ``recall``, ``f1``: of the answers *at or over* the
        threshold.

    Raises
    ------
    InputError
        There is no landslide among the labels, or the lengths differ.
    """
    truth = np.asarray(labels).astype(bool)
    if len(truth) != len(scores):
        raise InputError(f"{len(scores)} scores and {len(truth)} labels do not match")
    if not truth.any():
        raise InputError("a curve of precision and recall needs landslides")
    order = np.argsort(-scores, kind="stable")
    ranked, hits = scores[order], np.cumsum(truth[order])
    last = np.flatnonzero(np.r_[ranked[1:] != ranked[:-1], True])
    last = last[np.unique(np.linspace(0, len(last) - 1, min(most, len(last))).round().astype(int))]
    said, right = last + 1, hits[last]
    return pd.DataFrame(
        {
            "threshold": ranked[last].astype(np.float64),
            "precision": right / said,
            "recall": right / truth.sum(),
            "f1": 2 * right / (said + truth.sum()),
        }
    )


def reliability(
    probabilities: NDArray[np.floating], labels: NDArray[np.bool_], bins: int = 10
) -> pd.DataFrame:
    """How often what had a probability came true.

    Parameters
    ----------
    probabilities, labels
        ``(n,)``: in [0, 1], and whether each is landslide.
    bins
        Of equal width.

    Returns
    -------
    pandas.DataFrame
        A row per bin that holds something: ``low``, ``high`` (its edges), ``windows``,
        ``probability`` (mean), ``observed`` (share of landslides) and its Wilson interval
        ``observed_low``, ``observed_high``.

    Raises
    ------
    InputError
        The lengths differ, or a value is no probability.
    """
    p, truth = np.asarray(probabilities, dtype=np.float64), np.asarray(labels).astype(bool)
    if p.shape != truth.shape or not ((p >= 0) & (p <= 1)).all():
        raise InputError("a reliability curve needs as many labels as probabilities, all in 0..1")
    place = np.minimum((p * bins).astype(int), bins - 1)
    rows = []
    for number in np.unique(place):
        own = place == number
        share = share_of(int(truth[own].sum()), int(own.sum()))
        rows.append((number / bins, (number + 1) / bins, share.of, float(p[own].mean()),
                     share.share, share.low, share.high))  # fmt: skip
    names = ["low", "high", "windows", "probability", "observed", "observed_low", "observed_high"]
    return pd.DataFrame(rows, columns=names)
