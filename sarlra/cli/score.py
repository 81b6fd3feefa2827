"""``sarlra score``: a model over somebody's own composite."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sarlra.cli.console import out as console
from sarlra.cli.console import print_json
from sarlra.cli.options import AsJson


def score(
    composite: Annotated[
        Path,
        typer.Argument(
            help="GeoTIFF or Zarr group; bands post VV, post VH, diff VV, diff VH "
            "(or post VV, diff VV) in dB."
        ),
    ],
    model: Annotated[str, typer.Option(help="Name or file of a model.")],
    out: Annotated[Path, typer.Option(help="GeoParquet file to write, a row per window.")],
    threshold: Annotated[
        float | None, typer.Option(help="Score over which a window is kept; else the model's.")
    ] = None,
    reference_mode: Annotated[
        bool,
        typer.Option("--reference-mode", help="Do as the public SAR-LRA tool does, box for box."),
    ] = False,
    min_slope: Annotated[
        float, typer.Option(help="Slope mask: degrees under which ground is level; with --dem.")
    ] = 0.0,
    dem: Annotated[Path | None, typer.Option(help="Raster of heights for --min-slope.")] = None,
    as_json: AsJson = False,
) -> None:
    """Score every window of a composite.

    Writes `row`, `col` (upper left pixel), `score`, `kept` (over the threshold and not suppressed),
    `reason` (why there is no score) and `geometry`. `--reference-mode` reproduces the public tool,
    its slips included.

    **Example**: sarlra score composite.tif --model sim-cnn32-vv-vh-ascending --out windows.parquet
    """  # fmt: skip
    from sarlra.detection.score_file import score_composite
    from sarlra.models.registry import find_model

    windows = score_composite(
        composite,
        find_model(model),
        reference_mode=reference_mode,
        threshold=threshold,
        out=out,
        min_slope=min_slope,
        dem=dem,
    )
    facts = {"windows": len(windows), "scored": int(windows["score"].notna().sum()),
             "level": int((windows["reason"] == "level ground").sum()),
             "kept": int(windows["kept"].sum()), "out": out}  # fmt: skip
    if as_json:
        print_json(facts)
        return
    console.print(f"{facts['windows']} windows, {facts['scored']} scored, "
                  f"{facts['kept']} kept: {out}")  # fmt: skip
