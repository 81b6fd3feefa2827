"""A model's F1 by buffers: counts as a plain loop has them, and kept in the card."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from sarlra.errors import ModelError
from sarlra.models.keep import note_metrics
from sarlra.models.registry import find_model
from sarlra.models.scoring import load_scorer
from sarlra.training.model_buffers import as_metrics, measure_buffers
from sarlra.training.worlds import Store, make_split
from sarlra.watch.buffers import by_buffer
from tests.training.world_patches import put_patches

PAIRS = ((60, 12), (60, 24))


def test_counts_are_those_of_a_plain_loop(tmp_path: Path) -> None:
    model = find_model("sim-cnn32-vv-descending")
    store = Store(tmp_path, PAIRS)
    test = make_split(1, 1, 1).test
    for world in test:
        put_patches(world, store, slides=5, background=60)
    found = measure_buffers([model], 1, tmp_path, buffers=PAIRS)[model.name]
    assert list(found) == ["60-12", "60-24"]
    scorer = load_scorer(model)
    for name, counts in found.items():
        right = 0
        for world in test:
            with np.load(store.path(world)) as held:
                keep = held["descending_rank"] <= 10
                windows = held[f"descending_{name.replace('-', '_')}"][keep][..., [0, 2]]
                labels = held["descending_share"][keep] > 0.05
            over = scorer.score(np.ascontiguousarray(windows)) >= model.threshold
            right += int((over & labels).sum())
        assert counts.true_positives == right
        assert counts.true_positives + counts.false_negatives == 15
    assert by_buffer({"metrics": {"by_buffer": as_metrics(found)}}).keys() == found.keys()


def test_figures_go_into_the_card_and_nothing_else_changes(tmp_path: Path) -> None:
    shipped = find_model("sim-cnn32-vv-descending").path
    for suffix in (".keras", ".json"):
        shutil.copy(shipped.with_suffix(suffix), tmp_path)
    mine = find_model(str(tmp_path / shipped.name))
    before = json.loads((tmp_path / f"{mine.name}.json").read_text())
    changed = note_metrics(mine, "by_buffer", {"60-12": {"f1": 0.25}})
    assert {name: found.f1 for name, found in by_buffer(changed.card).items()} == {"60-12": 0.25}
    after = json.loads((tmp_path / f"{mine.name}.json").read_text())
    assert after["metrics"].pop("by_buffer") == {"60-12": {"f1": 0.25}}
    before["metrics"].pop("by_buffer", None)
    assert after == before
    (tmp_path / f"{mine.name}.json").unlink()
    with pytest.raises(ModelError, match="has no card"):
        note_metrics(mine, "by_buffer", {})
