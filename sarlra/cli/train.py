"""``sarlra train``: a model from simulated worlds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from sarlra.cli import training_options as options
from sarlra.cli.console import out as console
from sarlra.cli.console import print_json, progress, stages
from sarlra.cli.options import AsJson

if TYPE_CHECKING:
    from sarlra.scenes.model import OrbitState


def train(
    name: Annotated[str, typer.Option(help="Name of the model.")],
    out: Annotated[Path, typer.Option(help="Folder for NAME.keras and its card NAME.json.")],
    combination: Annotated[
        Literal["VV", "VV_VH"], typer.Option(help="Bands of the composite.")
    ] = "VV_VH",
    orbit: Annotated[
        Literal["ascending", "descending", "both"], typer.Option(help="Direction of the passes.")
    ] = "both",
    buffers: Annotated[str, typer.Option(help="Days before and after the event.")] = "60-12",
    architecture: Annotated[
        Literal["cnn", "cbam", "resnet"], typer.Option(help="Of the network.")
    ] = "cnn",
    worlds: options.Worlds = "6,2,3",
    ratio: Annotated[
        float, typer.Option(min=0.1, max=10, help="Background patches per landslide patch.")
    ] = 5.0,
    filters: Annotated[int, typer.Option(help="Filters of each convolution.")] = 32,
    dropout: Annotated[float, typer.Option(help="Share of features dropped.")] = 0.5,
    loss: Annotated[
        Literal["focal", "binary"], typer.Option(help="Focal or plain cross-entropy.")
    ] = "focal",
    learning_rate: Annotated[float, typer.Option(help="Of Adam.")] = 1e-3,
    schedule: options.Schedule = "cosine",
    turn: options.Turn = "turns",
    change_db: Annotated[
        float, typer.Option(help="Spread of random offsets of the change bands, dB.")
    ] = 0.3,
    batch_size: options.BatchSize = 128,
    epochs: options.Epochs = 60,
    patience: options.Patience = 30,
    precision: options.Precision = "float32",
    seed: Annotated[int, typer.Option(help="Of the weights and the order of patches.")] = 1,
    backend: options.Backend = "tensorflow",
    workers: options.Workers = 2,
    cache: options.Cache = options.DEFAULT_CACHE,
    as_json: AsJson = False,
) -> None:
    """Train a network on patches of simulated worlds and write it with its card.

    Started again after an interruption, it goes on from its last whole epoch. Figures of each
    epoch lie in CACHE/training/NAME, as a table and for TensorBoard.

    **Example**: sarlra train --name mine --orbit ascending --out models
    """
    from sarlra.models.choices import Choices
    from sarlra.models.engine import train_on
    from sarlra.recipe import parse_buffers
    from sarlra.training.sweep_ask import parse_worlds
    from sarlra.training.train import Task, train_simulated
    from sarlra.training.worlds import make_split

    split = make_split(*parse_worlds(worlds))
    choices = Choices(
        architecture=architecture,
        filters=filters,
        dropout=dropout,
        loss=loss,
        learning_rate=learning_rate,
        schedule=schedule,
        turn=turn,
        change_db=change_db,
        batch_size=batch_size,
        epochs=epochs,
        patience=patience,
        precision=precision,
        seed=seed,
    )
    states: tuple[OrbitState, ...] = ("ascending", "descending") if orbit == "both" else (orbit,)
    task = Task(combination, states, choices, ratio, parse_buffers(buffers))
    train_on(backend)
    with progress(quiet=as_json) as bars:
        info = train_simulated(name, task, split, out, cache, workers=workers, show=stages(bars))
    if as_json:
        print_json(dict(info.card))
        return
    console.print(f"{info.path}: {info.card.get('metrics')}")
