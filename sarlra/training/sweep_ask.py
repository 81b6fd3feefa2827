"""From what a user asks for to a sweep; the command and the flow say it the same way."""

from __future__ import annotations

from sarlra.errors import InputError
from sarlra.models.choices import Choices, Precision, Schedule, Turn
from sarlra.training.sweep_runs import Grid

#: Spread of the random offsets of the change bands in a sweep, dB.
CHANGE_DB = 0.3


def parse_worlds(text: str) -> tuple[int, int, int]:
    """Read ``6,2,3``: worlds per event for training, validation and test.

    Raises
    ------
    InputError
        The text has another form.
    """
    parts = text.split(",")
    if len(parts) != 3 or not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise InputError(
            f"worlds {text!r} are not three numbers", hint="training,validation,test, such as 6,2,3"
        )
    return int(parts[0]), int(parts[1]), int(parts[2])


def make_grid(
    *,
    rates: str,
    schedule: Schedule = "cosine",
    turn: Turn = "turns",
    batch_size: int = 256,
    epochs: int = 60,
    patience: int = 30,
    precision: Precision = "float32",
) -> Grid:
    """The grid of a sweep.

    Parameters
    ----------
    rates
        Learning rates such as ``1e-3,1e-4``; the rest as of
        :class:`~sarlra.models.choices.Choices`.

    Raises
    ------
    InputError
        The rates are no numbers, or a value cannot be.
    """
    try:
        numbers = tuple(float(part) for part in rates.split(","))
    except ValueError as error:
        raise InputError(f"rates {rates!r} are not numbers", hint="such as 1e-3,1e-4") from error
    base = Choices(
        schedule=schedule, turn=turn, batch_size=batch_size, epochs=epochs, patience=patience,
        precision=precision, change_db=CHANGE_DB, seed=1,
    )  # fmt: skip
    return Grid(base, numbers)
