"""What commands share: where text goes, how errors look, how progress is shown."""

from __future__ import annotations

import dataclasses
import json
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.logging import RichHandler
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from sarlra.errors import SarlraError

#: Results for people go to standard output, everything about the run to standard error.
out = Console()
err = Console(stderr=True)


def report_error(error: SarlraError, *, as_json: bool) -> int:
    """Show an error and return the exit code that goes with it."""
    if as_json:
        print_json({"error": {"code": error.code, "message": error.message, "hint": error.hint}})
    else:
        err.print(f"[bold red]error[/] {_plain(error.message)}", highlight=False, soft_wrap=True)
        if error.hint:
            err.print(f"  [yellow]hint[/] {_plain(error.hint)}", highlight=False, soft_wrap=True)
    return error.exit_code


def print_json(value: Any) -> None:
    """Write one JSON document to standard output, and nothing else."""
    sys.stdout.write(json.dumps(_jsonable(value), indent=2, allow_nan=False) + "\n")


def set_up_logging(verbose: bool) -> None:
    """Send this package's warnings (with ``verbose`` also its information) to standard error."""
    handler = RichHandler(console=err, show_path=False, show_time=verbose, markup=False)
    logging.basicConfig(level=logging.WARNING, format="%(message)s", handlers=[handler], force=True)
    logging.getLogger("sarlra").setLevel(logging.INFO if verbose else logging.WARNING)


@contextmanager
def progress(*, quiet: bool) -> Iterator[Progress]:
    """A progress display on standard error; shows nothing where ``quiet``."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=err, disable=quiet) as bars:
        yield bars


def stages(bars: Progress) -> Callable[[str, int, int], None]:
    """A callback (stage, done, total) that shows each stage as a bar of its own."""
    tasks: dict[str, TaskID] = {}

    def show(stage: str, done: int, total: int) -> None:
        if stage not in tasks:
            tasks[stage] = bars.add_task(stage, total=total)
        bars.update(tasks[stage], completed=done, total=total)

    return show


def _plain(text: str) -> str:
    return text.replace("[", r"\[")


def _jsonable(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _jsonable(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(k): _jsonable(v) for k, v in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_jsonable(v) for v in value]
    if isinstance(value, float) and value != value:
        return None
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Enum):
        return value.value
    if hasattr(value, "item") and not isinstance(value, str):
        return _jsonable(value.item())
    return value
