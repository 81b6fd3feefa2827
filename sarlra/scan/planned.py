"""What a scan's plan is made of: tiles of tracks with their jobs, in cells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from sarlra.events.event import Event
from sarlra.jobs.job import Job, Outcome
from sarlra.jobs.quality import Judging
from sarlra.jobs.tiles import TileWindows
from sarlra.scan.ground import LeftOut
from sarlra.scenes.model import Track

State = Literal["new", "done", "stale", "waiting", "skipped"]

#: The states of jobs that have to run.
TO_RUN: frozenset[State] = frozenset({"new", "stale", "waiting"})


@dataclass(frozen=True, slots=True)
class Planned:
    """One tile of one track of a plan.

    ``state``: ``new``; ``stale`` (an item stands that was made from other inputs, choices or
    code, or is damaged); ``waiting`` (an item stands that was made without the track's geometry or
    a DEM: the job looks whether they can be had by now); ``done`` (``outcome`` says what stands) or
    ``skipped`` (``job`` is None and ``reason`` says why). ``bytes_in`` estimates what the job
    reads, ``pixels`` counts pixels times acquisitions that it composites.
    """

    state: State
    tile: TileWindows
    track: Track
    job: Job | None = None
    outcome: Outcome | None = None
    reason: str = ""
    bytes_in: int = 0
    pixels: int = 0


@dataclass(frozen=True, slots=True)
class PlannedCell:
    """A cell's jobs with the frozen search result that they were planned from.

    ``left_out`` are tiles that were not searched. ``judgings`` say how the acquisitions of each
    track are judged, by the track's id and version; empty where the recipe does not ask for it.
    """

    name: str
    event: Event
    inputs_href: str
    inputs: bytes
    entries: tuple[Planned, ...]
    left_out: tuple[LeftOut, ...] = ()
    judgings: Mapping[tuple[str, str], Judging] = field(default_factory=dict)

    @property
    def todo(self) -> tuple[Job, ...]:
        """The jobs that have to run."""
        return tuple(e.job for e in self.entries if e.job and e.state in TO_RUN)
