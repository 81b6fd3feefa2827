"""What became of the jobs of a run, as a table beside the collection."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from sarlra.catalog.sink import Sink
from sarlra.jobs.job import Outcome

SCHEMA = pa.schema(
    [(name, pa.string()) for name in ("job_id", "item_id", "tile", "track", "status")]
    + [(name, pa.int64()) for name in ("scored", "not_scored", "detections")]
    + [(name, pa.string()) for name in ("code", "reason", "hint")]
    + [("seconds", pa.float64()), ("notes", pa.list_(pa.string()))]
)
"""The fields of :class:`~sarlra.jobs.job.Outcome`; ``code`` and ``reason`` are null but where a
job failed."""


def put_outcomes(sink: Sink, outcomes: Sequence[Outcome], rel: str) -> None:
    """Write outcomes as Parquet.

    Raises
    ------
    StoreError
        The sink cannot be written.
    """
    rows = [asdict(outcome) for outcome in outcomes]
    with tempfile.TemporaryDirectory(prefix="sarlra-outcomes-") as folder:
        local = Path(folder) / "outcomes.parquet"
        pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), local, compression="zstd")
        sink.put_file(local, rel)
