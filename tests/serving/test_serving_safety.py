"""What strangers may not do: each with a request or a catalogue that tries."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from serving_world import EVENT
from starlette.testclient import TestClient

from sarlra.errors import CatalogError, InputError
from sarlra.serving.app import make_app
from sarlra.serving.links import absolute, is_allowed
from sarlra.serving.place import open_place
from sarlra.serving.query import make_query, parse_filter
from sarlra.serving.results import Results, read_results

CROSSED = [[0, 0], [1, 1], [0, 1], [1, 0], [0, 0]]
SCRIPT = "</h3><script>alert(1)</script><img src=x onerror=alert(2)>"


def client_of(folder: Path) -> TestClient:
    return TestClient(make_app(read_results(open_place(str(folder)))), "http://localhost")


def spoil(folder: Path, change: Callable[[dict[str, Any]], None]) -> str:
    """Change the first item's document; its id."""
    file = min(folder.glob("items/*/*_v1.json"))
    document = json.loads(file.read_text())
    change(document)
    file.write_text(json.dumps(document))
    return file.stem


@pytest.fixture(scope="module")
def client(results: Results) -> TestClient:
    return TestClient(make_app(results), "http://localhost")


@pytest.mark.parametrize(
    "path",
    ["../secret.txt", "%2e%2e/secret.txt", "items/%2e%2e/%2e%2e/secret.txt", "/etc/passwd",
     "%2fetc%2fpasswd", "items\\..\\secret", "catalog.json%00", "composites/us2000h8ty.zarr",
     "items", ".hidden", "unnamed.txt", ""],
)  # fmt: skip
def test_nothing_but_named_files_is_handed_out(copy: Path, path: str) -> None:
    (copy / "unnamed.txt").write_text("secret")
    (copy / ".hidden").write_text("secret")
    (copy.parent / "secret.txt").write_text("secret")
    answer = client_of(copy).get(f"/assets/{path}")
    assert answer.status_code in (400, 404)
    assert "secret" not in answer.text


def test_links_of_the_file_system_do_not_lead_out(copy: Path) -> None:
    (copy.parent / "secret.txt").write_text("secret")
    picture = min(copy.glob("items/*_v1/quicklook.png"))
    picture.unlink()
    picture.symlink_to(copy.parent / "secret.txt")
    answer = client_of(copy).get(f"/assets/{picture.relative_to(copy)}")
    assert answer.status_code == 404


@pytest.mark.parametrize(
    "href",
    ["file:///etc/passwd", "/etc/passwd", "../../../etc/passwd", "javascript:alert(1)",
     "data:text/html,x", "https://user:pass@host/x", "ftp://host/x", "http://", "\x01./x"],
)  # fmt: skip
def test_hrefs_that_may_not_be_served(href: str, copy: Path) -> None:
    assert absolute(href, "items/a/a.json", "https://host/assets") is None

    def change(document: dict[str, Any]) -> None:
        document["assets"]["inputs"]["href"] = href
        document["links"].append({"rel": "about", "href": href})

    name = spoil(copy, change)
    answer = client_of(copy).get(f"/stac/collections/{EVENT}/items/{name}")
    assert answer.status_code == 200
    assert "inputs" not in answer.json()["assets"]
    assert not [link for link in answer.json()["links"] if link["rel"] == "about"]


def test_tile_of_a_named_path_is_not_drawn(copy: Path) -> None:
    def change(document: dict[str, Any]) -> None:
        document["assets"]["visibility"]["href"] = "./../../../etc/passwd"

    name = spoil(copy, change)  # such an item is not valid, and not served at all
    assert client_of(copy).get(f"/tiles/{name}/visibility/0/0/0.png").status_code == 404


def test_a_raster_that_names_others_is_not_followed(copy: Path) -> None:
    scores = min(copy.glob("items/*_v1/scores.tif"))
    scores.write_text(
        '<VRTDataset rasterXSize="1" rasterYSize="1"><VRTRasterBand dataType="Byte" band="1">'
        "<SimpleSource><SourceFilename>/etc/hostname</SourceFilename></SimpleSource>"
        "</VRTRasterBand></VRTDataset>"
    )
    answer = client_of(copy).get(f"/tiles/{scores.parent.name}/scores/0/0/0.png")
    assert answer.status_code == 500
    assert answer.json() == {"detail": f"asset scores of {scores.parent.name} cannot be drawn"}


def test_html_is_escaped_and_runs_nothing(copy: Path) -> None:
    spoil(copy, lambda document: document["properties"].update(title=SCRIPT))
    answer = client_of(copy).get("/list")
    assert "&lt;script&gt;" in answer.text
    assert "<script" not in answer.text
    assert "<img src=x" not in answer.text
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy


def test_page_asks_nobody_else(client: TestClient) -> None:
    text = client.get("/list").text
    assert "http://" not in text
    assert "https://" not in text
    assert text.count("<h3>") == 3
    assert text.count('alt="') == 3
    assert text.count("Superseded") == 1


def test_files_run_nothing_in_a_browser(client: TestClient, results: Results) -> None:
    path = f"items/{min(results.items)}/detections.geojson"
    headers = client.get(f"/assets/{path}").headers
    assert headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in headers["content-security-policy"]
    assert headers["content-type"] == "application/geo+json"


def test_ids_with_paths_are_refused(copy: Path) -> None:
    name = spoil(copy, lambda document: document.update(id="../../etc"))
    found = read_results(open_place(str(copy)))
    assert len(found.items) == 2
    assert any(name in path and "address" in reason for path, reason in found.rejected)


def test_writing_is_not_possible(client: TestClient) -> None:
    for method in ("PUT", "DELETE", "PATCH", "POST"):
        answer = client.request(method, f"/stac/collections/{EVENT}")
        assert answer.status_code == 405
        assert client.request(method, "/assets/catalog.json").status_code == 405


def test_other_names_of_this_machine_are_refused(results: Results) -> None:
    # A page whose own name was made to point at 127.0.0.1.
    assert TestClient(make_app(results), "http://evil.example").get("/").status_code == 400


def test_bodies_and_queries_are_bounded(client: TestClient) -> None:
    assert client.post("/stac/search", content=b" " * 300_000).status_code == 413

    def endless() -> Any:
        for _ in range(100):
            yield b" " * 10_000

    assert client.post("/stac/search", content=endless()).status_code == 413
    assert client.get(f"/stac/search?ids={'a' * 20_000}").status_code == 414


def _nested(depth: int) -> dict[str, Any]:
    inner: dict[str, Any] = {"op": "=", "args": [{"property": "id"}, "a"]}
    for _ in range(depth):
        inner = {"op": "not", "args": [inner]}
    return inner


@pytest.mark.parametrize(
    "condition",
    [
        _nested(15),
        {"op": "or", "args": [_nested(0)] * 5000},
        {"op": "pg_sleep", "args": [10]},
        {"op": "casei", "args": [{"property": "id"}]},
        {"property": "id"},
        "id = 'a'",
        [1],
    ],
)
def test_filters_are_bounded(condition: Any) -> None:
    with pytest.raises(InputError):
        parse_filter(condition)


@pytest.mark.parametrize(
    "body",
    [
        {"limit": 0},
        {"bbox": [0, 0, 1]},
        {"bbox": [0, 50, 1, 40]},
        {"bbox": [0, 0, 1, 1], "intersects": {"type": "Point", "coordinates": [0, 0]}},
        {"datetime": "yesterday"},
        {"intersects": {"type": "Polygon", "coordinates": [CROSSED]}},
        {"filter": {"op": "nothing", "args": []}},
        {"token": "../x"},
        {"ids": ["a"] * 2000},
    ],
)  # fmt: skip
def test_malformed_searches_are_told_so(client: TestClient, body: dict[str, Any]) -> None:
    answer = client.post("/stac/search", json=body)
    assert 400 <= answer.status_code < 500, answer.text
    assert "Traceback" not in answer.text


def test_pages_are_bounded() -> None:
    assert make_query(limit=10_000_000).limit == 1000


@pytest.mark.parametrize("z", [-1, 23, 60])
def test_tiles_that_there_are_not(client: TestClient, results: Results, z: int) -> None:
    name = min(results.items)
    assert client.get(f"/tiles/{name}/change/{z}/0/0.png").status_code in (404, 422)
    assert client.get(f"/tiles/{name}/change/1/2/0.png").status_code == 404
    assert client.get(f"/tiles/{name}/quicklook/0/0/0.png").status_code == 404
    assert client.get(f"/tiles/{name}/change/0/0/0.png?rescale=1,0").status_code == 400
    assert client.get(f"/tiles/{name}/change/0/0/0.png?rescale=__import__").status_code == 400


def test_large_documents_are_not_read(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = spoil(copy, lambda document: document.update(padding="x" * 17 * 2**20))
    found = read_results(open_place(str(copy)))
    assert name not in found.items
    assert any("more than" in reason for _, reason in found.rejected)


def test_a_folder_that_is_no_catalogue_is_not_served(tmp_path: Path) -> None:
    (tmp_path / "catalog.json").write_text("{}")
    with pytest.raises(InputError, match="not written by sarlra"):
        open_place(str(tmp_path))
    with pytest.raises(InputError, match="no catalogue"):
        open_place(str(tmp_path / "none"))


def test_hosts_can_be_limited() -> None:
    assert is_allowed("https://a.example/x", frozenset({"a.example"}))
    assert not is_allowed("https://a.example.evil/x", frozenset({"a.example"}))


def test_checks_of_fetching(made: Path) -> None:
    from sarlra.serving.fetch import WebOrigin, check_inputs, fetch_item

    item = str(min(made.glob("items/*/*.json")))
    _, origin = fetch_item(item)
    for href in ("/etc/passwd", "file:///etc/passwd", "../../../../etc/passwd", "http://h/x"):
        with pytest.raises(CatalogError):
            origin.read(href, 100)
    web = WebOrigin("https://host.example/a/b.json")
    for href in ("https://other.example/x", "http://host.example/x", "file:///etc/passwd"):
        with pytest.raises(CatalogError, match="lies elsewhere"):
            web.read(href, 100)
    for href in ("/etc/passwd", "file:///x", "/vsicurl/http://x", "http://169.254.169.254/a",
                 "http://localhost/x", "http://10.0.0.1/x"):  # fmt: skip
        frozen = {"features": [{"assets": {"VV": {"href": href}}}]}
        with pytest.raises(CatalogError, match="may not"):
            check_inputs(frozen, remote=True, local_files=False)
        check_inputs(frozen, remote=False, local_files=False)
