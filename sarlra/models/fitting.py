"""Fitting a network to patches: the loop, the loss, the rate; and going on when interrupted."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sarlra.models.architectures import BUILDERS
from sarlra.models.batches import augmentation, make_batches
from sarlra.models.choices import Choices
from sarlra.models.engine import import_keras
from sarlra.models.follow import Progress, Tell, follow, restore, tell_nobody
from sarlra.models.scoring import BATCH
from sarlra.samples.patches import Patches

logger = logging.getLogger(__name__)
#: Steps by which the rate has warmed up, in epochs, and the share of the whole rate until then.
_WARM = ((1 / 3, 0.01), (3 / 2, 0.1))


@dataclass(frozen=True, slots=True)
class Fitted:
    """A network with the weights of its best epoch.

    ``rows`` holds the figures of each epoch, ``loss`` and ``val_loss``.
    """

    network: Any
    rows: tuple[Mapping[str, float], ...]

    @property
    def epochs(self) -> int:
        """How many were run."""
        return len(self.rows)

    @property
    def loss(self) -> float:
        """The lowest on the validation patches."""
        return min(row["val_loss"] for row in self.rows)


def fit(
    training: Patches,
    validation: Patches,
    choices: Choices,
    bands: tuple[str, ...],
    *,
    folder: Path | None = None,
    tell: Tell = tell_nobody,
) -> Fitted:
    """Train a network until its loss on the validation patches stops falling.

    Parameters
    ----------
    training, validation
        Without missing data.
    choices
        All of them act here.
    bands
        Names of the patches' bands.
    folder
        Where figures and state are written after each epoch. A training that was stopped there, by
        whatever, goes on from its last whole epoch and ends as if nothing had happened.
    tell
        Called after each epoch.

    Raises
    ------
    ModelError
        The folder holds the state of another training.
    """
    keras = import_keras()
    keras.utils.set_random_seed(choices.seed)
    network, model = _build(training, choices, bands)
    progress = restore(folder, model, choices) if folder else Progress()
    done = len(progress.rows)
    if done < choices.epochs and progress.since < choices.patience:
        model.fit(
            make_batches(training, choices.batch_size, choices.seed, done),
            validation_data=make_batches(validation, BATCH, None),
            initial_epoch=done,
            epochs=choices.epochs,
            callbacks=[follow(network, progress, choices, folder, tell)],
            shuffle=False,
            verbose=0,
        )
    logger.info("%d epochs, least validation loss %.5f", len(progress.rows), progress.least)
    return Fitted(_in_float32(network, progress, choices), tuple(progress.rows))


def _build(training: Patches, choices: Choices, bands: tuple[str, ...]) -> tuple[Any, Any]:
    """The network, and the compiled model around it that is fitted."""
    keras = import_keras()
    before = keras.config.dtype_policy()
    if choices.precision == "bfloat16":
        keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        mean, variance = _moments(training.windows)
        network = _network(choices, len(bands), mean, variance)
        turned = augmentation(choices, bands)
        model = keras.Sequential([network.input, *([turned] if turned else []), network])
    finally:
        keras.config.set_dtype_policy(before)
    steps = -(-len(training) // choices.batch_size)
    optimizer = keras.optimizers.Adam(make_rate(choices, steps))
    model.compile(optimizer=optimizer, loss=_loss(choices))
    optimizer.build(model.trainable_variables)
    return network, model


def _network(choices: Choices, bands: int, mean: list[float], variance: list[float]) -> Any:
    return BUILDERS[choices.architecture](
        bands=bands,
        filters=choices.filters,
        dropout=choices.dropout,
        mean=mean,
        variance=variance,
        momentum=choices.momentum,
    )


def _in_float32(network: Any, progress: Progress, choices: Choices) -> Any:
    """The network with its best weights, in float32 whatever it was trained in."""
    if choices.precision == "bfloat16":
        norm = network.get_layer("standardise")
        mean, variance = np.ravel(norm.mean).tolist(), np.ravel(norm.variance).tolist()
        network = _network(choices, int(network.input_shape[-1]), mean, variance)
    network.set_weights(progress.best)
    return network


def _loss(choices: Choices) -> Any:
    losses = import_keras().losses
    if choices.loss == "binary":
        return losses.BinaryCrossentropy()
    return losses.BinaryFocalCrossentropy(
        apply_class_balancing=choices.class_balancing, alpha=choices.alpha, gamma=choices.gamma
    )


def make_rate(choices: Choices, steps: int) -> Any:
    """The learning rate by step: a hundredth for a third of an epoch, a tenth until one and a half.

    In the first steps all weights move the same way, towards the common class; at the full rate the
    sigmoid can reach exactly 0 for every window, where the loss has no gradient any more.

    Parameters
    ----------
    choices
        Rate, schedule and number of epochs.
    steps
        Of an epoch.

    Returns
    -------
    keras.optimizers.schedules.LearningRateSchedule
    """
    keras = import_keras()
    total = steps * choices.epochs

    base: Any = keras.optimizers.schedules.LearningRateSchedule

    class Rate(base):  # type: ignore[misc]
        def __call__(self, step: Any) -> Any:
            ops = keras.ops
            step = ops.cast(step, "float32")
            rate = ops.convert_to_tensor(np.float32(choices.learning_rate))
            if choices.schedule == "cosine":
                rate = rate * 0.5 * (1 + ops.cos(np.float32(np.pi) * ops.minimum(step / total, 1)))
            for epochs, share in reversed(_WARM):
                rate = ops.where(step < max(1, epochs * steps), choices.learning_rate * share, rate)
            return rate

        def get_config(self) -> dict[str, Any]:
            return {}

    return Rate()


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
