"""What a training leaves behind while it runs: its state, its figures, its best weights."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sarlra.errors import ModelError
from sarlra.models.choices import Choices
from sarlra.models.engine import import_keras
from sarlra.models.files import write_atomically

#: Called after each epoch with the number done, how many there are at most, and the figures.
Tell = Callable[[int, int, Mapping[str, float]], None]
_STATE = "state.npz"


def tell_nobody(_done: int, _most: int, _row: Mapping[str, float]) -> None:
    """The :data:`Tell` of a training that nobody watches."""


@dataclass(slots=True)
class Progress:
    """How far a training is.

    ``rows`` holds the figures of each epoch, ``best`` the weights of the one with the lowest
    validation loss, ``since`` how many epochs ago that was.
    """

    rows: list[dict[str, float]] = field(default_factory=list)
    best: list[NDArray[np.float32]] = field(default_factory=list)
    least: float = float("inf")
    since: int = 0


def follow(
    network: Any, progress: Progress, choices: Choices, folder: Path | None, tell: Tell
) -> Any:
    """A Keras callback that keeps the best weights, stops when they do not get better, and writes.

    Parameters
    ----------
    network
        Whose weights are kept; the fitted model may wrap it.
    progress
        Filled; where it holds something already, training goes on from there.
    folder
        Gets ``epochs.csv``, TensorBoard's events and the state after each epoch, from which
        :func:`restore` goes on; None writes nothing.
    """
    keras = import_keras()
    board = _open_board(folder) if folder else None

    base: Any = keras.callbacks.Callback

    class Follow(base):  # type: ignore[misc]
        def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
            row = {name: float(value) for name, value in (logs or {}).items()}
            progress.rows.append(row)
            if row["val_loss"] < progress.least:
                progress.least, progress.since = row["val_loss"], 0
                progress.best = [np.array(w) for w in network.get_weights()]
            else:
                progress.since += 1
            if progress.since >= choices.patience:
                self.model.stop_training = True
            if folder:
                _write(folder, self.model, progress, choices)
            if board:
                board(epoch + 1, row)
            tell(epoch + 1, choices.epochs, row)

    return Follow()


def restore(folder: Path, model: Any, choices: Choices) -> Progress:
    """Bring a built and compiled model to the state that a training left, and say how far it was.

    Raises
    ------
    ModelError
        The state was left by a training with other choices, or is damaged.
    """
    path = folder / _STATE
    if not path.is_file():
        return Progress()
    try:
        with np.load(path, allow_pickle=False) as stored:
            facts = json.loads(str(stored["facts"]))
            held = [stored[f"variable_{i}"] for i in range(int(facts["variables"]))]
            best = [stored[f"best_{i}"] for i in range(int(facts["best"]))]
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise ModelError(
            f"{path}: is no state of a training: {error}", hint="remove it to begin anew"
        ) from error
    variables = _variables(model)
    fits = facts["choices"] == _digest(choices) and len(held) == len(variables)
    if not fits or any(h.shape != tuple(v.shape) for h, v in zip(held, variables, strict=True)):
        raise ModelError(
            f"{path}: was left by a training with other choices",
            hint="give the same choices, another name, or remove it to begin anew",
        )
    for variable, value in zip(variables, held, strict=True):
        variable.assign(value)
    rows = [dict(row) for row in facts["rows"]]
    return Progress(rows, best, float(facts["least"]), int(facts["since"]))


def _write(folder: Path, model: Any, progress: Progress, choices: Choices) -> None:
    """The figures first, the state last: what is in the state has been written down."""
    _write_rows(folder / "epochs.csv", progress.rows)
    variables = _variables(model)
    facts = {
        "choices": _digest(choices),
        "variables": len(variables),
        "best": len(progress.best),
        "rows": progress.rows,
        "least": progress.least,
        "since": progress.since,
    }
    arrays = {f"variable_{i}": np.asarray(v) for i, v in enumerate(variables)}
    arrays |= {f"best_{i}": w for i, w in enumerate(progress.best)}
    packed = io.BytesIO()
    np.savez(packed, facts=np.array(json.dumps(facts)), **arrays)  # type: ignore[arg-type]
    write_atomically(folder / _STATE, packed.getvalue())


def _write_rows(path: Path, rows: Sequence[Mapping[str, float]]) -> None:
    names = list(rows[0])
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(["epoch", *names])
    table.writerows([number, *(row[n] for n in names)] for number, row in enumerate(rows, start=1))
    write_atomically(path, text.getvalue().encode())


def _variables(model: Any) -> list[Any]:
    """All that a step of the training reads and changes: weights, seeds, the optimizer's moments.

    Metrics start anew with each epoch.
    """
    metrics = {id(v) for v in model.metrics_variables}
    return [v for v in (*model.variables, *model.optimizer.variables) if id(v) not in metrics]


def _digest(choices: Choices) -> str:
    """Of what must not change between a training and its continuation: all but its length."""
    facts = asdict(choices)
    if choices.schedule == "constant":
        facts.pop("epochs")
    facts.pop("patience")
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _open_board(folder: Path) -> Callable[[int, Mapping[str, float]], None] | None:
    """Writes scalars as TensorBoard reads them, on any backend; None where it is not installed."""
    try:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.summary.writer.event_file_writer import EventFileWriter
    except ImportError:
        return None
    writer = EventFileWriter(str(folder / "tensorboard"))

    def write(step: int, row: Mapping[str, float]) -> None:
        values = [Summary.Value(tag=name, simple_value=value) for name, value in row.items()]
        writer.add_event(Event(step=step, summary=Summary(value=values)))
        writer.flush()

    return write
