"""The trade between false alarms and recall, by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sarlra.detection.suppress import suppress
from sarlra.evaluation.false_alarms import Quiet, SeriesScore, draw_trade


def _quiet(n_pre: int, kept: list[float], implanted: list[float], km2: float = 50.0) -> Quiet:
    return Quiet(
        "2023-12-15", "T137A", n_pre, 1, 500, km2, km2 / 2,
        np.array(kept, np.float32), np.arange(len(kept)) % 2 == 0,
        np.array(implanted, np.float32), np.arange(len(implanted)) < 2,
    )  # fmt: skip


SCORE = SeriesScore(
    "m", 0.5, (_quiet(5, [0.9, 0.8, 0.3], [0.9, 0.4, 0.6, 0.1]), _quiet(2, [0.55], [0.0] * 9))
)


def test_rates_are_of_all_dates_and_recall_of_those_with_enough_before() -> None:
    assert SCORE.alarms_per_100_km2(0.5) == 3.0
    assert SCORE.alarms_per_100_km2(0.5, land=True) == pytest.approx(100 * 2 / 50)
    assert SCORE.alarms_per_100_km2(0.85) == 1.0
    assert (SCORE.recall(0.5).found, SCORE.recall(0.5).of) == (2, 4)
    assert (SCORE.recall(0.5, visible=True).found, SCORE.recall(0.5, visible=True).of) == (1, 2)
    low, high = SCORE.alarms_interval(0.5)
    assert low == 2.0  # one false alarm on both draws of the second date
    assert high == 4.0


def test_the_card_s_block_says_everything_at_its_threshold() -> None:
    found = SCORE.as_json()
    assert [one["n_pre"] for one in found["composites"]] == [5, 2]
    assert found["false_alarms_per_100_km2"] == 3.0
    assert found["recall"] == 0.5
    assert found["recall_interval"][0] < 0.5 < found["recall_interval"][1]
    row = next(row for row in found["curve"] if row["threshold"] == 0.5)
    assert (row["false_alarms_per_100_km2"], row["recall"]) == (3.0, 0.5)
    alarms = [row["false_alarms_per_100_km2"] for row in found["curve"]]
    assert alarms == sorted(alarms, reverse=True)


def test_what_suppression_leaves_over_a_threshold_is_part_of_what_it_leaves_of_all() -> None:
    rng = np.random.default_rng(5)
    corners = rng.integers(0, 20, (300, 2)) * 32
    boxes, scores = np.hstack([corners, corners + 64]), rng.random(300)
    every = scores[suppress(boxes, scores, 0.1)]
    for threshold in (0.2, 0.5, 0.9):
        over = scores > threshold
        alone = scores[over][suppress(boxes[over], scores[over], 0.1)]
        assert sorted(alone) == sorted(every[every > threshold])


def test_the_trade_is_drawn_with_its_numbers(tmp_path: Path) -> None:
    draw_trade([SCORE], tmp_path / "trade.png")
    table = pd.read_csv(tmp_path / "trade.csv")
    assert set(table["model"]) == {"m"}
    assert len(table) == len(SCORE.curve())
