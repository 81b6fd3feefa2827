"""The options that training one network and training many share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

Worlds = Annotated[
    str, typer.Option(help="Simulated worlds per event for training, validation and test.")
]
Epochs = Annotated[int, typer.Option(help="At most so many epochs.")]
Patience = Annotated[int, typer.Option(help="Epochs without a lower validation loss.")]
BatchSize = Annotated[int, typer.Option(help="Patches per step.")]
Schedule = Annotated[
    Literal["constant", "cosine"], typer.Option(help="Of the learning rate: kept, or down to 0.")
]
Turn = Annotated[
    Literal["none", "north-south", "flips", "turns"],
    typer.Option(help="How patches are mirrored and turned at random."),
]
Precision = Annotated[
    Literal["float32", "bfloat16"], typer.Option(help="Of the arithmetic in training.")
]
Backend = Annotated[
    Literal["tensorflow", "jax", "torch"], typer.Option(help="What Keras trains on.")
]
Workers = Annotated[int, typer.Option(min=1, help="Processes.")]
Cache = Annotated[Path, typer.Option(help="Where patches and states are kept between runs.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]

DEFAULT_CACHE = Path("runs/patches")
