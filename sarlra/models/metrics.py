"""Counting what a threshold makes of scores, and choosing it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sarlra.errors import ModelError

Scores = NDArray[np.float32]
Labels = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Counts:
    """Right and wrong answers of a detector, and the measures that follow from them.

    A measure whose denominator is 0 is 0.
    """

    true_positives: int
    false_positives: int
    false_negatives: int
    true_negatives: int

    @property
    def precision(self) -> float:
        """The share of the answers "landslide" that are right."""
        return _ratio(self.true_positives, self.true_positives + self.false_positives)

    @property
    def recall(self) -> float:
        """The share of the landslides that are found."""
        return _ratio(self.true_positives, self.true_positives + self.false_negatives)

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        wrong = self.false_positives + self.false_negatives
        return _ratio(2 * self.true_positives, 2 * self.true_positives + wrong)

    @property
    def accuracy(self) -> float:
        """The share of all answers that are right."""
        right = self.true_positives + self.true_negatives
        return _ratio(right, right + self.false_positives + self.false_negatives)

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.true_positives + other.true_positives,
            self.false_positives + other.false_positives,
            self.false_negatives + other.false_negatives,
            self.true_negatives + other.true_negatives,
        )

    def as_json(self) -> dict[str, Any]:
        """Counts and measures (rounded to 4 decimals) as plain values."""
        measures = {
            n: round(getattr(self, n), 4) for n in ("precision", "recall", "f1", "accuracy")
        }
        return asdict(self) | measures


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def count(scores: Scores, labels: Labels, threshold: float) -> Counts:
    """Count the answers of scores strictly over a threshold against the truth; both ``(n,)``."""
    said, true = scores > threshold, labels.astype(bool)
    return Counts(
        true_positives=int((said & true).sum()),
        false_positives=int((said & ~true).sum()),
        false_negatives=int((~said & true).sum()),
        true_negatives=int((~said & ~true).sum()),
    )


def best_threshold(scores: Scores, labels: Labels) -> float:
    """The threshold with the highest F1, over all that tell the scores apart.

    It lies midway between the two scores that it parts, so that rounding moves no score across;
    among equally good ones the highest is taken.

    Parameters
    ----------
    scores, labels
        ``(n,)``, of validation data: never of the data that the result is reported on.

    Raises
    ------
    ModelError
        There are no landslides among the labels, or nothing else.
    """
    true = labels.astype(bool)
    if not true.any() or true.all():
        raise ModelError("a threshold needs validation samples of both classes")
    order = np.argsort(-scores, kind="stable")
    ranked, hits = scores[order].astype(np.float64), np.cumsum(true[order])
    last = np.flatnonzero(np.r_[ranked[1:] < ranked[:-1], True])  # of each run of equal scores
    said = last + 1
    f1 = 2 * hits[last] / (said + true.sum())
    last, f1 = last[ranked[last] > 0], f1[ranked[last] > 0]  # no threshold has 0 over it
    if not len(last):
        return 0.0
    best = int(np.argmax(f1))
    below = ranked[last[best] + 1] if last[best] + 1 < len(ranked) else 0.0
    return float((ranked[last[best]] + below) / 2)
