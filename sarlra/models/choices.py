"""What a training is free to choose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sarlra.errors import InputError
from sarlra.models.architectures import BUILDERS, Architecture

Loss = Literal["focal", "binary"]
Turn = Literal["none", "north-south", "flips", "turns"]
Schedule = Literal["constant", "cosine"]
Precision = Literal["float32", "bfloat16"]


@dataclass(frozen=True, slots=True)
class Choices:
    """What a training is free to choose; the defaults are the paper's where it states them.

    Parameters
    ----------
    architecture, filters, dropout
        Of the network.
    loss, gamma, alpha, class_balancing
        ``focal``: binary focal cross-entropy on probabilities; ``alpha`` weighs the landslide class
        and 1 - alpha the background, which in Keras acts only with ``class_balancing``. ``binary``:
        plain cross-entropy, the paper's for its ResNet.
    learning_rate, schedule
        Of Adam; ``cosine`` brings it to 0 at the last epoch, ``constant`` keeps it.
    batch_size, epochs, patience, momentum
        ``patience`` counts epochs without a lower validation loss; ``momentum`` is that of batch
        normalisation.
    turn
        How patches are turned at random: not at all, mirrored in north and south (which keeps the
        direction of the radar), in both directions, or all eight turns of a square.
    level_db
        Standard deviation of an offset in dB that a patch's bands of backscatter are given.
    change_db
        The same for its bands of change: days differ in moisture and calibration.
    precision
        Of the arithmetic in training; weights and scores are float32 all the same.
    seed
        Of weights, order, dropout and turns.

    Raises
    ------
    InputError
        A value cannot be.
    """

    architecture: Architecture = "cnn"
    filters: int = 32
    dropout: float = 0.5
    loss: Loss = "focal"
    gamma: float = 2.0
    alpha: float = 0.25
    class_balancing: bool = True
    learning_rate: float = 1e-3
    schedule: Schedule = "constant"
    batch_size: int = 128
    epochs: int = 500
    patience: int = 30
    momentum: float = 0.9
    turn: Turn = "none"
    level_db: float = 0.0
    change_db: float = 0.0
    precision: Precision = "float32"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.architecture not in BUILDERS:
            raise InputError(
                f"no architecture {self.architecture!r}", hint=f"choose of {', '.join(BUILDERS)}"
            )
        bounds = {
            "filters": (1, 512), "dropout": (0, 0.95), "learning_rate": (1e-8, 1),
            "batch_size": (1, 65_536), "epochs": (1, 100_000), "patience": (1, 100_000),
            "level_db": (0, 10), "change_db": (0, 10),
        }  # fmt: skip
        for name, (least, most) in bounds.items():
            if not least <= getattr(self, name) <= most:
                raise InputError(f"{name} {getattr(self, name)} is not between {least} and {most}")
