"""Behind a proxy that has the server under a path, with a path given and with headers believed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pystac_client
import pytest
from running import serving
from serving_world import EVENT
from starlette.testclient import TestClient

from sarlra.errors import InputError
from sarlra.serving.app import make_app
from sarlra.serving.proxy import BehindProxy, checked_prefix
from sarlra.serving.results import Results
from tests.servers.proxy import PrefixProxy

PREFIX = "/quakes/landslides"


@pytest.fixture(scope="module", params=["given", "believed"])
def proxied(made: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    if request.param == "given":
        with (
            serving(made, "--prefix", PREFIX) as url,
            PrefixProxy(PREFIX, url.removesuffix(PREFIX)) as proxy,
        ):
            yield proxy.url
    else:
        with (
            serving(made, "--behind-proxy") as url,
            PrefixProxy(PREFIX, url, X_Forwarded_Prefix=PREFIX) as proxy,
        ):
            yield proxy.url


def test_every_address_lies_under_the_path(proxied: str, results: Results) -> None:
    client = pystac_client.Client.open(f"{proxied}/stac/")
    assert client.get_self_href() == f"{proxied}/stac/"
    assert [c.id for c in client.get_collections()] == [EVENT]
    items = list(client.search(limit=1).items())  # page by page
    assert {item.id for item in items} == set(results.items)
    part = httpx.get(items[0].assets["scores"].href, headers={"Range": "bytes=0-3"})
    assert (part.status_code, part.content) == (206, b"II*\0")
    for document in (
        httpx.get(f"{proxied}/stac/").json(),
        httpx.get(f"{proxied}/stac/collections/{EVENT}").json(),
        items[0].to_dict(),
    ):
        own = [link["href"] for link in document["links"] if "127.0.0.1" in link["href"]]
        assert own
        assert [href for href in own if not href.startswith(f"{proxied}/")] == []
        assert all(httpx.get(href).status_code == 200 for href in own)
    name = items[0].id
    told = httpx.get(f"{proxied}/tiles/{name}/scores/tilejson.json").json()
    assert told["tiles"][0].startswith(f"{proxied}/tiles/{name}/")


def test_list_leads_to_what_there_is(proxied: str) -> None:
    import re

    page = httpx.get(f"{proxied}/list").text
    hrefs = {h for h in re.findall(r'(?:href|src)="([^"#]+)"', page) if "stac.example" not in h}
    assert len(hrefs) > 20
    assert [h for h in hrefs if h.startswith("/")] == []
    for href in sorted(hrefs)[::3]:
        assert httpx.get(str(httpx.URL(f"{proxied}/list").join(href))).status_code == 200, href


def test_headers_count_only_where_they_are_believed(results: Results) -> None:
    said = {"X-Forwarded-Prefix": "/x", "X-Forwarded-Proto": "https"}

    def link(trusting: bool, **headers: str) -> str:
        app = BehindProxy(make_app(results), trusting=trusting)
        found = TestClient(app, "http://localhost").get("/stac/", headers={**said, **headers})
        return next(str(a["href"]) for a in found.json()["links"] if a["rel"] == "self")

    assert link(trusting=False) == "http://localhost/stac/"
    assert link(trusting=True) == "https://localhost/x/stac/"
    strange = {"X-Forwarded-Prefix": '//evil.example/"><script>', "X-Forwarded-Proto": "javascript"}
    assert link(trusting=True, **strange) == "http://localhost/stac/"


@pytest.mark.parametrize(
    "text", ["/a b", "/..", "/a//b", '/"', "/a?b", "/" + "a" * 300, "/" * 3 + ":"]
)
def test_what_is_no_path_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="no path"):
        checked_prefix(text)
    assert checked_prefix("quakes/") == "/quakes"
    assert checked_prefix("/") == ""
