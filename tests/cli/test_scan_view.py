"""The live view of a scan, drawn into a text."""

from __future__ import annotations

import io

from rich.console import Console

from sarlra.cli.scan_view import ScanView, scan_view
from sarlra.jobs.job import Outcome


def outcome(number: int, status: str, reason: str | None = None) -> Outcome:
    return Outcome(str(number), f"item-{number}", "t", "T001A", status,  # type: ignore[arg-type]
                   detections=2 if status == "done" else 0, reason=reason)  # fmt: skip


def drawn(view: ScanView) -> str:
    console = Console(file=io.StringIO(), width=160)
    console.print(view)
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_it_says_what_came_of_the_jobs_and_why_some_failed() -> None:
    view = ScanView(8)
    assert "0/8" in drawn(view)
    assert view.remaining_s() is None
    for index, status in enumerate(["skipped", "done", "done", "empty"]):
        view.on_outcome(outcome(index, status))
    for index in range(4, 8):
        view.on_outcome(outcome(index, "failed", f"no file {index}"))
    text = drawn(view)
    for words in ("8/8", "2 with detections", "1 done and empty", "1 stood already", "4 failed",
                  "4 detections", "failed item-7: no file 7"):  # fmt: skip
        assert words in text
    assert "item-4" not in text  # only the last few
    assert "left" not in text


def test_the_time_left_is_by_the_speed_of_the_last_jobs() -> None:
    view = ScanView(100)
    for index in range(50):
        view.on_outcome(outcome(index, "empty"))
    left = view.remaining_s()
    assert left is not None
    assert 0.0 <= left < 5.0
    assert "about" in drawn(view)


def test_workers_and_dashboard_are_named() -> None:
    class Client:
        dashboard_link = "http://127.0.0.1:8787/status"

        def scheduler_info(self, n_workers: int = 5) -> dict[str, dict[str, dict[str, str]]]:
            states = {"a": "running", "b": "running", "c": "running", "d": "paused"}
            return {"workers": {name: {"status": state} for name, state in states.items()}}

    view = ScanView(1)
    view.on_client(Client())
    assert "3 workers  http://127.0.0.1:8787/status" in drawn(view)


def test_quiet_shows_nothing() -> None:
    console = Console(file=io.StringIO())
    with scan_view(3, console, quiet=True) as view:
        view.on_outcome(outcome(1, "done"))
    assert console.file.getvalue() == ""  # type: ignore[attr-defined]
    assert view.counts == {"done": 1}
