"""One small training from patches to a stored model."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from sarlra.errors import ModelError
from sarlra.models.metrics import count
from sarlra.models.registry import find_model
from sarlra.models.scoring import load_scorer
from sarlra.models.training import Choices, Statement, fit, train_model
from sarlra.samples.patches import Patches

STATEMENT = Statement("A test.", "Apache-2.0", ("A test.",), {"seeds": [1, 2, 3]})
CHOICES = Choices(filters=4, epochs=4, batch_size=32, patience=2, seed=3)


def _patches(number: int, seed: int) -> Patches:
    """Noise, with a bright square in the change band where there is a landslide."""
    rng = np.random.default_rng(seed)
    windows = rng.normal(0, 1, (number, 64, 64, 2)).astype(np.float32)
    windows[..., 0] -= 9
    labels = rng.random(number) < 0.3
    for n in np.flatnonzero(labels):
        row, column = rng.integers(0, 40, 2)
        windows[n, row : row + 24, column : column + 24, 1] += 3
    windows[0, :9] = np.nan
    return Patches(windows, labels, np.array(["east", "west"])[rng.integers(0, 2, number)])


@pytest.mark.slow
def test_a_training_gives_a_model_that_is_what_its_card_says(tmp_path: Path) -> None:
    training, validation, test = _patches(320, 1), _patches(120, 2), _patches(120, 3)
    before = training.windows.copy()
    info = train_model("small", tmp_path, training, validation, test, STATEMENT, CHOICES)
    np.testing.assert_array_equal(training.windows, before)
    assert find_model(str(tmp_path / "small.keras")) == info
    assert info.combination == "VV"
    assert info.card["training"]["choices"]["class_balancing"] is True
    assert info.card["training"]["data"] == {"seeds": [1, 2, 3]}

    from sarlra.models.fill import fill_nodata

    assert info.threshold is not None
    scores = load_scorer(info).score(fill_nodata(test.windows.copy(), info.bands))
    metrics = info.card["metrics"]
    assert count(scores, test.labels, info.threshold).as_json() == metrics["test"]
    assert metrics["test"]["f1"] > 0.8
    per_event = metrics["test_per_event"]
    assert sorted(per_event) == ["east", "west"]
    for name in ("true_positives", "false_negatives", "false_positives", "true_negatives"):
        assert sum(part[name] for part in per_event.values()) == metrics["test"][name]

    again = train_model("small", tmp_path / "b", training, validation, test, STATEMENT, CHOICES)
    assert again.sha256 == info.sha256
    with pytest.raises(ModelError, match="already a model"):
        train_model("small", tmp_path, training, validation, test, STATEMENT, CHOICES)


@pytest.mark.slow
def test_rounding_to_half_precision_moves_scores_by_less_than_a_thousandth() -> None:
    from sarlra.models.keras_file import load_network, pack_network, round_to_half_precision

    training, validation = _patches(200, 4), _patches(60, 5)
    clean = [Patches(np.nan_to_num(p.windows), p.labels, p.events) for p in (training, validation)]
    network, epochs = fit(clean[0], clean[1], dataclasses.replace(CHOICES, epochs=2))
    assert epochs == 2
    exact = network.predict(clean[1].windows, verbose=0)
    full = len(pack_network(network))
    network.set_weights([round_to_half_precision(w) for w in network.get_weights()])
    packed = pack_network(network)
    rounded = load_network(packed, "rounded").predict(clean[1].windows, verbose=0)
    assert 0 < np.abs(rounded - exact).max() < 1e-3
    assert len(packed) < 0.7 * full


def test_patches_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    good = _patches(8, 1)
    good.labels[:] = [True, False] * 4
    three = Patches(np.zeros((8, 64, 64, 3), np.float32), good.labels, good.events)
    none = Patches(good.windows, np.zeros(8, bool), good.events)
    short = Patches(good.windows, good.labels[:5], good.events)
    small = Patches(good.windows[:, :32], good.labels, good.events)
    for parts, message in (
        ((three, three, three), "3 bands"),
        ((good, three, good), "validation patches are"),
        ((none, good, good), "training patches need both"),
        ((good, none, good), "validation patches need both"),
        ((good, good, short), "differ in number"),
        ((small, small, small), "training patches are"),
    ):
        with pytest.raises(ModelError, match=message):
            train_model("small", tmp_path, *parts, STATEMENT, CHOICES)
    with pytest.raises(ModelError, match="no name"):
        train_model("Small One", tmp_path, good, good, good, STATEMENT, CHOICES)
    assert list(tmp_path.iterdir()) == []
