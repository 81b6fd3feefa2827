"""A simulated event of any size, world by world: memory is bound by one world.

The worlds of an event share profile and origin time and lie side by side, apart by a gap that no
window spans; each has its own relief, landslides and archive, from its own seed.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sarlra.errors import InputError
from sarlra.simulation.events_table import find_profile
from sarlra.simulation.layout import RESOLUTION
from sarlra.simulation.profile import Profile
from sarlra.simulation.world import Progress, SimulatedWorld, simulate

WORLD_PX = 2048
GAP_PX = 128
_SEEDS_PER_DRAW = 100
_SEEDS_PER_EVENT = 10_000


@dataclass(frozen=True, slots=True)
class WorldPlan:
    """One world of an event: its seed, and easting and northing of its middle in metres."""

    seed: int
    centre: tuple[float, float]


def plan_worlds(
    profile: Profile | str, draw: int = 0, worlds: tuple[int, int] | None = None
) -> tuple[WorldPlan, ...]:
    """The worlds of an event, row by row from the north-west.

    Parameters
    ----------
    profile
        An event of the table or its name.
    draw
        0 to 98: events of equal profile and different ``draw`` share nothing but the profile.
    worlds
        (rows, columns), up to 100 in all, for an event larger or smaller than the table's.

    Raises
    ------
    InputError
        There is no such event, or the draw or the number of worlds is out of range.
    """
    kind = find_profile(profile) if isinstance(profile, str) else profile
    rows, cols = worlds or kind.worlds
    if not 1 <= rows * cols <= _SEEDS_PER_DRAW or min(rows, cols) < 1:
        raise InputError(
            f"an event of {rows} x {cols} worlds cannot be made",
            hint=f"1 to {_SEEDS_PER_DRAW} worlds",
        )
    if not 0 <= draw < _SEEDS_PER_EVENT // _SEEDS_PER_DRAW - 1:
        raise InputError(f"there is no draw {draw}", hint="0 to 98")
    step = (WORLD_PX + GAP_PX) * RESOLUTION
    first = 1_000_000 + _SEEDS_PER_EVENT * kind.number + _SEEDS_PER_DRAW * draw
    return tuple(
        WorldPlan(
            first + row * cols + col,
            (
                kind.centre[0] + (col - (cols - 1) / 2) * step,
                kind.centre[1] + ((rows - 1) / 2 - row) * step,
            ),
        )
        for row in range(rows)
        for col in range(cols)
    )


def simulate_event(
    profile: Profile | str,
    out: Path,
    draw: int = 0,
    progress: Progress | None = None,
    worlds: tuple[int, int] | None = None,
) -> Iterator[SimulatedWorld]:
    """Write the worlds of an event to ``out/SEED``, one at a time, each as it is asked for.

    A world that is already whole is made again: keep the plan (:func:`plan_worlds`) to go on after
    an interruption. What a caller needs no more can be removed with :func:`remove_world`.

    Raises
    ------
    InputError
        As :func:`plan_worlds`.
    OutputError
        A folder cannot be written.
    """
    kind = find_profile(profile) if isinstance(profile, str) else profile
    for plan in plan_worlds(kind, draw, worlds):
        folder = out / str(plan.seed)
        yield simulate(plan.seed, folder, centre=plan.centre, profile=kind, progress=progress)


def remove_world(world: SimulatedWorld) -> None:
    """Delete a world's folder."""
    shutil.rmtree(world.root)
