"""The options of training one network, of training many, and of the flow that does the latter."""

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

# Of many.

Stages = Annotated[
    Literal["baseline", "settings", "architectures", "buffers", "all"],
    typer.Option(
        help="|change of VV|; 24 settings of the CNN; of the others; three seeds per buffer."
    ),
]
BufferWorlds = Annotated[
    str, typer.Option(help="The same for the stage 'buffers', a year of acquisitions each.")
]
Rates = Annotated[str, typer.Option(help="The two learning rates of the grid.")]
Cluster = Annotated[
    str, typer.Option(help="none (processes here), local, or a dask scheduler's address.")
]
Again = Annotated[bool, typer.Option("--again", help="Try failed runs once more.")]
Known = Annotated[
    Path | None, typer.Option(help="A table of results, Parquet or CSV, that count as done.")
]

DEFAULT_CACHE = Path("runs/patches")
