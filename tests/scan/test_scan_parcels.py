"""Cells planned by several processes: the same plan, errors by name, nothing left running."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest
import shapely

from sarlra.errors import SearchError
from sarlra.jobs.plan import Request
from sarlra.scan import parcels
from sarlra.scan.ask import scan_requests
from sarlra.scan.plan import ScanPlan, plan_scan
from sarlra.scenes.search import IndexSearch, open_search
from tests.conftest import ROOT
from tests.servers.items import make_item
from tests.servers.stac_api import StacApi

#: Over the edge between two zones: some cells in each.
AOI = "9.5,45.2,15.5,46.4"


def items() -> list[dict[str, object]]:
    start = datetime(2023, 12, 1, tzinfo=UTC)
    return [
        make_item(start + timedelta(days=12 * step, minutes=west), orbit=50000 + 100 * step,
                  datatake=str(step), item_id=f"scene-{west}-{step}",
                  footprint=shapely.box(west, 44.5, west + 1.3, 47.0))
        for west in range(8, 17) for step in range(3)
    ]  # fmt: skip


@pytest.fixture
def api() -> Iterator[StacApi]:
    with StacApi(items(), page_size=50) as server:
        yield server


def requests_of(api: StacApi, out: Path) -> tuple[Request, ...]:
    return scan_requests(out=str(out), source=api.url, aoi=AOI, dem="none",
                         period="2023-12-14/2023-12-20", step=3)  # fmt: skip


def plan(api: StacApi, out: Path, processes: int) -> ScanPlan:
    requests = requests_of(api, out)
    return plan_scan(requests, open_search(requests[0].source), processes=processes)


@pytest.mark.timeout(300)
def test_the_plan_is_the_same_whoever_made_it(
    api: StacApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parcels, "ALONE_CELLS", 1)
    with plan(api, tmp_path / "out", 1) as alone, plan(api, tmp_path / "out", 2) as shared:
        assert len(alone.cells) >= 8
        assert shared.table.read_bytes() == alone.table.read_bytes()
        assert shared.cells == alone.cells
        assert shared.counts == alone.counts
        assert (shared.todo, shared.bytes_in) == (alone.todo, alone.bytes_in)
        assert shared.core_seconds == alone.core_seconds
        for name in alone.cells:
            one, other = alone.read_cell(name), shared.read_cell(name)
            assert one.inputs == other.inputs
            assert [job.id for job in one.todo] == [job.id for job in other.todo]
            assert one.todo == other.todo
    assert not (tmp_path / "out").exists()


@pytest.mark.timeout(300)
def test_a_search_that_fails_in_a_process_fails_the_plan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parcels, "ALONE_CELLS", 0)
    before = set(psutil.Process().children(recursive=True))
    with (
        StacApi(items(), page_size=50, overstate=1) as api,
        pytest.raises(SearchError, match=r"of \d+ items"),
    ):
        plan(api, tmp_path / "out", 2)
    started = set(psutil.Process().children(recursive=True)) - before
    assert all("resource_tracker" in " ".join(child.cmdline()) for child in started)


def test_a_search_in_memory_is_not_spread(
    api: StacApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    assert parcels.processes_for(IndexSearch([])) == 1
    search = open_search(requests_of(api, tmp_path)[0].source)
    assert 1 < parcels.processes_for(search) < 10


WAITS = """
import sys, time
from sarlra.scan import parcels
from sarlra.scenes.search import open_search
from sarlra.scan.plan import plan_scan
from sarlra.scan.ask import scan_requests

class Slow:
    def find(self, area, start, end):
        open(sys.argv[2], "a").close()
        time.sleep(600)

if __name__ == "__main__":
    parcels.ALONE_CELLS = 0
    requests = scan_requests(out=sys.argv[1] + "/out", source=sys.argv[3], aoi=sys.argv[4],
                             dem="none", origin=("2023-12-15T00:00:00Z",))
    plan_scan(requests, Slow(), processes=2)
"""


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_processes_end_with_the_one_that_started_them(api: StacApi, tmp_path: Path) -> None:
    script, mark = tmp_path / "waits.py", tmp_path / "searched"
    script.write_text(WAITS)
    started = subprocess.Popen(
        [sys.executable, str(script), str(tmp_path), str(mark), api.url, AOI],
        env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)},
    )
    try:
        end = time.monotonic() + 120
        while not mark.exists():
            assert time.monotonic() < end
            assert started.poll() is None
            time.sleep(0.1)
        children = psutil.Process(started.pid).children(recursive=True)
        assert len(children) >= 2
    finally:
        os.kill(started.pid, signal.SIGKILL)
        started.wait()
    _, alive = psutil.wait_procs(children, timeout=30)
    assert not alive
