"""Fetching weights from a real server: whole, short, wrong, missing."""

from __future__ import annotations

import dataclasses
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jsonschema
import pystac
import pytest

from sarlra.errors import AssetError, ModelError
from sarlra.models import pull as pull_module
from sarlra.models.files import sha256
from sarlra.models.folders import registered_folder
from sarlra.models.pull import Registered, find_registered, list_registered, pull
from sarlra.models.registry import find_model


class _Publisher(BaseHTTPRequestHandler):
    """Serves the weights under several paths, some of them badly."""

    content: bytes = b""
    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        body = self.content
        if self.path == "/missing":
            self.send_error(404)
            return
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/whole")
            self.end_headers()
            return
        if self.path == "/round":
            self.send_response(302)
            self.send_header("Location", "/round")
            self.end_headers()
            return
        self.send_response(200)
        if self.path == "/cut":  # says it is whole, then hangs up
            self.send_header("Content-Length", str(len(body)))
            body = body[:100_000]
        elif self.path == "/short":
            body = body[:-1]
            self.send_header("Content-Length", str(len(body)))
        elif self.path == "/wrong":
            body = body[:-1] + bytes([body[-1] ^ 1])
            self.send_header("Content-Length", str(len(body)))
        elif self.path == "/endless":  # never says how long it is
            body = body * 3
        self.end_headers()
        try:
            self.wfile.write(body)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def publisher(shared_data: Path) -> Iterator[tuple[str, list[str]]]:
    asked: list[str] = []
    content = (shared_data / "reference" / "ascending.hdf5").read_bytes()
    handler = type("Handler", (_Publisher,), {"content": content, "asked": asked})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}", asked
    server.shutdown()
    server.server_close()


@pytest.fixture
def entry(shared_data: Path, publisher: tuple[str, list[str]]) -> Registered:
    content = (shared_data / "reference" / "ascending.hdf5").read_bytes()
    return Registered(
        name="published",
        title="Published weights",
        url=f"{publisher[0]}/whole",
        size=len(content),
        sha256=sha256(content),
        licence="Not confirmed.",
        architecture="sar-lra-v1",
        filters=32,
        orbit_state="ascending",
    )


def test_whole_weights_are_verified_and_imported(entry: Registered, user_models: Path) -> None:
    pieces: list[int] = []
    info = pull(entry, accept=True, progress=pieces.append)
    assert sum(pieces) == entry.size
    assert find_model("published") == info
    assert info.orbit_states == ("ascending",)
    assert info.card["licence"] == "Not confirmed."
    assert pull(entry, accept=True) == info  # a second time changes nothing


def test_a_redirect_is_followed(entry: Registered, user_models: Path) -> None:
    moved = dataclasses.replace(entry, url=entry.url.replace("/whole", "/moved"))
    assert pull(moved, accept=True).name == "published"


@pytest.mark.parametrize(
    ("path", "kind", "message"),
    [
        ("/missing", AssetError, "answered 404"),
        ("/cut", AssetError, "could not be fetched"),
        ("/short", ModelError, "gave 6,411,927 bytes"),
        ("/wrong", ModelError, "has sha256"),
        ("/endless", ModelError, "is larger than the 6,411,928 bytes"),
        ("/round", AssetError, "could not be fetched"),
    ],
)
def test_what_is_not_the_published_file_is_not_kept(
    entry: Registered,
    user_models: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    kind: type[Exception],
    message: str,
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    bad = dataclasses.replace(entry, url=entry.url.replace("/whole", path))
    with pytest.raises(kind, match=message) as caught:
        pull(bad, accept=True)
    assert bad.url in str(caught.value)
    assert not user_models.exists()
    assert list(temporary.iterdir()) == []


def test_nothing_is_asked_for_unless_accepted(
    entry: Registered, publisher: tuple[str, list[str]], user_models: Path
) -> None:
    with pytest.raises(ModelError, match=r"Not confirmed\."):
        pull(entry, accept=False)
    assert publisher[1] == []


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/x", "nonsense", "file:///etc/passwd"])
def test_an_address_that_does_not_answer(entry: Registered, user_models: Path, url: str) -> None:
    with pytest.raises(AssetError, match="could not be fetched"):
        pull(dataclasses.replace(entry, url=url), accept=True)


def test_the_published_files_are_registered() -> None:
    ascending, descending = list_registered()
    assert ascending == find_registered("sar-lra-v1-ascending")
    assert (ascending.filters, ascending.size) == (32, 6_412_304)
    assert (descending.filters, descending.size) == (64, 25_516_560)
    assert ascending.sha256 == "ba0599c713a69eb477b3ff540d008246b5b758a8bb9b14e3fc4d97f24f0ff21c"
    assert descending.sha256 == "2083bfa5ec756d3cc22d8802224fff0f46a5e40b79318e93fa742f044667dcfd"
    for entry in (ascending, descending):
        assert entry.url.startswith("https://raw.githubusercontent.com/lorenzonava96/")
        assert f"_{entry.orbit_state.upper()}_" in entry.url
        assert f"_filters_{entry.filters}_" in entry.url
        assert "not confirmed" in entry.licence


def test_unknown_weights_are_named_with_the_known(user_models: Path) -> None:
    with pytest.raises(ModelError, match="sar-lra-v1-descending"):
        find_registered("resnet")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda i: i.pop("assets"), "no registered model"),
        (lambda i: i["assets"]["weights"].update({"file:size": 10**12}), "cannot be"),
        (lambda i: i["assets"]["weights"].update({"file:checksum": "d50110ff"}), "multihash"),
        (lambda i: i["properties"].update({"sat:orbit_state": "sideways"}), "cannot be"),
    ],
)
def test_a_bad_registered_item_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Any, message: str
) -> None:
    item = json.loads((registered_folder() / "sar-lra-v1-ascending.json").read_text())
    change(item)
    (tmp_path / "bad.json").write_text(json.dumps(item))
    monkeypatch.setattr(pull_module, "registered_folder", lambda: tmp_path)
    with pytest.raises(ModelError, match=message):
        list_registered()


def test_registered_items_are_valid_stac(shared_data: Path) -> None:
    from referencing import Registry, Resource

    def retrieve(address: str) -> Any:
        name = address.removeprefix("https://stac-extensions.github.io/")
        schema = json.loads((shared_data / "stac-schemas" / name).read_text())
        return Resource.from_contents(schema)

    local: Any = Registry(retrieve=retrieve)
    items = sorted(registered_folder().glob("*.json"))
    assert len(items) >= 4
    for path in items:
        item = json.loads(path.read_text())
        assert item["id"] == path.stem
        core = pystac.Item.from_dict(item | {"stac_extensions": []})
        assert core.validate()  # against the core schemas, which pystac carries
        for address in item["stac_extensions"]:
            name = address.removeprefix("https://stac-extensions.github.io/")
            schema = json.loads((shared_data / "stac-schemas" / name).read_text())
            jsonschema.Draft7Validator(schema, registry=local).validate(item)
