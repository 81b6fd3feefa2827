"""Sensitivity tables: each setting changes what it says and nothing else."""

from __future__ import annotations

import json

import numpy as np
import pytest

from sarlra.evaluation.sensitivity import EVENTS, SHARES, _Scored, sensitivity
from sarlra.models.registry import find_model
from sarlra.models.scoring import load_scorer
from sarlra.simulation.events_table import DEFAULT, find_profile
from sarlra.simulation.ground import make_ground
from sarlra.simulation.layout import make_layout
from sarlra.simulation.parameters import Cover


def test_settings_keep_the_landslides_and_change_the_cover() -> None:
    layout = make_layout(512, DEFAULT.epsg, DEFAULT.centre)
    events = EVENTS["vegetation of the slopes"]
    grounds = [make_ground(5, layout, find_profile(event)) for event in events.values()]
    slopes = grounds[0].terrain.slope > 15
    sparse = [(ground.cover.classes[slopes] == Cover.SPARSE).mean() for ground in grounds]
    assert sparse[0] < 0.05
    assert 0.15 < sparse[1] < 0.7 < sparse[2]
    for ground in grounds[1:]:
        assert np.array_equal(ground.terrain.elevation, grounds[0].terrain.elevation)
        assert np.array_equal(ground.landslides.label, grounds[0].landslides.label)


def test_a_window_counts_from_the_share_asked_for() -> None:
    share = np.array([0, 0.01, 0.03, 0.06, 0.2])
    score = np.array([0.9, 0.9, 0.2, 0.9, 0.9], np.float32)
    scored = _Scored(share, score, np.arange(5).astype(np.uint64))
    counts = [scored.windows(0.5, least).counts() for least in SHARES]
    assert [(c.true_positives, c.false_negatives, c.false_positives) for c in counts] == [
        (2, 1, 1), (2, 0, 1), (1, 0, 1),
    ]  # fmt: skip


@pytest.mark.slow
def test_the_table_has_every_setting_and_repeats() -> None:
    info = find_model("sim-cnn32-vv-vh-ascending")
    rows = sensitivity(load_scorer(info), info.threshold or 0.6, 1, size_px=768)
    assert [row.setting for row in rows[:3]] == ["over 2%", "over 5%", "over 10%"]
    assert len(rows) == 9
    slides = [row.landslide for row in rows[:3]]
    assert slides[0] > slides[1] > slides[2] > 0
    plain = rows[1]
    for row in rows[3:]:
        assert row.landslide == plain.landslide  # the same landslides, seen through other ground
        assert row.f1_low <= row.counts.f1 <= row.f1_high
        assert row.counts.false_positives + row.counts.true_negatives <= 10 * row.landslide
    same = [row for row in rows[3:] if row.setting == "as the default event"]
    assert [row.counts for row in same] == [plain.counts] * 2
    assert json.dumps([row.as_json() for row in rows])
