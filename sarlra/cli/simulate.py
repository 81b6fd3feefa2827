"""``sarlra simulate``: a world with an earthquake, or a whole event, as an archive publishes it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sarlra.cli.console import err, print_json, progress, stages
from sarlra.cli.console import out as console
from sarlra.cli.options import AsJson
from sarlra.errors import InputError

if TYPE_CHECKING:
    from sarlra.simulation.world import SimulatedWorld


def simulate(
    out: Annotated[Path, typer.Option(help="Folder to write; must be absent or empty.")],
    seed: Annotated[
        int | None, typer.Option(min=0, help="Of one world: the same seed gives the same bytes.")
    ] = None,
    size: Annotated[int, typer.Option(help="Edge of the world in pixels of 10 m.")] = 2048,
    event: Annotated[
        str | None,
        typer.Option(help="A whole event of docs/simulation.md, a folder per world."),
    ] = None,
    worlds: Annotated[
        str | None, typer.Option(help="ROWSxCOLUMNS worlds of the event; else its own size.")
    ] = None,
    draw: Annotated[int, typer.Option(min=0, max=98, help="Another event of that kind.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Write a simulated world: event.geojson, items.json, inventory.gpkg, dem.tif, land-cover.tif
    and the scenes.

    With `--event` a whole event, world by world, so that memory is bound by one world.

    **Example**: sarlra simulate --seed 7 --out world &&
    sarlra detect world/event.geojson --source world/items.json --out found
    """
    if (seed is None) == (event is None):
        raise InputError("give --seed for one world, or --event for a whole event")
    if event is not None:
        _event(event, out, draw, worlds, as_json=as_json)
        return
    from sarlra.simulation.world import simulate as make_world

    with progress(quiet=as_json) as bars:
        world = make_world(seed or 0, out, size_px=size, progress=stages(bars))
    if as_json:
        print_json(world)
        return
    console.print(f"simulated world {seed} in {out}")


def _event(event: str, out: Path, draw: int, worlds: str | None, *, as_json: bool) -> None:
    made = list(_worlds(event, out, draw, _shape(worlds)))
    total = sum(world.n_landslides for world in made)
    if as_json:
        print_json({"event": event, "draw": draw, "landslides": total, "worlds": made})
        return
    console.print(f"{len(made)} worlds of {event} with {total:,} landslides in {out}")


def _worlds(
    event: str, out: Path, draw: int, shape: tuple[int, int] | None
) -> Iterator[SimulatedWorld]:
    from sarlra.simulation.event_worlds import plan_worlds, simulate_event

    number = len(plan_worlds(event, draw, shape))
    for index, world in enumerate(simulate_event(event, out, draw, worlds=shape)):
        err.print(f"world {index + 1} of {number}: {world.n_landslides} landslides")
        yield world


def _shape(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    found = re.fullmatch(r"(\d{1,3})x(\d{1,3})", text)
    if found is None:
        raise InputError(f"worlds {text!r} are not ROWSxCOLUMNS", hint="such as 5x6")
    return int(found[1]), int(found[2])
