"""Training one network on patches, and putting it on a shelf with its card."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sarlra.errors import ModelError
from sarlra.models.card import Card
from sarlra.models.cnn import build_cnn
from sarlra.models.engine import import_keras
from sarlra.models.files import sha256
from sarlra.models.fill import fill_nodata
from sarlra.models.keras_file import load_network, pack_network, round_to_half_precision
from sarlra.models.metrics import best_threshold, count
from sarlra.models.registry import BANDS, ModelInfo, check_name_is_free, store_model
from sarlra.models.scoring import BATCH
from sarlra.samples.patches import Patches

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Choices:
    """What a training is free to choose; the defaults are the paper's where it states them.

    ``alpha`` weighs the landslide class and 1 - alpha the background (``class_balancing``); in
    Keras it acts only so. ``patience`` counts epochs without a lower validation loss.
    """

    filters: int = 32
    dropout: float = 0.5
    learning_rate: float = 1e-3
    batch_size: int = 128
    epochs: int = 500
    patience: int = 30
    gamma: float = 2.0
    alpha: float = 0.25
    class_balancing: bool = True
    momentum: float = 0.9
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Statement:
    """What the card says beyond what training knows itself.

    ``data`` says where the patches come from, as plain JSON values (seeds of simulated worlds,
    study cases, splits).
    """

    description: str
    licence: str
    limits: tuple[str, ...]
    data: Mapping[str, Any]


def train_model(
    name: str,
    folder: Path,
    training: Patches,
    validation: Patches,
    test: Patches,
    statement: Statement,
    choices: Choices = Choices(),
) -> ModelInfo:
    """Train the paper's CNN, choose its threshold, measure it, and store it.

    Weights are rounded to half precision before anything is measured, so that all figures are of
    the file that is stored. The threshold is the best on the validation patches; the test patches
    decide nothing. The same patches and choices give the same file on the same machine.

    Parameters
    ----------
    name, folder
        ``folder/name.keras`` and ``folder/name.json`` are written, the card last.
    training, validation, test
        Of 2 (VV) or 4 (VV_VH) bands; both classes in the first two. Not changed.
    statement, choices
        For the card; for the training.

    Returns
    -------
    ModelInfo
        With ``card["metrics"]``: counts, precision, recall, F1 and accuracy on each part, and on
        the test part per event.

    Raises
    ------
    ModelError
        The patches do not fit one another, lack a class, or the name is taken.
    OutputError
        The folder cannot be written to.
    """
    check_name_is_free(name, folder)
    combination = _check(training, validation, test)
    bands = BANDS[combination]
    parts = {
        part: Patches(_filled(p.windows, bands), p.labels.astype(bool), p.events)
        for part, p in (("training", training), ("validation", validation), ("test", test))
    }
    network, epochs = fit(parts["training"], parts["validation"], choices)
    network.set_weights([round_to_half_precision(w) for w in network.get_weights()])
    packed = pack_network(network)
    stored = load_network(packed, name)
    scores = {part: _predict(stored, p.windows) for part, p in parts.items()}
    if np.ptp(scores["validation"]) == 0:
        raise ModelError(
            f"{name} did not learn: it gives every validation patch the same score",
            hint="train again with another seed or a lower learning rate",
        )
    threshold = best_threshold(scores["validation"], parts["validation"].labels)
    metrics = {
        part: count(scores[part], p.labels, threshold).as_json() for part, p in parts.items()
    }
    metrics["test_per_event"] = {
        str(event): count(
            scores["test"][chosen := parts["test"].events == event],
            parts["test"].labels[chosen],
            threshold,
        ).as_json()
        for event in np.unique(test.events)
    }
    card = Card(
        name=name,
        sha256=sha256(packed),
        combination="VV" if combination == "VV" else "VV_VH",
        orbit_states=("ascending", "descending"),
        architecture="cnn",
        filters=choices.filters,
        radiometry="gamma0",
        threshold=threshold,
        licence=statement.licence,
        description=statement.description,
        limits=statement.limits,
        parameters=int(stored.count_params()),
        training={
            "data": dict(statement.data),
            "choices": asdict(choices),
            "loss": "binary focal cross-entropy on probabilities",
            "optimizer": "Adam; a hundredth of the rate for a third of an epoch, a tenth until 1.5",
            "epochs": epochs,
            "weights": "rounded to half precision",
        },
        metrics=metrics,
    )
    return store_model(packed, card, folder)


def fit(training: Patches, validation: Patches, choices: Choices) -> tuple[Any, int]:
    """Train a network until its loss on the validation patches stops falling.

    Parameters
    ----------
    training, validation
        Without missing data.
    choices
        All of them act here.

    Returns
    -------
    (keras.Model, int)
        With the weights of its best epoch, and the number of epochs run.
    """
    keras = import_keras()
    keras.utils.set_random_seed(choices.seed)
    mean, variance = _moments(training.windows)
    network = build_cnn(
        bands=training.windows.shape[-1],
        filters=choices.filters,
        dropout=choices.dropout,
        mean=mean,
        variance=variance,
        momentum=choices.momentum,
    )
    steps = -(-len(training.windows) // choices.batch_size)
    network.compile(
        optimizer=keras.optimizers.Adam(_warm_up(keras, choices.learning_rate, steps)),
        loss=keras.losses.BinaryFocalCrossentropy(
            apply_class_balancing=choices.class_balancing,
            alpha=choices.alpha,
            gamma=choices.gamma,
        ),
    )
    stop = keras.callbacks.EarlyStopping(
        monitor="val_loss", patience=choices.patience, restore_best_weights=True
    )
    history = network.fit(
        training.windows,
        training.labels.astype(np.float32)[:, None],
        validation_data=(validation.windows, validation.labels.astype(np.float32)[:, None]),
        batch_size=choices.batch_size,
        epochs=choices.epochs,
        callbacks=[stop, keras.callbacks.LambdaCallback(on_epoch_end=_say)],
        verbose=0,
    )
    losses = history.history["val_loss"]
    logger.info("trained %d epochs, least validation loss %.5f", len(losses), min(losses))
    return network, len(losses)


def _warm_up(keras: Any, rate: float, steps: int) -> Any:
    """The learning rate: a hundredth for a third of an epoch, a tenth until one and a half.

    In the first steps all weights move the same way, towards the common class; at the full rate the
    sigmoid can reach exactly 0 for every window, where the loss has no gradient any more.

    Parameters
    ----------
    rate
        The whole rate.
    steps
        Of an epoch.
    """
    return keras.optimizers.schedules.PiecewiseConstantDecay(
        [max(1, steps // 3), max(2, 3 * steps // 2)], [rate / 100, rate / 10, rate]
    )


def _say(epoch: int, logs: Mapping[str, float] | None = None) -> None:
    known = logs or {}
    logger.info(
        "epoch %d: loss %.5f, validation loss %.5f",
        epoch + 1,
        known.get("loss", float("nan")),
        known.get("val_loss", float("nan")),
    )


def _filled(windows: NDArray[np.float32], bands: tuple[str, ...]) -> NDArray[np.float32]:
    """The windows without missing data; a copy only where there is some."""
    finite = all(np.isfinite(windows[i : i + BATCH]).all() for i in range(0, len(windows), BATCH))
    return windows if finite else fill_nodata(windows.copy(), bands)


def _moments(windows: NDArray[np.float32]) -> tuple[list[float], list[float]]:
    """Mean and variance per band, summed in float64 batch by batch to spare memory."""
    total = square = np.zeros(windows.shape[-1])
    for start in range(0, len(windows), BATCH):
        pixels = windows[start : start + BATCH].reshape(-1, windows.shape[-1]).astype(np.float64)
        total = total + pixels.sum(axis=0)
        square = square + (pixels**2).sum(axis=0)
    number = windows.size / windows.shape[-1]
    mean = total / number
    return mean.tolist(), np.maximum(square / number - mean**2, 1e-6).tolist()


def _check(training: Patches, validation: Patches, test: Patches) -> str:
    """The combination of bands that all parts have."""
    bands = training.windows.shape[-1]
    for part, patches in (("training", training), ("validation", validation), ("test", test)):
        shape, n = patches.windows.shape, len(patches.windows)
        if len(shape) != 4 or shape[1:] != (64, 64, bands):
            raise ModelError(f"{part} patches are {shape}, not (n, 64, 64, {bands})")
        if patches.labels.shape != (n,) or patches.events.shape != (n,):
            raise ModelError(f"{part} patches, labels and events differ in number")
        labels = patches.labels.astype(bool)
        if part != "test" and (not labels.any() or labels.all()):
            raise ModelError(f"{part} patches need both landslide and background")
    for combination, names in BANDS.items():
        if len(names) == bands:
            return combination
    raise ModelError(f"patches of {bands} bands fit no combination", hint="2 (VV) or 4 (VV_VH)")


def _predict(network: Any, windows: NDArray[np.float32]) -> NDArray[np.float32]:
    if not len(windows):
        return np.empty(0, dtype=np.float32)
    scores = network.predict(windows, batch_size=BATCH, verbose=0)
    return np.asarray(scores[:, 0], dtype=np.float32)
