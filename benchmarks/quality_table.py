"""Rows of the table of what the control is worth, with intervals."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sarlra.evaluation.intervals import bootstrap
from sarlra.models.metrics import Counts

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Seen:
    """The windows of one world on one archive; all arrays have the length n.

    ``without`` and ``with_`` are float64: 1 detected, 0 not, NaN not seen.
    """

    landslide: Flags
    block: NDArray[np.str_]
    without: NDArray[np.float64]
    with_: NDArray[np.float64]

    @classmethod
    def of(cls, kept: dict[str, Any], world: int) -> Seen:
        """From what was kept."""
        return cls(
            np.array(kept["landslide"], bool),
            np.array([f"{world}-{name}" for name in kept["block"]]),
            np.array(kept["without"], np.float64),
            np.array(kept["with_"], np.float64),
        )


def say_head() -> None:
    """Print the head of the table."""
    _say(
        "| one acquisition per track spoilt by | buffers | landslide windows | F1 without "
        "| F1 with | with, less clean | detected without, with "
        "| false without, with |"
    )
    _say("|---|---|---|---|---|---|---|---|")


def row(name: str, buffers: tuple[int, int], seen: Sequence[Seen], clean: Sequence[Seen]) -> None:
    """Print one row: F1 over all worlds, and by how much it differs from the clean archive's.

    The difference is taken on windows that both have, its interval (95 %) by drawing blocks of
    ground with replacement, the windows of both directions together.
    """
    truth = np.concatenate([one.landslide for one in seen])
    block = np.unique(np.concatenate([one.block for one in seen]), return_inverse=True)[1]
    without = np.concatenate([one.without for one in seen])
    with_ = np.concatenate([one.with_ for one in seen])
    best = np.concatenate([one.with_ for one in clean])
    both = np.flatnonzero(np.isfinite(with_) & np.isfinite(best))

    def less(drawn: NDArray[np.int64]) -> float:
        rows = both[drawn]
        return _counts(with_, truth, rows).f1 - _counts(best, truth, rows).f1

    low, high = bootstrap(less, block[both].astype(np.int64))
    all_ = [_counts(said, truth, np.flatnonzero(np.isfinite(said))) for said in (without, with_)]
    _say(
        f"| {name} | {buffers[0]}-{buffers[1]} | {int(truth[both].sum())} | {all_[0].f1:.3f} "
        f"| {all_[1].f1:.3f} | {less(np.arange(len(both))):+.3f} [{low:+.3f}, {high:+.3f}] "
        f"| {all_[0].true_positives}, {all_[1].true_positives} "
        f"| {all_[0].false_positives}, {all_[1].false_positives} |"
    )


def _counts(said: NDArray[np.float64], truth: Flags, rows: NDArray[np.int64]) -> Counts:
    over, true = said[rows] > 0.5, truth[rows]
    return Counts(
        int((over & true).sum()), int((over & ~true).sum()), int((~over & true).sum()),
        int((~over & ~true).sum()),
    )  # fmt: skip


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
