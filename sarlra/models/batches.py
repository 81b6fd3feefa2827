"""Patches in batches, in an order that follows from seed and epoch alone."""

from __future__ import annotations

from typing import Any

import numpy as np

from sarlra.models.choices import Choices
from sarlra.models.engine import import_keras
from sarlra.samples.patches import Patches


def make_batches(patches: Patches, batch_size: int, seed: int | None, epoch: int = 0) -> Any:
    """Patches as a data set that Keras takes.

    Parameters
    ----------
    patches
        Finite. Where Keras runs on JAX they are put on its device once, as it has room for them.
    batch_size
        The last batch of an epoch is filled up with patches from its beginning, so that all have
        one shape and nothing is compiled twice.
    seed
        Orders each epoch anew by (seed, epoch), whatever came before; None keeps the order, and
        leaves the last batch short.
    epoch
        With which to begin.

    Returns
    -------
    keras.utils.PyDataset
        Batches of ``(n, 64, 64, bands)`` and ``(n, 1)``, float32.
    """
    keras = import_keras()
    windows: Any = patches.windows
    on_device = keras.backend.backend() == "jax"
    if on_device:
        windows = keras.ops.convert_to_tensor(windows)
    labels = patches.labels.astype(np.float32)[:, None]

    base: Any = keras.utils.PyDataset

    class Batches(base):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__(workers=1)
            self.epoch = epoch
            self.order = self._draw()

        def __len__(self) -> int:
            return -(-len(labels) // batch_size)

        def __getitem__(self, number: int) -> tuple[Any, Any]:
            at = np.arange(number * batch_size, (number + 1) * batch_size)
            if seed is None:
                at = at[at < len(labels)]
            chosen = self.order[at % len(labels)]
            if on_device:
                return keras.ops.take(windows, chosen, axis=0), labels[chosen]
            return windows[chosen], labels[chosen]

        def on_epoch_end(self) -> None:
            self.epoch += 1
            self.order = self._draw()

        def _draw(self) -> Any:
            if seed is None:
                return np.arange(len(labels))
            return np.random.default_rng((seed, self.epoch)).permutation(len(labels))

    return Batches()


def augmentation(choices: Choices, bands: tuple[str, ...]) -> Any | None:
    """A layer that turns and offsets patches at random in training; None where nothing is chosen.

    It stands before the network and is not stored with it.
    """
    if choices.turn == "none" and not choices.level_db and not choices.change_db:
        return None
    keras = import_keras()
    ops = keras.ops
    change = [name.startswith("diff_") for name in bands]
    spread = np.where(change, choices.change_db, choices.level_db).astype(np.float32)

    base: Any = keras.layers.Layer

    class Augmentation(base):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__(name="augmentation", dtype="float32")
            self.random = keras.random.SeedGenerator(choices.seed)

        def call(self, x: Any, training: bool = False) -> Any:
            if not training:
                return x
            number = ops.shape(x)[0]
            if choices.turn != "none":
                x = ops.where(self._toss(number), ops.flip(x, 1), x)
            if choices.turn in ("flips", "turns"):
                x = ops.where(self._toss(number), ops.flip(x, 2), x)
            if choices.turn == "turns":
                x = ops.where(self._toss(number), ops.swapaxes(x, 1, 2), x)
            if spread.any():
                drawn = keras.random.normal((number, 1, 1, len(bands)), seed=self.random)
                x = x + drawn * spread
            return x

        def _toss(self, number: Any) -> Any:
            return keras.random.uniform((number, 1, 1, 1), seed=self.random) < 0.5

        def compute_output_shape(self, shape: Any) -> Any:
            return shape

    return Augmentation()
