"""From what a person or a deployment writes to a :class:`~sarlra.jobs.plan.Request`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal

from sarlra.errors import EventError, InputError
from sarlra.events.area import parse_area
from sarlra.events.resolve import resolve_event
from sarlra.jobs.plan import BOTH, Combination, Radiometry, Request
from sarlra.jobs.relief import choose_terrain
from sarlra.recipe import make_recipe, parse_buffers
from sarlra.scenes.model import OrbitState
from sarlra.scenes.sources import open_source

Orbit = Literal["ascending", "descending", "both"]


def make_request(
    event: str | None,
    *,
    out: str,
    source: str = "planetary-computer",
    origin: Sequence[str] = (),
    aoi: str | None = None,
    orbit: Orbit = "both",
    buffers: str = "60-12",
    pol: Combination = "auto",
    model: str | None = None,
    threshold: float | None = None,
    resolution: float = 10.0,
    loader: Literal["stackstac", "odc"] = "stackstac",
    dem: str = "auto",
    incidence: float | None = None,
    heading: float | None = None,
    radiometry: Radiometry = "auto",
    visibility_buffer: float = 0.0,
    min_slope: float = 0.0,
    quality: bool = True,
) -> Request:
    """Check everything that was written and fetch the event; touches no output.

    Parameters
    ----------
    event
        USGS event id, event detail file or study case's name; None where ``origin`` is given.
    origin
        Origin times of the shocks, ISO 8601; taken as UTC where they name no offset.
    aoi
        ``west,south,east,north`` or a vector file; needed with ``origin``.
    quality
        Whether acquisitions are held against their stacks, and corrected or left out.
    dem, incidence, heading
        See :func:`sarlra.jobs.relief.choose_terrain`.

    Raises
    ------
    InputError
        One of its kinds, naming what cannot be used.
    """
    if (event is None) == (not origin):
        raise EventError(
            "give either an event or an origin time",
            hint="an event is a USGS id, an event file or a study case; or --origin with --aoi",
        )
    orbits: dict[str, frozenset[OrbitState]] = {
        "both": BOTH,
        "ascending": frozenset({"ascending"}),
        "descending": frozenset({"descending"}),
    }
    if orbit not in orbits:
        raise InputError(f"orbit {orbit!r} is none of {', '.join(orbits)}")
    if pol not in ("auto", "VV", "VV_VH"):
        raise InputError(f"polarisations {pol!r} are none of auto, VV, VV_VH")
    pre_days, post_days = parse_buffers(buffers)
    recipe = make_recipe(
        pre_days=pre_days,
        post_days=post_days,
        threshold=threshold,
        resolution=resolution,
        loader=loader,
        visibility_buffer=visibility_buffer,
        min_slope=min_slope,
        quality=quality,
    )
    if radiometry not in ("auto", "gamma0", "sigma0e"):
        raise InputError(f"radiometry {radiometry!r} is none of auto, gamma0, sigma0e")
    origins = tuple(sorted(parse_time(text) for text in origin))
    area = None if aoi is None else parse_area(aoi)
    opened = open_source(source)
    return Request(
        event=resolve_event(event, origins=origins, aoi=area),
        source=opened,
        sink=out,
        recipe=recipe,
        orbits=orbits[orbit],
        combination=pol,
        model=model,
        terrain=choose_terrain(dem, incidence, heading, opened, orbits[orbit]),
        radiometry=radiometry,
    )


def parse_time(text: str) -> datetime:
    """Read an ISO 8601 time; UTC where it names no offset.

    Raises
    ------
    EventError
        The text is no time.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise EventError(
            f"{text!r} is no time", hint="write it as 2023-12-10T00:00:00Z, in UTC"
        ) from error
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
