"""Servers that fail at random, tokens that expire, files that are damaged, a disk that is full."""

from __future__ import annotations

import json
import random
import resource
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.faults.conftest import World, items_of, results_of
from tests.servers.base import Reply, Request
from tests.servers.blobs import BlobServer

pytestmark = pytest.mark.faults
Start = Callable[..., subprocess.Popen[str]]


class FlakyBlobs(BlobServer):
    """Fails a share of the requests for files: 429, 500, a closed connection, a body cut short."""

    def __init__(self, folder: Path, share: float, seed: int, lifetime_s: float) -> None:
        super().__init__(folder, lifetime_s=lifetime_s)
        self.share = share
        self.injected: dict[str, int] = {}
        self._random = random.Random(seed)
        self._dice = threading.Lock()

    def reply(self, request: Request) -> Reply:
        with self._dice:
            roll, kind = self._random.random(), self._random.choice(["429", "500", "cut"])
        answer = super().reply(request)
        if "/token" in request.path or roll >= self.share or request.method == "HEAD":
            return answer
        with self._dice:
            self.injected[kind] = self.injected.get(kind, 0) + 1
        if kind == "429":
            return Reply(429, b"slow down", {"Retry-After": "0"})
        if kind == "500":
            return Reply(500, b"broken")
        # Fewer bytes than promised; the server then closes the connection.
        stated = {**answer.headers, "Connection": "close", "Content-Length": str(len(answer.body))}
        return Reply(answer.status, answer.body[: len(answer.body) // 2], stated)


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


def scores(out: Path) -> dict[str, bytes]:
    """Lattices and detections of all items, by tile and track."""
    return {
        f"{path.parent.name.rsplit('_', 1)[0]}/{path.name}": path.read_bytes()
        for path in sorted(out.glob("items/*/*"))
        if path.name in ("scores.tif", "detections.parquet", "change.tif")
    }


@pytest.mark.parametrize(("share", "lifetime_s"), [(0.2, 3600.0), (0.0, 2.0)])
def test_failing_server_and_expiring_tokens(
    world: World, start: Start, tmp_path: Path, share: float, lifetime_s: float
) -> None:
    with FlakyBlobs(world.folder, share, seed=5, lifetime_s=lifetime_s) as server:
        items = served(world, server, tmp_path)
        signing = {"SARLRA_TOKEN_URL": server.token_url, "SARLRA_TOKEN_HOSTS": server.host}
        out = tmp_path / "out"
        run = start(world.command(out, "--cluster", "none", items=items), **signing)
        printed, errors = run.communicate(timeout=150)
        assert run.returncode == 0, printed + errors
        if share:
            assert sum(server.injected.values()) > 10
            assert set(server.injected) == {"429", "500", "cut"}
        else:
            assert server.token_requests() > 1
    assert scores(out) == scores(world.out)
    assert "sig=" not in printed + errors
    assert b"sig=" not in b"".join(results_of(out).values())


def test_corrupt_file_fails_its_jobs_by_name(world: World, start: Start, tmp_path: Path) -> None:
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
    printed, errors = run.communicate(timeout=150)
    assert run.returncode == 6, printed + errors
    report = json.loads(printed)
    failed = [o for o in report["outcomes"] if o["status"] == "failed"]
    assert failed
    assert all("damaged.tif" in o["reason"] and o["code"] == "asset" for o in failed)
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


def test_full_disk_leaves_nothing_half_written(
    world: World, environment: dict[str, str], tmp_path: Path
) -> None:
    """A limit on the size of a file, as a disk that is full, then more room."""
    out = tmp_path / "out"
    largest = max(len(data) for data in results_of(world.out).values())

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest // 2, largest // 2))

    full = subprocess.run(
        world.command(out, "--cluster", "none"), env=environment, preexec_fn=limit,
        capture_output=True, text=True, timeout=150, check=False,
    )  # fmt: skip
    assert full.returncode not in (0, -25), full.stdout + full.stderr
    report = json.loads(full.stdout)
    assert "error" in report or report["counts"]["failed"] > 0
    again = subprocess.run(
        world.command(out, "--cluster", "none"), env=environment,
        capture_output=True, text=True, timeout=150, check=False,
    )  # fmt: skip
    assert again.returncode == 0, again.stdout + again.stderr
    assert results_of(out) == results_of(world.out)
