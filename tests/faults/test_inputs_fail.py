"""Servers that fail at random, tokens that expire, files that are damaged, a disk that is full."""

from __future__ import annotations

import json
import random
import resource
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
import rasterio

from tests.faults.conftest import (
    PATIENCE_S,
    Record,
    World,
    items_of,
    results_of,
    scores,
    start_scheduler,
    worker,
)
from tests.servers.base import Reply, Request
from tests.servers.blobs import BlobServer

pytestmark = pytest.mark.faults
Start = Callable[..., subprocess.Popen[str]]


KINDS = ("429", "500", "cut", "reset")


class FlakyBlobs(BlobServer):
    """Fails a share of the requests for files: 429, 500, a reset, a body cut short."""

    def __init__(self, folder: Path, share: float, seed: int, lifetime_s: float) -> None:
        super().__init__(folder, lifetime_s=lifetime_s)
        self.share = share
        self.injected: dict[str, int] = {}
        self._random = random.Random(seed)
        self._dice = threading.Lock()

    def reply(self, request: Request) -> Reply:
        with self._dice:
            roll, kind = self._random.random(), self._random.choice(KINDS)
        answer = super().reply(request)
        if "/token" in request.path or roll >= self.share or request.method == "HEAD":
            return answer
        with self._dice:
            self.injected[kind] = self.injected.get(kind, 0) + 1
        if kind == "429":
            return Reply(429, b"slow down", {"Retry-After": "0"})
        if kind == "500":
            return Reply(500, b"broken")
        # Fewer bytes than promised; the server then closes or resets the connection.
        stated = {**answer.headers, "Connection": "close", "Content-Length": str(len(answer.body))}
        half = answer.body[: len(answer.body) // 2]
        return Reply(answer.status, half, stated, reset=kind == "reset")


def served(world: World, server: BlobServer, folder: Path) -> Path:
    """The world's items with hrefs at the server, and a source that signs them."""
    content = json.loads((world.folder / "items.json").read_text())
    for item in content["features"]:
        for asset in item["assets"].values():
            path = asset["href"].removeprefix("./").removeprefix(str(world.folder) + "/")
            assert not urlsplit(path).scheme
            asset["href"] = server.href(path)
    items = folder / "items.json"
    items.write_text(json.dumps(content))
    return items


@pytest.mark.parametrize(("share", "lifetime_s"), [(0.2, 3600.0), (0.0, 2.0)])
def test_failing_server_and_expiring_tokens(
    world: World, start: Start, tmp_path: Path, record: Record, share: float, lifetime_s: float
) -> None:
    with FlakyBlobs(world.folder, share, seed=5, lifetime_s=lifetime_s) as server:
        items = served(world, server, tmp_path)
        signing = {"SARLRA_TOKEN_URL": server.token_url, "SARLRA_TOKEN_HOSTS": server.host}
        out = tmp_path / "out"
        run = start(world.command(out, "--cluster", "none", items=items), **signing)
        printed, errors = run.communicate(timeout=PATIENCE_S)
        assert run.returncode == 0, printed + errors
        if share:
            assert sum(server.injected.values()) > 10
            assert set(server.injected) == set(KINDS)
        else:
            assert server.token_requests() > 1
    if share:
        kinds = ", ".join(f"{n} {kind}" for kind, n in sorted(server.injected.items()))
        record("asset server: 20 % of requests answered 429, 500, cut short, reset", kinds, out,
               same=scores)  # fmt: skip
    else:
        record("tokens that live 2 s", f"{server.token_requests()} tokens", out, same=scores)
    assert scores(out) == scores(world.out)
    assert "sig=" not in printed + errors
    assert b"sig=" not in b"".join(results_of(out).values())


def test_corrupt_file_fails_its_jobs_by_name(
    world: World, start: Start, tmp_path: Path, record: Record
) -> None:
    content = json.loads((world.folder / "items.json").read_text())
    damaged = tmp_path / "damaged.tif"
    track = next(iter(json.loads(_a_result(world))["inputs"]))
    for item in content["features"]:
        for asset in item["assets"].values():
            asset["href"] = str((world.folder / asset["href"]).resolve())
        if item["id"] == track:
            original = Path(item["assets"]["vv"]["href"])
            bytes_ = bytearray(original.read_bytes())
            bytes_[-len(bytes_) // 4 :] = b"\xff" * len(bytes_[-len(bytes_) // 4 :])
            damaged.write_bytes(bytes_)
            item["assets"]["vv"]["href"] = str(damaged)
    items = tmp_path / "items.json"
    items.write_text(json.dumps(content))
    out = tmp_path / "out"
    run = start(world.command(out, "--cluster", "none", "--orbit", "both", items=items),
                SARLRA_CLUSTER_RETRIES="1")  # fmt: skip
    printed, errors = run.communicate(timeout=PATIENCE_S)
    assert run.returncode == 6, printed + errors
    report = json.loads(printed)
    failed = [o for o in report["outcomes"] if o["status"] == "failed"]
    assert failed
    assert all("damaged.tif" in o["reason"] and o["code"] == "asset" for o in failed)
    record("a corrupt COG, both directions", "1 file", out, len(failed), of="ascending")
    # The other direction reads other files, and is whole.
    assert {o["track"][-1] for o in failed} == {"A"}
    good = {o["item_id"] for o in report["outcomes"] if o["status"] in ("done", "empty")}
    assert any(name.split("_")[-2].endswith("D") for name in good)
    assert {path.stem for path in items_of(out)} == good


def _a_result(world: World) -> str:
    import pyarrow.parquet as pq

    (table,) = world.out.glob("collections/*/plan.parquet")
    row = pq.read_table(table).to_pylist()[0]
    return json.dumps({"inputs": row["inputs"]})


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[Callable[[int], None] | None]:
    """A tmpfs of some bytes at a folder, and how to make it larger; None where none is mounted."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        yield None
        return

    def resize(size: int) -> None:
        subprocess.run(["mount", "-o", f"remount,size={size}", str(folder)], check=True)

    try:
        yield resize
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_full_disk_leaves_nothing_half_written(
    world: World, environment: dict[str, str], tmp_path: Path, record: Record
) -> None:
    """A tmpfs that is too small; where none can be mounted, a limit on the size of a file."""
    results = results_of(world.out)
    largest = max(len(data) for data in results.values())
    whole = sum(-(-len(data) // 4096) * 4096 for data in results.values())

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest // 2, largest // 2))

    def run(*, limited: bool) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            world.command(out, "--cluster", "none"), env=environment,
            preexec_fn=limit if limited else None,
            capture_output=True, text=True, timeout=PATIENCE_S, check=False,
        )  # fmt: skip

    with small_disk(tmp_path / "disk", round(0.6 * whole)) as resize:
        out = tmp_path / "disk" / "out"
        full = run(limited=resize is None)
        assert full.returncode not in (0, -25), full.stdout + full.stderr
        report = json.loads(full.stdout)
        assert "error" in report or report["counts"]["failed"] > 0
        said = "No space left" if resize else "File too large"
        assert said in full.stdout
        if resize:
            resize(4 * whole)
        again = run(limited=False)
        assert again.returncode == 0, again.stdout + again.stderr
        way = "tmpfs" if resize else "RLIMIT_FSIZE"
        record(f"disk full ({way}), then room and the same command", "1", out)
        assert results_of(out) == results


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_worker_over_its_memory_limit_fails_one_job(
    world: World, start: Start, tmp_path: Path, record: Record
) -> None:
    """A file of one block of 1.6 GB: the job that reads it is given up, with its name."""
    content = json.loads((world.folder / "items.json").read_text())
    for item in content["features"]:
        for asset in item["assets"].values():
            asset["href"] = str((world.folder / asset["href"]).resolve())
    track = next(iter(json.loads(_a_result(world))["inputs"]))
    (item,) = (i for i in content["features"] if i["id"] == track)
    with rasterio.open(item["assets"]["vv"]["href"]) as source:
        # The same place at one level, far beyond the scene: a block must be read whole.
        profile = source.profile | {
            "width": 20_000, "height": 20_000, "tiled": False, "blockysize": 20_000,
            "compress": "deflate", "zlevel": 1,
        }  # fmt: skip
        for name in ("blockxsize", "interleave"):
            profile.pop(name, None)
    bomb = tmp_path / "one-block.tif"
    with rasterio.open(bomb, "w", **profile) as target:
        target.write(np.full((20_000, 20_000), 0.05, np.float32), 1)
    assert bomb.stat().st_size < 20e6
    item["assets"]["vv"]["href"] = str(bomb)
    items = tmp_path / "items.json"
    items.write_text(json.dumps(content))
    address = start_scheduler(start, DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES="0")
    # As infra/ starts workers: none is paused for good when its memory is nearly full.
    unpaused = {f"DASK_DISTRIBUTED__WORKER__MEMORY__{name}": "False"
                for name in ("TARGET", "SPILL", "PAUSE")}  # fmt: skip
    start(worker(address, "--nanny", "--memory-limit", "1700MB"), **unpaused)
    out = tmp_path / "out"
    # One job for a worker at a time: dask blames what waits on a worker that dies, too.
    run = start(world.command(out, "--cluster", address, "--orbit", "both", items=items),
                SARLRA_CLUSTER_IN_FLIGHT="1")  # fmt: skip
    printed, errors = run.communicate(timeout=PATIENCE_S)
    assert run.returncode == 6, printed + errors
    outcomes = json.loads(printed)["outcomes"]
    failed = [o for o in outcomes if o["status"] == "failed"]
    assert {o["code"] for o in failed} == {"worker-killed"}
    assert all("memory" in o["hint"] for o in failed)
    assert {o["track"][-1] for o in failed} == {"A"}
    assert any(o["track"][-1] == "D" for o in outcomes if o["status"] in ("done", "empty"))
    record("a worker over its memory limit (a file of one block of 1.6 GB), both directions",
           "1 file", out, len(failed), of="ascending")  # fmt: skip


def test_clocks_out_of_order_change_nothing(
    world: World, environment: dict[str, str], tmp_path: Path, record: Record
) -> None:
    """Shocks given late before early, items listed backwards, stamped in the future or the past."""
    content = json.loads((world.folder / "items.json").read_text())
    for index, item in enumerate(reversed(content["features"])):
        for asset in item["assets"].values():
            asset["href"] = str((world.folder / asset["href"]).resolve())
        item["properties"]["created"] = f"20{99 - index % 50}-01-01T00:00:00Z"
        item["properties"]["updated"] = "1999-01-01T00:00:00Z"
    event = json.loads((world.folder / "event.geojson").read_text())
    stated = event["properties"]["products"]["shakemap"][0]["properties"]
    aoi = ",".join(stated[f"{side}itude"] for side in
                   ("minimum-long", "minimum-lat", "maximum-long", "maximum-lat"))  # fmt: skip
    first = datetime.fromisoformat(stated["eventtime"])
    shocks = [(first + timedelta(seconds=s)).isoformat() for s in (0, 90)]
    made = []
    for name, features in (("there", content["features"]), ("back", content["features"][::-1])):
        items = tmp_path / f"{name}.json"
        items.write_text(json.dumps({**content, "features": features}))
        command = world.command(tmp_path / name, "--cluster", "none", items=items, event=False)
        for shock in shocks if name == "there" else shocks[::-1]:
            command += ["--origin", shock]
        done = subprocess.run([*command, f"--aoi={aoi}"], env=environment, capture_output=True,
                              text=True, timeout=PATIENCE_S, check=False)  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        made.append(scores(tmp_path / name))
    injected = f"{len(content['features'])} items, 2 shocks"
    record("clocks of events and items out of order", injected, tmp_path / "back",
           truth=tmp_path / "there", same=scores)  # fmt: skip
    assert made[0] == made[1]
    assert len(made[0]) == len(scores(world.out))
