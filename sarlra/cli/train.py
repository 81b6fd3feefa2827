"""``sarlra train``: a model from simulated worlds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from sarlra.cli.console import out as console
from sarlra.cli.console import print_json, progress, stages
from sarlra.errors import InputError


def train(
    name: Annotated[str, typer.Option(help="Name of the model.")],
    out: Annotated[Path, typer.Option(help="Folder for NAME.keras and its card NAME.json.")],
    combination: Annotated[
        Literal["VV", "VV_VH"], typer.Option(help="Bands of the composite.")
    ] = "VV_VH",
    worlds: Annotated[
        str, typer.Option(help="Simulated worlds per event for training, validation and test.")
    ] = "6,2,3",
    ratio: Annotated[float, typer.Option(help="Background patches per landslide patch.")] = 5.0,
    filters: Annotated[int, typer.Option(help="Filters of each convolution.")] = 32,
    dropout: Annotated[float, typer.Option(help="Share of features dropped.")] = 0.5,
    learning_rate: Annotated[float, typer.Option(help="Of Adam.")] = 1e-3,
    batch_size: Annotated[int, typer.Option(help="Patches per step.")] = 128,
    epochs: Annotated[int, typer.Option(help="At most so many epochs.")] = 60,
    seed: Annotated[int, typer.Option(help="Of the weights and the order of patches.")] = 1,
    backend: Annotated[
        Literal["tensorflow", "jax", "torch"], typer.Option(help="What Keras trains on.")
    ] = "tensorflow",
    workers: Annotated[int, typer.Option(min=1, help="Processes that simulate.")] = 2,
    cache: Annotated[Path, typer.Option(help="Where patches are kept between runs.")] = Path(
        "runs/patches"
    ),
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Train a network on patches of simulated worlds and write it with its card.

    **Example**: sarlra train --name sim-cnn32-vv-vh --out models
    """
    from sarlra.jobs.train import make_split, train_simulated
    from sarlra.models.engine import train_on
    from sarlra.models.training import Choices

    train_on(backend)
    split = make_split(combination, *_numbers(worlds))

    with progress(quiet=as_json) as bars:
        info = train_simulated(
            name,
            combination,
            split,
            out,
            cache,
            ratio=ratio,
            choices=Choices(
                filters=filters,
                dropout=dropout,
                learning_rate=learning_rate,
                batch_size=batch_size,
                epochs=epochs,
                seed=seed,
            ),
            workers=workers,
            show=stages(bars),
        )
    if as_json:
        print_json(dict(info.card))
        return
    console.print(f"{info.path}: {info.card.get('metrics')}")


def _numbers(text: str) -> tuple[int, int, int]:
    parts = text.split(",")
    if len(parts) != 3 or not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise InputError(
            f"worlds {text!r} are not three numbers", hint="training,validation,test, such as 6,2,3"
        )
    return int(parts[0]), int(parts[1]), int(parts[2])
