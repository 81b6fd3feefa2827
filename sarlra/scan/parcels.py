"""The cells of a scan planned one after the other or by several processes, in one order.

What comes of a cell is a parcel: its rows, its sums and its jobs, packed. It does not depend on
which process made it, so that a plan has the same bytes for any number of them.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import threading
import zlib
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from itertools import chain, islice

import pyarrow as pa

from sarlra.catalog.sink import Sink
from sarlra.errors import SearchError
from sarlra.jobs.job import Outcome
from sarlra.jobs.plan import Request
from sarlra.scan.cell_plan import Standing, plan_cell
from sarlra.scan.cells import Cell, plan_cells
from sarlra.scan.cost import core_seconds
from sarlra.scan.ground import Selection, select
from sarlra.scan.planned import PlannedCell
from sarlra.scan.table import table_of
from sarlra.scenes.search import IndexSearch, Search

#: So many cells are planned here before processes are started for the rest, which takes seconds.
ALONE_CELLS = 16
#: Each searches for itself: no more at once than a public API bears, or 4 GB of memory hold.
_MOST_PROCESSES = 6
#: Cells that are given out for each process, so that none waits for the one that is next in order.
_AHEAD = 4


@dataclass(frozen=True, slots=True)
class Parcel:
    """What came of a cell.

    ``rows`` are those of :data:`sarlra.scan.table.SCHEMA`; ``counts`` of them by status, of
    which ``left_out`` were not searched. ``todo``, ``bytes_in`` and ``core_seconds`` are of the
    jobs that have to run; where there are any, ``packed`` holds the whole cell
    (:func:`unpack`).
    """

    rows: pa.Table
    counts: Counter[str]
    left_out: int
    standing: tuple[Outcome, ...]
    todo: int
    bytes_in: int
    core_seconds: float
    packed: bytes


@dataclass(frozen=True, slots=True)
class Planner:
    """All that planning a cell needs beside the cell; picklable."""

    requests: tuple[Request, ...]
    search: Search
    selection: Selection
    sink: Sink
    standing: Standing

    def plan(self, number: int, cell: Cell) -> Parcel:
        """Plan a cell of the request of that number.

        Raises
        ------
        SearchError, ModelError
            See :func:`sarlra.scan.cell_plan.plan_cell`.
        """
        request = self.requests[number]
        kept, left = select(cell, self.selection, request.terrain)
        return parcel_of(plan_cell(request, kept, self.search, self.sink, self.standing, left))


def processes_for(search: Search) -> int:
    """How many processes may plan: one for a search that holds all items in its memory."""
    if isinstance(search, IndexSearch):
        return 1
    return min(_MOST_PROCESSES, os.cpu_count() or 1)


def plan_parcels(planner: Planner, processes: int) -> Iterator[Parcel]:
    """The parcels of all cells of all requests, in the order of requests and cells.

    Raises
    ------
    SearchError
        A search failed or is not complete, or a process died.
    ModelError
        The model does not fit the polarisations of a track.
    """
    work = (
        (number, cell)
        for number, request in enumerate(planner.requests)
        for cell in plan_cells(request.event.area, request.recipe)
    )
    for number, cell in islice(work, ALONE_CELLS) if processes > 1 else work:
        yield planner.plan(number, cell)
    if (more := next(work, None)) is not None:
        yield from _by_processes(planner, chain([more], work), processes)


def parcel_of(cell: PlannedCell) -> Parcel:
    """A planned cell, summed up and packed."""
    counts = Counter[str]({"skipped": len(cell.left_out)} if cell.left_out else {})
    counts.update(entry.state for entry in cell.entries)
    due = [entry for entry in cell.entries if entry.outcome is None and entry.job is not None]
    return Parcel(
        rows=table_of(cell),
        counts=counts,
        left_out=len(cell.left_out),
        standing=tuple(e.outcome for e in cell.entries if e.outcome is not None),
        todo=len(due),
        bytes_in=sum(entry.bytes_in for entry in due),
        core_seconds=sum(core_seconds(entry) for entry in due),
        packed=zlib.compress(pickle.dumps(cell), 1) if cell.todo else b"",
    )


def unpack(packed: bytes) -> PlannedCell:
    """The cell in a parcel that this package packed."""
    cell: PlannedCell = pickle.loads(zlib.decompress(packed))
    return cell


def _by_processes(
    planner: Planner, work: Iterable[tuple[int, Cell]], processes: int
) -> Iterator[Parcel]:
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(processes, context, _begin, (planner,))
    given: deque[Future[Parcel]] = deque()
    try:
        for number, cell in work:
            given.append(pool.submit(_plan, number, cell))
            if len(given) > _AHEAD * processes:
                yield given.popleft().result()
        while given:
            yield given.popleft().result()
    except BrokenProcessPool as error:
        raise SearchError(
            "a process that planned a part of the area died",
            hint="it may have had too little memory; try again, or a smaller area",
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


_planner: Planner | None = None


def _begin(planner: Planner) -> None:
    """In a new process: nothing but the first one's end, or its word, ends it."""
    global _planner
    _planner = planner
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    if (parent := multiprocessing.parent_process()) is not None:
        parent.join()
        os._exit(1)


def _plan(number: int, cell: Cell) -> Parcel:
    if _planner is None:
        raise RuntimeError("this process was not begun")
    return _planner.plan(number, cell)
