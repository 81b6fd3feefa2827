"""One small training from patches to a stored model."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sarlra.errors import InputError, ModelError
from sarlra.models.batches import augmentation, make_batches
from sarlra.models.choices import Choices
from sarlra.models.fitting import fit
from sarlra.models.metrics import count
from sarlra.models.registry import find_model
from sarlra.models.scoring import load_scorer
from sarlra.models.training import Parts, Statement, train_model
from sarlra.samples.patches import Patches

STATEMENT = Statement("A test.", "Apache-2.0", ("A test.",), {"seeds": [1, 2, 3]})
BANDS = ("post_vv", "diff_vv")
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
    parts = Parts(training, validation, test, natural=validation)
    info = train_model("small", tmp_path, parts, STATEMENT, CHOICES)
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

    calibration = info.card["calibration"]
    assert calibration["brier_after"] <= calibration["brier_before"]
    assert calibration["samples"] == len(validation)

    again = train_model("small", tmp_path / "b", parts, STATEMENT, CHOICES)
    assert again.sha256 == info.sha256
    with pytest.raises(ModelError, match="already a model"):
        train_model("small", tmp_path, parts, STATEMENT, CHOICES)


@pytest.mark.slow
def test_rounding_to_half_precision_moves_scores_by_less_than_a_thousandth() -> None:
    from sarlra.models.keras_file import load_network
    from sarlra.models.packing import pack_network, round_to_half_precision

    training, validation = _patches(200, 4), _patches(60, 5)
    clean = [Patches(np.nan_to_num(p.windows), p.labels, p.events) for p in (training, validation)]
    fitted = fit(clean[0], clean[1], dataclasses.replace(CHOICES, epochs=2), BANDS)
    assert fitted.epochs == 2
    network = fitted.network
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
            train_model("small", tmp_path, Parts(*parts), STATEMENT, CHOICES)
    with pytest.raises(ModelError, match="no name"):
        train_model("Small One", tmp_path, Parts(good, good, good), STATEMENT, CHOICES)
    assert list(tmp_path.iterdir()) == []


class KilledError(Exception):
    pass


@pytest.mark.slow
@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_a_training_that_was_stopped_ends_as_if_it_had_not_been(
    tmp_path: Path, schedule: Any
) -> None:
    clean = [
        Patches(np.nan_to_num(p.windows), p.labels, p.events)
        for p in (_patches(150, 6), _patches(60, 7))
    ]
    choices = dataclasses.replace(
        CHOICES, epochs=4, patience=9, schedule=schedule, turn="turns", change_db=0.3
    )
    whole = fit(clean[0], clean[1], choices, BANDS)

    def stop(done: int, _most: int, _row: object) -> None:
        if done == 2:
            raise KilledError

    with pytest.raises(KilledError):
        fit(clean[0], clean[1], choices, BANDS, folder=tmp_path, tell=stop)
    seen: list[int] = []
    resumed = fit(
        clean[0], clean[1], choices, BANDS, folder=tmp_path, tell=lambda n, _m, _r: seen.append(n)
    )
    assert seen == [3, 4]
    assert resumed.rows == whole.rows
    for ours, theirs in zip(
        resumed.network.get_weights(), whole.network.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)

    lines = (tmp_path / "epochs.csv").read_text().splitlines()
    assert lines[0].startswith("epoch,")
    assert len(lines) == 5
    assert list((tmp_path / "tensorboard").iterdir())
    seen.clear()
    fit(clean[0], clean[1], choices, BANDS, folder=tmp_path, tell=lambda n, _m, _r: seen.append(n))
    assert seen == []  # it was over
    with pytest.raises(ModelError, match="other choices"):
        fit(clean[0], clean[1], dataclasses.replace(choices, dropout=0.1), BANDS, folder=tmp_path)
    (tmp_path / "state.npz").write_bytes(b"PK")
    with pytest.raises(ModelError, match="no state of a training"):
        fit(clean[0], clean[1], choices, BANDS, folder=tmp_path)


def test_choices_that_cannot_be_are_refused() -> None:
    for wrong in ({"filters": 0}, {"dropout": 1.0}, {"learning_rate": 0.0}, {"change_db": -1.0}):
        with pytest.raises(InputError, match=next(iter(wrong))):
            Choices(**wrong)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="no architecture 'transformer'"):
        Choices(architecture="transformer")  # type: ignore[arg-type]


def test_batches_follow_from_seed_and_epoch_alone() -> None:
    patches = Patches(
        np.arange(10, dtype=np.float32)[:, None, None, None] * np.ones((1, 2, 2, 1), np.float32),
        np.arange(10) % 2 == 0,
        np.full(10, "e"),
    )

    def epoch(batches: Any) -> list[float]:
        return [float(x) for i in range(len(batches)) for x in batches[i][0][:, 0, 0, 0]]

    first, second = make_batches(patches, 4, 1), make_batches(patches, 4, 1, epoch=1)
    assert len(first) == 3
    drawn = epoch(first)
    assert sorted(drawn[:10]) == list(range(10))
    assert drawn[10:] == drawn[:2]  # the last batch is filled up
    first.on_epoch_end()
    assert epoch(first) == epoch(second) != drawn
    assert epoch(make_batches(patches, 4, None)) == list(range(10))
    windows, labels = first[0]
    np.testing.assert_array_equal(labels[:, 0], windows[:, 0, 0, 0] % 2 == 0)


def test_turns_move_pixels_and_offsets_move_bands_as_chosen() -> None:
    rng = np.random.default_rng(0)
    windows = rng.normal(size=(64, 64, 64, 2)).astype(np.float32)
    turned = augmentation(dataclasses.replace(CHOICES, turn="turns"), BANDS)
    assert turned is not None
    np.testing.assert_array_equal(turned(windows, training=False), windows)
    result = np.asarray(turned(windows, training=True))
    squares = [
        [np.rot90(w, k, axes=(0, 1)) for k in range(4)]
        + [np.rot90(w[::-1], k, axes=(0, 1)) for k in range(4)]
        for w in windows
    ]
    kinds = [
        next(i for i, s in enumerate(options) if np.array_equal(s, r))
        for options, r in zip(squares, result, strict=True)
    ]
    assert set(kinds) == set(range(8))

    kept = augmentation(dataclasses.replace(CHOICES, turn="north-south"), BANDS)
    assert kept is not None
    result = np.asarray(kept(windows, training=True))
    assert all(
        np.array_equal(r, w) or np.array_equal(r, w[::-1])
        for r, w in zip(result, windows, strict=True)
    )
    moved = augmentation(dataclasses.replace(CHOICES, change_db=0.5), BANDS)
    assert moved is not None
    offset = np.asarray(moved(windows, training=True)) - windows
    np.testing.assert_array_equal(offset[..., 0], 0)
    assert np.ptp(offset[..., 1], axis=(1, 2)).max() < 1e-5
    assert 0.3 < offset[:, 0, 0, 1].std() < 0.7
    assert augmentation(CHOICES, BANDS) is None
