"""The whole catalogue in a bucket of an S3 server that runs as a program of its own."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import catalog_world as world
import fsspec
import httpx
import pytest

from sarlra.catalog.collection import fold
from sarlra.catalog.folder import FolderSink
from sarlra.catalog.names import item_path
from sarlra.catalog.overview import draw_event
from sarlra.catalog.sink import open_sink
from sarlra.catalog.standing import find_done
from sarlra.errors import OutputError, StoreError

pytestmark = pytest.mark.services


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = (tmp_path_factory.mktemp("moto") / "log").open("wb")
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=log, stderr=log,
    )  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            try:
                httpx.get(f"{url}/moto-api/", timeout=2)
                break
            except httpx.TransportError:
                assert server.poll() is None, "the server ended"
                time.sleep(0.1)
        yield url
    finally:
        server.terminate()
        server.wait(10)


@pytest.fixture
def bucket(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": endpoint,
    }.items():
        monkeypatch.setenv(name, value)
    files = fsspec.filesystem("s3", use_listings_cache=False)
    type(files).clear_instance_cache()
    httpx.post(f"{endpoint}/moto-api/reset")
    files = fsspec.filesystem("s3", use_listings_cache=False)
    files.mkdir("results")
    yield "s3://results"
    type(files).clear_instance_cache()


def test_catalogue_in_a_bucket_is_that_of_a_folder(bucket: str, tmp_path: Path) -> None:
    sink = open_sink(f"{bucket}/events/")
    world.prepare(sink)
    item = world.result(high=0.3).publish(sink)
    assert item.get_self_href() == f"{bucket}/events/{item_path(item.id)}"
    assert find_done(sink, item.id, "job-1", verify=True) is not None
    assert sink.list_items() == (item.id,)
    result = fold(sink, world.event(), suppress=world.keep_highest)
    assert result.detections > 0
    assert draw_event(sink, "us2000h8ty")
    open_sink(f"{bucket}/events")

    local = FolderSink(tmp_path)
    world.prepare(local)
    world.result(high=0.3).publish(local)
    fold(local, world.event(), suppress=world.keep_highest)
    names = [p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file()]
    assert len(names) == 15
    for name in names:
        assert sink.read_bytes(name) == local.read_bytes(name), name
    sink.delete(f"items/{item.id}/scores.tif")
    assert find_done(sink, item.id, "job-1") is None


def test_places_that_cannot_be_used_are_refused(bucket: str) -> None:
    with pytest.raises(OutputError, match="no such bucket"):
        open_sink("s3://absent/events")
    fsspec.filesystem("s3", use_listings_cache=False).pipe_file("results/theirs/data.csv", b"1")
    with pytest.raises(OutputError, match="something else"):
        open_sink(f"{bucket}/theirs")
    open_sink(f"{bucket}/their")


def test_bucket_that_goes_away_is_a_store_error(bucket: str, endpoint: str) -> None:
    sink = open_sink(f"{bucket}/events")
    world.prepare(sink)
    httpx.post(f"{endpoint}/moto-api/reset")
    with pytest.raises(StoreError, match="events/x"):
        sink.put_bytes("x", b"1")


def test_items_of_more_than_a_page_are_listed(bucket: str) -> None:
    sink = open_sink(f"{bucket}/many")
    files = fsspec.filesystem("s3", use_listings_cache=False)
    names = [f"e_{number:04d}" for number in range(1100)]
    files.pipe({f"results/many/{item_path(n)}": json.dumps({"id": n}).encode() for n in names})
    assert sink.list_items() == tuple(names)
