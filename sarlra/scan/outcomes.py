"""What became of the jobs of a run, as a table beside the collection."""

from __future__ import annotations

import logging
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from sarlra.catalog.sink import Sink
from sarlra.errors import StoreError
from sarlra.jobs.job import Outcome

log = logging.getLogger(__name__)
#: The table is put again after so many seconds, and by so large a part of it that is new: a run
#: of any length then spends little on it.
EVERY_S, _GROWTH = 60.0, 0.05

SCHEMA = pa.schema(
    [(name, pa.string()) for name in ("job_id", "item_id", "tile", "track", "status")]
    + [(name, pa.int64()) for name in ("scored", "not_scored", "detections")]
    + [(name, pa.string()) for name in ("code", "reason", "hint")]
    + [("seconds", pa.float64()), ("notes", pa.list_(pa.string()))]
)
"""The fields of :class:`~sarlra.jobs.job.Outcome`; ``code`` and ``reason`` are null but where a
job failed."""


def put_outcomes(sink: Sink, outcomes: Sequence[Outcome], rels: Sequence[str]) -> None:
    """Write outcomes as Parquet to each of some places.

    Raises
    ------
    StoreError
        The sink cannot be written.
    """
    rows = [asdict(outcome) for outcome in outcomes]
    with tempfile.TemporaryDirectory(prefix="sarlra-outcomes-") as folder:
        local = Path(folder) / "outcomes.parquet"
        pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), local, compression="zstd")
        for rel in rels:
            sink.put_file(local, rel)


@dataclass(slots=True)
class OutcomeLog:
    """Outcomes as they come, put into the sink while the run goes on.

    A run that is killed leaves what became of its jobs, the failed ones among them, up to about a
    minute before. ``rels`` are the tables' places, ``standing`` the outcomes of jobs that stood.
    """

    sink: Sink
    rels: tuple[str, ...]
    standing: Sequence[Outcome] = ()
    outcomes: list[Outcome] = field(default_factory=list)
    _put: int = 0
    _at: float = field(default_factory=time.monotonic)

    def add(self, outcome: Outcome) -> None:
        """Take in one more; the store's failing now does not end the run."""
        self.outcomes.append(outcome)
        fresh = len(self.outcomes) - self._put
        if time.monotonic() - self._at < EVERY_S or fresh < _GROWTH * len(self.outcomes):
            return
        try:
            put_outcomes(self.sink, in_order([*self.standing, *self.outcomes]), self.rels)
        except StoreError as error:
            log.warning("the outcomes so far could not be written: %s", error)
        self._put, self._at = len(self.outcomes), time.monotonic()


def in_order(outcomes: Sequence[Outcome]) -> tuple[Outcome, ...]:
    """Outcomes in the order of item ids."""
    return tuple(sorted(outcomes, key=lambda outcome: outcome.item_id))
