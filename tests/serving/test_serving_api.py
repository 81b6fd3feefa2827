"""The server as a program, asked by pystac-client and plain HTTP."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pystac_client
import pytest
import rasterio
from running import serving
from serving_world import EVENT

from sarlra.catalog.validate import validate_document
from sarlra.serving.results import Results


@pytest.fixture(scope="module")
def server(made: Path) -> Iterator[str]:
    with serving(made) as url:
        yield url


def _search(url: str, **body: Any) -> dict[str, Any]:
    answer = httpx.post(f"{url}/stac/search", json=body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_client_finds_what_the_files_hold(server: str, results: Results) -> None:
    client = pystac_client.Client.open(f"{server}/stac/")
    assert [c.id for c in client.get_collections()] == [EVENT]
    assert {i.id for i in client.search(limit=1).items()} == set(results.items)
    assert client.search().matched() == 3
    one = next(iter(client.search(ids=[sorted(results.items)[0]]).items()))
    entry = results.items[one.id]
    assert one.properties == entry.document["properties"]
    validate_document(one.to_dict())
    with rasterio.open(one.assets["scores"].href) as raster:
        assert raster.count == 1  # over HTTP, by ranges
    assert one.get_self_href() == f"{server}/stac/collections/{EVENT}/items/{one.id}"


def test_search_by_get_and_by_post_agree(server: str, results: Results) -> None:
    box = results.items[sorted(results.items)[-1]].document["bbox"]
    inner = [box[2] - 1e-4, box[1], box[2], box[3]]
    condition = {"op": "and", "args": [
        {"op": ">=", "args": [{"property": "sarlra:statistics.detections"}, 1]},
        {"op": "like", "args": [{"property": "id"}, "%_v2"]}]}  # fmt: skip
    post = _search(server, bbox=inner, filter=condition, datetime="2018-07-01T00:00:00Z/..")
    get = httpx.get(
        f"{server}/stac/search",
        params={
            "bbox": ",".join(map(str, inner)),
            "filter": json.dumps(condition),
            "filter-lang": "cql2-json",
            "datetime": "2018-07-01T00:00:00Z/..",
        },
    ).json()
    ids = [f["id"] for f in post["features"]]
    assert ids == [f["id"] for f in get["features"]]
    expected = sorted(
        name for name, entry in results.items.items()
        if name.endswith("_v2") and entry.document["bbox"][2] >= inner[0]
    )  # fmt: skip
    assert sorted(ids) == expected
    assert _search(server, datetime="2019-01-01T00:00:00Z/..")["numberMatched"] == 0
    area = {"type": "Point", "coordinates": [0.0, 0.0]}
    assert _search(server, intersects=area)["numberMatched"] == 0
    assert _search(server, collections=["other"])["numberMatched"] == 0


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("2018-09-05t18:07:58.000z", 3),
        ("2018-09-05T18:07:58+09:00", 3),
        ("1985-04-12T23:20:50.52Z", 0),
        ("../2017-01-01T00:00:00Z", 0),
        ("/2030-01-01T00:00:00Z", 3),
    ],
)
def test_times_in_every_allowed_form(server: str, text: str, count: int) -> None:
    answer = httpx.get(f"{server}/stac/search", params={"datetime": text})
    assert answer.status_code == 200, answer.text
    assert answer.json()["numberMatched"] == count


@pytest.mark.parametrize("limit", [1, 2])
def test_pages_follow_by_get_and_by_post(server: str, results: Results, limit: int) -> None:
    for method, body in (("GET", None), ("POST", {"limit": limit, "collections": [EVENT]})):
        found: list[str] = []
        link: dict[str, Any] = {
            "method": method, "body": body, "href": f"{server}/stac/search?limit={limit}"
        }  # fmt: skip
        while link:
            page = httpx.request(link["method"], link["href"], json=link.get("body")).json()
            assert len(page["features"]) <= limit
            found += [feature["id"] for feature in page["features"]]
            link = next((x for x in page["links"] if x["rel"] == "next"), {})
        assert len(found) == 3
        assert set(found) == set(results.items)


@pytest.mark.parametrize("bounds", [(4, 5), ([4, 5],)])
def test_between_in_both_forms(server: str, bounds: tuple[Any, ...]) -> None:
    condition = {"op": "between", "args": [{"property": "sarlra:n_pre"}, *bounds]}
    assert _search(server, filter=condition)["numberMatched"] == 3
    assert _search(server, filter={"op": "not", "args": [condition]})["numberMatched"] == 0


def test_missing_properties_do_not_match(server: str) -> None:
    for operator in ("=", "<>", "<", ">"):
        condition = {"op": operator, "args": [{"property": "no-such"}, 1]}
        assert _search(server, filter=condition)["numberMatched"] == 0
        assert _search(server, filter={"op": "not", "args": [condition]})["numberMatched"] == 0
    none = {"op": "isNull", "args": [{"property": "no-such"}]}
    assert _search(server, filter=none)["numberMatched"] == 3


def test_landing_page_links_lead_somewhere(server: str) -> None:
    landing = httpx.get(f"{server}/stac/").json()
    validate_document(landing)
    for link in landing["links"]:
        if link.get("method", "GET") == "GET":
            answer = httpx.get(link["href"])
            assert answer.status_code == 200, link
            assert answer.headers["content-type"].split(";")[0] == link["type"].split(";")[0]
    assert "https://api.stacspec.org/v1.0.0/item-search" in landing["conformsTo"]
    for untrue in ("transaction", "cql2-text", "sort", "fields", "collection-search"):
        assert not any(untrue in name for name in landing["conformsTo"]), untrue
    named = httpx.get(f"{server}/stac/collections/{EVENT}/queryables").json()["properties"]
    assert named["sarlra:n_pre"]["type"] == "integer"


@pytest.mark.parametrize(
    ("header", "status", "part"),
    [
        ("bytes=0-9", 206, slice(0, 10)),
        ("bytes=10-", 206, slice(10, None)),
        ("bytes=-7", 206, slice(-7, None)),
        ("bytes=0-999999999", 206, slice(0, None)),
        ("bytes=99999999-", 416, slice(0, 0)),
        ("bytes=-0", 416, slice(0, 0)),
        ("bytes=5-2", 200, slice(0, None)),
        ("bytes=0-1,4-5", 200, slice(0, None)),
        ("lines=0-1", 200, slice(0, None)),
    ],
)
def test_ranges(
    server: str, made: Path, results: Results, header: str, status: int, part: slice
) -> None:
    path = f"items/{sorted(results.items)[0]}/scores.tif"
    answer = httpx.get(f"{server}/assets/{path}", headers={"Range": header})
    assert answer.status_code == status
    data = (made / path).read_bytes()
    assert answer.content == data[part]
    if status == 206:
        first, last = answer.headers["content-range"].split()[1].split("/")[0].split("-")
        assert data[int(first) : int(last) + 1] == answer.content


def test_a_file_that_is_known_already_is_not_sent(server: str, results: Results) -> None:
    url = f"{server}/assets/items/{sorted(results.items)[0]}/change.tif"
    tag = httpx.get(url).headers["etag"]
    assert httpx.get(url, headers={"If-None-Match": tag}).status_code == 304
    stale = httpx.get(url, headers={"Range": "bytes=0-3", "If-Range": '"other"'})
    assert stale.status_code == 200
    assert int(httpx.head(url).headers["content-length"]) == len(stale.content)


def test_other_pages_may_read_it(server: str) -> None:
    headers = {"Origin": "https://elsewhere.example"}
    assert httpx.get(f"{server}/stac/", headers=headers).headers["access-control-allow-origin"]
    asked = {**headers, "Access-Control-Request-Method": "POST"}
    answer = httpx.options(f"{server}/stac/search", headers=asked)
    assert "POST" in answer.headers["access-control-allow-methods"]


def test_tile_shows_the_raster(server: str, results: Results) -> None:
    from io import BytesIO

    import morecantile
    import numpy as np
    from PIL import Image

    name = sorted(results.items)[0]
    west, south, east, north = results.items[name].document["bbox"]
    grid = morecantile.tms.get("WebMercatorQuad")
    tile = grid.tile((west + east) / 2, (south + north) / 2, 14)
    about = httpx.get(f"{server}/tiles/{name}/change/tilejson.json").json()
    url = about["tiles"][0].format(z=tile.z, x=tile.x, y=tile.y)
    answer = httpx.get(url)
    assert answer.headers["content-type"] == "image/png"
    image = np.asarray(Image.open(BytesIO(answer.content)).convert("RGBA"))
    assert image.shape == (256, 256, 4)
    assert 0 < (image[..., 3] > 0).mean() <= 1
    # A narrower scale saturates more pixels.
    narrow = np.asarray(Image.open(BytesIO(httpx.get(f"{url}&rescale=-0.1,0.1").content)))
    assert len(np.unique(narrow[..., 0])) < len(np.unique(image[..., 0]))
    assert httpx.get(f"{server}/tiles/{name}/change/14/0/0.png").status_code == 404
    # Wherever the raster is said to be there is a picture, though nothing may be in it.
    for t in grid.tiles(*about["bounds"], zooms=[13]):
        assert httpx.get(about["tiles"][0].format(z=t.z, x=t.x, y=t.y)).status_code == 200


def test_public_validator_finds_no_error(server: str, shared_data: Path) -> None:
    """stac-api-validator, on every class that the server claims and that it can check."""
    claimed = httpx.get(f"{server}/stac/conformance").json()["conformsTo"]
    checked = ["core", "collections", "ogcapi-features", "item-search", "item-search#filter"]
    for name in checked:
        assert any(
            uri.startswith("https://api.stacspec.org/v1.0.0") and uri.endswith(f"/{name}")
            for uri in claimed
        ), (name, sorted(claimed))
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("api_validator.py")), f"{server}/stac/",
         EVENT, str(shared_data / "stac-schemas")],
        capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["errors"] == []
    # Nothing was passed over for want of a schema.
    assert [text for text in found["warnings"] if "schema" in text.lower()] == []
