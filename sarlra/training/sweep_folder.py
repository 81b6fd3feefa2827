"""Where a sweep keeps what it makes: a file for each run, and one table of all."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import pandas as pd

from sarlra.errors import InputError, OutputError
from sarlra.models.engine import Backend
from sarlra.models.files import write_atomically
from sarlra.samples.rendered import Buffers
from sarlra.training.worlds import Store

_ID = re.compile(r"[0-9a-f]{16}")


class HasId(Protocol):
    """A run, whatever is run."""

    @property
    def id(self) -> str:
        """See :func:`id_of`."""


R = TypeVar("R", bound=HasId)


@dataclass(frozen=True, slots=True)
class Sweep:
    """Where a sweep keeps what it makes.

    ``folder`` gets ``runs/ID.json`` (and ``runs/ID.keras``) per run and ``sweep.parquet``;
    ``cache`` the patches of worlds; ``backend`` is what Keras trains on.
    """

    folder: Path
    cache: Path
    backend: Backend = "tensorflow"

    def result(self, run: str) -> Path:
        """The file that says that the run of this id is over, and how it ended; written last."""
        return self.folder / "runs" / f"{run}.json"

    def store(self, buffers: tuple[Buffers, ...]) -> Store:
        """Patches for buffers that are compared."""
        return Store(self.cache, buffers)


def read_row(path: Path) -> dict[str, Any] | None:
    """What a run left; None where it left nothing whole."""
    try:
        row = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    return row if isinstance(row, dict) and "status" in row else None


def missing(sweep: Sweep, runs: Sequence[R], *, again: bool = False) -> list[R]:
    """The runs that have no result yet; with ``again`` those that failed, too."""
    rows = [(run, read_row(sweep.result(run.id))) for run in runs]
    return [r for r, row in rows if row is None or (again and row["status"] == "failed")]


def id_of(facts: Sequence[Any]) -> str:
    """The id of a run, of everything that its result depends on."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


def write_row(path: Path, row: Mapping[str, Any]) -> None:
    """Say that a run is over; whole or not at all."""
    write_atomically(path, (json.dumps(row, indent=1) + "\n").encode())


def adopt(sweep: Sweep, table: Path) -> int:
    """Take the results of a table, as :func:`fold` or a CSV of it gives, as this sweep's own.

    Runs are known by their ids, so that results of other settings, worlds or versions do no harm.
    What the folder has already stays.

    Returns
    -------
    int
        How many were new.

    Raises
    ------
    InputError
        The file is no such table.
    """
    try:
        rows = pd.read_csv(table) if table.suffix == ".csv" else pd.read_parquet(table)
        found = {str(row["run"]): row for row in json.loads(rows.to_json(orient="records"))}
        unfit = [run for run, row in found.items() if not _ID.fullmatch(run) or "status" not in row]
    except (OSError, ValueError, KeyError) as error:
        raise InputError(
            f"{table}: is no table of a sweep: {error}",
            hint="give the sweep.parquet that `sarlra sweep` wrote",
        ) from error
    if unfit:
        raise InputError(f"{table}: is no table of a sweep: {unfit[0]!r} is no run")
    new = {run: row for run, row in found.items() if read_row(sweep.result(run)) is None}
    for run, row in new.items():
        write_row(sweep.result(run), {k: v for k, v in row.items() if v is not None})
    return len(new)


def fold(sweep: Sweep) -> pd.DataFrame:
    """All results of a folder as one table, in the order of the runs' names; written to
    ``sweep.parquet``.

    Raises
    ------
    OutputError
        The table cannot be written.
    """
    rows = [row for path in sorted(sweep.folder.glob("runs/*.json")) if (row := read_row(path))]
    table = pd.DataFrame(rows)
    path = sweep.folder / "sweep.parquet"
    part = path.with_suffix(".part")
    try:
        sweep.folder.mkdir(parents=True, exist_ok=True)
        table.to_parquet(part, index=False)
        part.replace(path)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error}") from error
    return table
