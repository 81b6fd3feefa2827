"""A catalogue in an object store is served as one in a folder is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest
from serving_world import EVENT
from starlette.testclient import TestClient

from sarlra.serving.app import make_app
from sarlra.serving.place import open_place
from sarlra.serving.results import Results, read_results
from sarlra.serving.verify import verify


@pytest.fixture
def store(made: Path) -> Iterator[str]:
    objects = fsspec.filesystem("memory")
    for file in made.rglob("*"):
        if file.is_file():
            objects.pipe_file(f"/serving/{file.relative_to(made)}", file.read_bytes())
    yield "memory://serving"
    objects.rm("/serving", recursive=True)


def test_object_store_gives_what_the_folder_gives(store: str, made: Path, results: Results) -> None:
    found = read_results(open_place(f"{store}/catalog.json"))
    assert found.items.keys() == results.items.keys()
    assert verify(found).faults == ()
    client = TestClient(make_app(found), "http://localhost")
    name = min(found.items)
    path = f"items/{name}/scores.tif"
    part = client.get(f"/assets/{path}", headers={"Range": "bytes=3-9"})
    assert part.status_code == 206
    assert part.content == (made / path).read_bytes()[3:10]
    west, south, east, north = found.items[name].document["bbox"]
    import morecantile

    tile = morecantile.tms.get("WebMercatorQuad").tile((west + east) / 2, (south + north) / 2, 12)
    drawn = client.get(f"/tiles/{name}/change/{tile.z}/{tile.x}/{tile.y}.png")
    assert drawn.content.startswith(b"\x89PNG")
    assert client.get(f"/stac/collections/{EVENT}/items").json()["numberMatched"] == 3
    assert client.get("/assets/unnamed").status_code == 404
