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
    seeds: Annotated[str, typer.Option(help="Worlds to learn from, such as 1-12.")] = "1-12",
    validate: Annotated[str, typer.Option(help="Worlds to stop and set the threshold by.")] = (
        "101-103"
    ),
    test: Annotated[str, typer.Option(help="Worlds to report on, never seen.")] = "201-203",
    ratio: Annotated[float, typer.Option(help="Background patches per landslide patch.")] = 5.0,
    filters: Annotated[int, typer.Option(help="Filters of each convolution.")] = 32,
    dropout: Annotated[float, typer.Option(help="Share of features dropped.")] = 0.5,
    learning_rate: Annotated[float, typer.Option(help="Of Adam.")] = 1e-3,
    epochs: Annotated[int, typer.Option(help="At most so many epochs.")] = 60,
    seed: Annotated[int, typer.Option(help="Of the weights and the order of patches.")] = 1,
    cache: Annotated[Path, typer.Option(help="Where patches are kept between runs.")] = Path(
        "runs/patches"
    ),
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Train a network on patches of simulated worlds and write it with its card.

    **Example**: sarlra train --name sim-cnn32-vv-vh --out models
    """
    from sarlra.jobs.train import train_simulated
    from sarlra.models.training import Choices

    with progress(quiet=as_json) as bars:
        info = train_simulated(
            name,
            combination,
            (_seeds(seeds), _seeds(validate), _seeds(test)),
            out,
            cache,
            ratio=ratio,
            choices=Choices(
                filters=filters,
                dropout=dropout,
                learning_rate=learning_rate,
                epochs=epochs,
                seed=seed,
            ),
            show=stages(bars),
        )
    if as_json:
        print_json(dict(info.card))
        return
    console.print(f"{info.path}: {info.card.get('metrics')}")


def _seeds(text: str) -> tuple[int, ...]:
    first, _, last = text.partition("-")
    if not first.isdecimal() or not (last or first).isdecimal():
        raise InputError(f"seeds {text!r} are no range", hint="write them as 1-12, or one number")
    return tuple(range(int(first), int(last or first) + 1))
