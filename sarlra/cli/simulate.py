"""``sarlra simulate``: a small world with an earthquake, as an archive would publish it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sarlra.cli.console import out as console
from sarlra.cli.console import print_json, progress, stages


def simulate(
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same bytes.")],
    out: Annotated[Path, typer.Option(help="Folder to write; must be absent or empty.")],
    size: Annotated[int, typer.Option(help="Edge of the world in pixels of 10 m.")] = 2048,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Write a simulated world: event.geojson, items.json, inventory.gpkg, dem.tif and the scenes.

    **Example**: sarlra simulate --seed 7 --out world &&
    sarlra detect world/event.geojson --source world/items.json --out found
    """
    from sarlra.simulation.world import simulate as make_world

    with progress(quiet=as_json) as bars:
        world = make_world(seed, out, size_px=size, progress=stages(bars))
    if as_json:
        print_json(world)
        return
    console.print(f"simulated world {seed} in {out}")
