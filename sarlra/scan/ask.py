"""From what a person or a deployment writes to the requests of a scan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sarlra.errors import EventError, RecipeError
from sarlra.jobs.ask import make_request, parse_time
from sarlra.jobs.plan import Request
from sarlra.recipe import make_recipe

MAX_STEPS = 2000


def scan_requests(
    *,
    aoi: str | None = None,
    out: str,
    source: str,
    origin: Sequence[str] = (),
    event: str | None = None,
    period: str | None = None,
    step: float | None = None,
    tile: int = 4096,
    quality: bool = False,
    **choices: object,
) -> tuple[Request, ...]:
    """Check everything that was written; touches no output.

    Parameters
    ----------
    aoi
        See :func:`sarlra.events.area.parse_area`; needed but with an event that has an area.
    period, step
        ``START/END`` and days: one request for each START, START + step, ... before END.
    quality
        Whether acquisitions are judged. Not by default: each cell's are read once more for it, and
        one that cannot be read fails its track in the whole cell.
    choices
        As :func:`sarlra.jobs.ask.make_request` takes them.

    Raises
    ------
    InputError
        One of its kinds, naming what cannot be used.
    """
    given = [name for name, value in (("--origin", origin), ("--event", event),
                                      ("--period", period)) if value]  # fmt: skip
    if len(given) != 1:
        raise EventError(
            f"--origin, --event and --period: one of them, not {' and '.join(given) or 'none'}",
            hint="--origin TIME, --event EVENT, or --period START/END --step DAYS",
        )
    if (period is None) != (step is None):
        raise EventError("--period and --step go together", hint="--period START/END --step DAYS")
    times = (
        [tuple(origin)]
        if period is None or step is None
        else [(moment.isoformat(),) for moment in steps(period, step)]
    )
    choices["quality"] = quality
    first = make_request(event, out=out, source=source, origin=times[0], aoi=aoi, **choices)  # type: ignore[arg-type]
    if tile % 256:
        raise RecipeError(f"--tile {tile} is no multiple of 256", hint="such as 1024, 2048, 4096")
    recipe = make_recipe(**{**first.recipe.model_dump(), "tile_px": tile})
    requests = [replace(first, recipe=recipe)]
    for moment in times[1:]:
        other = make_request(None, out=out, source=source, origin=moment, aoi=aoi, **choices)  # type: ignore[arg-type]
        requests.append(replace(requests[0], event=other.event))
    return tuple(requests)


def steps(period: str, step: float) -> list[datetime]:
    """The times of a period: START, START + step days, ... before END.

    Raises
    ------
    EventError
        The period is none, is empty, or has too many steps.
    """
    start_text, slash, end_text = period.partition("/")
    if not slash:
        raise EventError(f"{period!r} is no period", hint="write 2023-01-01/2023-07-01")
    start, end = parse_time(start_text), parse_time(end_text)
    if not 1.0 <= step <= 3660.0:
        raise EventError(f"a step of {step:g} days", hint="from 1 to 3660")
    if end <= start:
        raise EventError(f"the period {period!r} ends before it starts")
    number = -(-(end - start) // timedelta(days=step))
    if number > MAX_STEPS:
        raise EventError(
            f"the period {period!r} has {number} steps of {step:g} days",
            hint=f"at most {MAX_STEPS}; give a longer --step",
        )
    return [start + index * timedelta(days=step) for index in range(number)]
