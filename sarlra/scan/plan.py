"""The plan of a scan: all cells of an area of any size, planned in one pass and spooled."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from sarlra.catalog.sink import open_sink
from sarlra.errors import AreaError, NoAcquisitionsError
from sarlra.jobs.job import Outcome
from sarlra.jobs.plan import Request
from sarlra.scan.cell_plan import settle_once, what_stands
from sarlra.scan.ground import Selection
from sarlra.scan.parcels import Parcel, Planner, plan_parcels, processes_for, unpack
from sarlra.scan.planned import PlannedCell
from sarlra.scan.table import PlanWriter
from sarlra.scenes.search import Search

Show = Callable[[Parcel], None]
EVERYTHING = Selection()


@dataclass(slots=True)
class ScanPlan:
    """A plan, spooled to a local folder: ``plan.parquet`` and a file for each cell with jobs.

    ``counts`` are rows by status; ``left_out`` of those skipped were not searched.
    ``bytes_in`` and ``core_seconds`` estimate what has to run. The folder is removed when
    the plan is closed.
    """

    requests: tuple[Request, ...]
    folder: Path
    cells: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    standing: list[Outcome] = field(default_factory=list)
    todo: int = 0
    left_out: int = 0
    bytes_in: int = 0
    core_seconds: float = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def table(self) -> Path:
        """The plan as GeoParquet (see :data:`sarlra.scan.table.SCHEMA`)."""
        return self.folder / "plan.parquet"

    @property
    def jobs(self) -> int:
        """Rows that are jobs: all but those skipped."""
        return sum(count for state, count in self.counts.items() if state != "skipped")

    def read_cell(self, name: str) -> PlannedCell:
        """A cell as it was planned."""
        return unpack((self.folder / name).read_bytes())


def plan_scan(
    requests: Sequence[Request],
    search: Search,
    show: Show = lambda _: None,
    selection: Selection = EVERYTHING,
    processes: int = 0,
) -> ScanPlan:
    """Plan a scan in one pass, cell by cell; nothing is written to the sink.

    Parameters
    ----------
    requests
        One for each pair of composites, all of one area, source and sink.
    search
        Of the requests' source.
    show
        Called with each cell, once it is planned.
    selection
        Which tiles are left out.
    processes
        How many plan a large area; 0 takes :func:`sarlra.scan.parcels.processes_for`. The
        plan is the same for any number.

    Raises
    ------
    AreaError
        Every tile was left out.
    NoAcquisitionsError
        No tile has acquisitions on both sides of any event.
    SearchError
        A search failed or is not complete.
    """
    plan = ScanPlan(tuple(requests), Path(tempfile.mkdtemp(prefix="sarlra-scan-")))
    sink = open_sink(requests[0].sink)
    planner = Planner(plan.requests, search, selection, sink, what_stands(sink))
    settle_once.cache_clear()  # a model's file may have changed since the last plan
    try:
        with PlanWriter(plan.table) as writer:
            for parcel in plan_parcels(planner, processes or processes_for(search)):
                writer.add(parcel.rows)
                _record(plan, parcel)
                show(parcel)
        if not plan.jobs and plan.left_out == plan.counts["skipped"] > 0:
            raise AreaError(
                f"all {plan.left_out} tiles of the area are open sea or without relief",
                hint="give another --aoi, or no --skip-sea and --min-relief",
            )
        if not plan.jobs:
            raise NoAcquisitionsError(
                f"no tile has acquisitions of {requests[0].source.name} on both sides of the event",
                hint="wait for the next pass, or widen --buffers, --aoi, --pol or --orbit",
            )
    except BaseException:
        shutil.rmtree(plan.folder, ignore_errors=True)
        raise
    return plan


def _record(plan: ScanPlan, parcel: Parcel) -> None:
    plan.left_out += parcel.left_out
    plan.counts.update(parcel.counts)
    plan.standing += parcel.standing
    plan.todo += parcel.todo
    plan.bytes_in += parcel.bytes_in
    plan.core_seconds += parcel.core_seconds
    if parcel.packed:
        name = f"{len(plan.cells):06d}.cell"
        (plan.folder / name).write_bytes(parcel.packed)
        plan.cells.append(name)
