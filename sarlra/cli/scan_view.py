"""What a scan does, in the terminal, while it does it: outcomes, speed, workers, last failures."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from sarlra.jobs.job import Outcome
from sarlra.jobs.pool import workers

#: Words and colours of the outcomes, in the order in which they stand.
NAMES = {
    "done": ("with detections", "green"),
    "empty": ("done and empty", "green"),
    "skipped": ("stood already", "cyan"),
    "failed": ("failed", "red"),
}
_LAST_FAILURES = 3
#: The speed is that of the last so many jobs: the first wait for models to be loaded.
_RECENT = 200
_LOOK_S = 5.0


class ScanView:
    """Counts outcomes and shows them; :meth:`on_outcome` and :meth:`on_client` are called by a run.

    ``total`` is the number of jobs of the plan.
    """

    def __init__(self, total: int) -> None:
        self.total = total
        self.counts: Counter[str] = Counter()
        self.detections = 0
        self._failures: deque[Outcome] = deque(maxlen=_LAST_FAILURES)
        self._ended: deque[float] = deque([time.monotonic()], maxlen=_RECENT)
        self._started = time.monotonic()
        self._client: Any = None
        self._workers, self._looked = 0, 0.0

    def on_outcome(self, outcome: Outcome) -> None:
        """Take in one more outcome."""
        self.counts[outcome.status] += 1
        self.detections += outcome.detections
        if outcome.status == "failed":
            self._failures.append(outcome)
        if outcome.status != "skipped":
            self._ended.append(time.monotonic())

    def on_client(self, client: Any) -> None:
        """The dask client that runs the jobs."""
        self._client = client

    def remaining_s(self) -> float | None:
        """Seconds until the end at the present speed; None while it is not known."""
        ended = len(self._ended) - 1
        span = time.monotonic() - self._ended[0]
        left = self.total - sum(self.counts.values())
        return None if not ended or span <= 0 else left * span / ended

    def __rich__(self) -> RenderableType:
        done = sum(self.counts.values())
        head = Table.grid(padding=(0, 1))
        left = self.remaining_s()
        head.add_row(
            "tiles x tracks",
            ProgressBar(total=max(1, self.total), completed=done, width=40),
            f"{done}/{self.total}",
            _clock(time.monotonic() - self._started),
            "" if left is None or done >= self.total else f"about {_clock(left)} left",
        )
        parts: list[RenderableType] = [head, self._table()]
        if self._client is not None:
            link = getattr(self._client, "dashboard_link", "") or ""
            parts.append(Text(f"{self._alive()} workers  {link}", style="dim"))
        parts += [
            Text(f"failed {o.item_id}: {o.reason}", style="red", no_wrap=True, overflow="ellipsis")
            for o in self._failures
        ]
        return Group(*parts)

    def _table(self) -> Table:
        table = Table.grid(padding=(0, 2))
        cells = [Text(f"{self.counts[key]} {name}", style=colour if self.counts[key] else "dim")
                 for key, (name, colour) in NAMES.items()]  # fmt: skip
        table.add_row(*cells, Text(f"{self.detections} detections", style="bold"))
        return table

    def _alive(self) -> int:
        now = time.monotonic()
        if now - self._looked > _LOOK_S:
            self._looked = now
            try:
                self._workers = workers(self._client)
            except OSError:  # the scheduler is gone: the run itself will say so
                self._workers = 0
        return self._workers


@contextmanager
def scan_view(total: int, console: Console, *, quiet: bool) -> Iterator[ScanView]:
    """A view that is drawn once a second; where there is no terminal, once at the end."""
    view = ScanView(total)
    if quiet:
        yield view
        return
    with Live(view, console=console, refresh_per_second=1):
        yield view


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}"
