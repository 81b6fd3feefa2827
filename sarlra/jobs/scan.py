"""Scans: the tile x track jobs of an area of any size, planned in a stream and run to the end."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from sarlra.catalog.collection import FoldResult, fold
from sarlra.catalog.sink import Sink, open_sink
from sarlra.composites.store import create_group, remove_group
from sarlra.detection.suppress import suppress
from sarlra.errors import AreaError, CatalogError, JobsFailedError, NoAcquisitionsError
from sarlra.events.event import Event
from sarlra.jobs.job import Job, Outcome
from sarlra.jobs.plan import Request
from sarlra.jobs.scan_cells import spanning_tiles
from sarlra.jobs.scan_ground import Selection
from sarlra.jobs.scan_outcomes import OutcomeLog, in_order, put_outcomes
from sarlra.jobs.scan_parcels import Parcel, Planner, plan_parcels, processes_for, unpack
from sarlra.jobs.scan_plan import PlannedCell, settle_once, what_stands
from sarlra.jobs.scan_quality import Judge
from sarlra.jobs.scan_table import PlanWriter
from sarlra.scenes.search import Search

Show = Callable[[Parcel], None]
EVERYTHING = Selection()
_FOLD_WAITS_S = (1.0, 2.0, 4.0, 8.0)


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
        """The plan as GeoParquet (see :data:`sarlra.jobs.scan_table.SCHEMA`)."""
        return self.folder / "plan.parquet"

    @property
    def jobs(self) -> int:
        """Rows that are jobs: all but those skipped."""
        return sum(count for state, count in self.counts.items() if state != "skipped")

    def read_cell(self, name: str) -> PlannedCell:
        """A cell as it was planned."""
        return unpack((self.folder / name).read_bytes())


@dataclass(frozen=True, slots=True)
class ScanRun:
    """What a scan did: its outcomes in the order of item ids, and one fold for each event."""

    outcomes: tuple[Outcome, ...]
    folds: tuple[FoldResult, ...]

    @property
    def counts(self) -> dict[str, int]:
        """Number of jobs done, empty, skipped (stood already), rejected by the fold, failed."""
        found = Counter(outcome.status for outcome in self.outcomes)
        counts = {name: found[name] for name in ("done", "empty", "skipped")}
        counts["rejected"] = sum(len(folded.rejected) for folded in self.folds)
        return counts | {"failed": found["failed"]}

    @property
    def failures(self) -> dict[str, int]:
        """Failed jobs by code."""
        return dict(sorted(Counter(o.code or "" for o in self.outcomes if o.code).items()))


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
        How many plan a large area; 0 takes :func:`sarlra.jobs.scan_parcels.processes_for`. The
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


def run_cells(plan: ScanPlan, names: Sequence[str], judge: Judge | None = None) -> Iterator[Job]:
    """The jobs of cells, each cell's frozen inputs and Zarr groups written before its first job.

    Parameters
    ----------
    judge
        Of acquisitions, where the recipe asks for it; None judges in this process. Those of its
        ``lost`` are failed jobs that are not among the jobs.
    """
    made: set[tuple[str, str]] = set()
    sink = open_sink(plan.requests[0].sink)
    judge = judge or Judge()
    for cell in judge.ahead(plan.read_cell(name) for name in names):
        if sink.size(cell.inputs_href) != len(cell.inputs):
            sink.put_bytes(cell.inputs_href, cell.inputs)
        for job in judge.jobs(cell):
            if (job.store, job.group) not in made:
                _create_group(sink, job)
                made.add((job.store, job.group))
            yield job


def publish_plan(plan: ScanPlan) -> None:
    """Put the plan's table beside the collections, before any job runs."""
    sink = open_sink(plan.requests[0].sink)
    for request in plan.requests:
        sink.put_file(plan.table, f"collections/{request.event.id}/plan.parquet")


def outcome_log(plan: ScanPlan) -> OutcomeLog:
    """Where the outcomes of a run of the plan are kept while it goes on."""
    return OutcomeLog(open_sink(plan.requests[0].sink), _outcomes_of(plan), plan.standing)


def _outcomes_of(plan: ScanPlan) -> tuple[str, ...]:
    return tuple(f"collections/{r.event.id}/outcomes.parquet" for r in plan.requests)


def finish(plan: ScanPlan, outcomes: Sequence[Outcome]) -> ScanRun:
    """Record the outcomes and fold what stands into the catalogue, once for each event.

    Without outcomes that is a fold on demand, of the jobs of the plan that stand already.

    Raises
    ------
    CatalogError
        There are no outcomes, and nothing stands.
    JobsFailedError
        Every job failed: the composites' groups are taken away again.
    """
    sink = open_sink(plan.requests[0].sink)
    if not (plan.standing or outcomes):
        raise CatalogError(
            f"nothing of this scan stands in {sink.root}",
            hint="run it first, with the same choices",
        )
    ordered = in_order([*plan.standing, *outcomes])
    good = [outcome for outcome in ordered if outcome.status != "failed"]
    if any(outcome.status != "skipped" for outcome in outcomes):
        put_outcomes(sink, ordered, _outcomes_of(plan))
    if outcomes:
        _remove_empty_groups(plan, sink, {outcome.job_id for outcome in good})
    if not good:
        first = ordered[0]
        raise JobsFailedError(
            f"all {len(ordered)} jobs failed; {first.item_id}: {first.reason}", hint=first.hint
        )
    folds = []
    for request in plan.requests:
        prefix = f"{request.event.id}_"
        names = [o.item_id for o in good if o.item_id.startswith(prefix)]
        if names:
            folds.append(_fold(sink, request.event, names))
    return ScanRun(ordered, tuple(folds))


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


def _create_group(sink: Sink, job: Job) -> None:
    tiles = spanning_tiles(job.event.area, job.tile.epsg, job.recipe)
    facts = {
        "sarlra:event": job.event.id,
        "sarlra:track": job.track.id,
        "sarlra:recipe_hash": job.recipe.hash(),
    }
    create_group(sink.url_of(job.store), job.group, tiles, job.recipe, facts)


def _remove_empty_groups(plan: ScanPlan, sink: Sink, good: set[str]) -> None:
    """Take away the groups of which no job stands: nothing may stay half written."""
    kept = {outcome.item_id for outcome in plan.standing}
    states: dict[tuple[str, str], bool] = {}
    for name in plan.cells:
        for entry in plan.read_cell(name).entries:
            if entry.job is not None:
                key = (entry.job.store, entry.job.group)
                standing = entry.outcome is not None and entry.outcome.item_id in kept
                states[key] = states.get(key, False) or standing or entry.job.id in good
    for (store, group), used in sorted(states.items()):
        if not used:
            remove_group(sink.url_of(store), group)


def _fold(sink: Sink, event: Event, names: Sequence[str]) -> FoldResult:
    """Fold, patiently: another run of the same scan may be writing one of the items again."""
    for wait in _FOLD_WAITS_S:
        try:
            return fold(sink, event, item_ids=names, suppress=suppress)
        except CatalogError:
            time.sleep(wait)
    return fold(sink, event, item_ids=names, suppress=suppress)
