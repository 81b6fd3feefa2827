"""What servers do wrong, and that it never goes unnoticed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from shapely import MultiPolygon, Polygon, box

from sarlra.errors import SearchError, SourceError
from sarlra.scenes.api import ApiSearch
from sarlra.scenes.sources import Source, open_source
from tests.servers.base import Failure
from tests.servers.items import make_item
from tests.servers.stac_api import StacApi

AREA = MultiPolygon([box(10.5, 45.2, 11, 45.5)])
START = datetime(2024, 1, 1, tzinfo=UTC)
END = datetime(2024, 12, 31, tzinfo=UTC)
ITEMS = [make_item(START + timedelta(days=12 * n, hours=5), orbit=50000 + n) for n in range(20)]


@pytest.fixture
def api() -> Iterator[StacApi]:
    with StacApi(ITEMS, page_size=6) as server:
        yield server


def search(api: StacApi, **choices: int) -> list[str]:
    found = ApiSearch(Source("x", "api", api.url), **choices).find(AREA, START, END)
    return [x.item["id"] for x in found]


def test_all_pages_are_read(api: StacApi) -> None:
    assert sorted(search(api)) == sorted(item["id"] for item in ITEMS)
    assert api.count("/search") == 4


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_busy_servers_are_asked_again(api: StacApi, status: int) -> None:
    api.failures += [Failure("/search", status, 2), Failure("/collections", status, 1)]
    assert len(search(api)) == 20
    assert api.count("/search") == 6
    assert {r.method for r in api.requests if r.path == "/search"} == {"POST"}


def test_a_server_that_hangs_up_is_asked_again(api: StacApi) -> None:
    api.failures.append(Failure("/search", 0, 2))
    assert len(search(api)) == 20


def test_retry_after_is_honoured(api: StacApi) -> None:
    api.failures.append(Failure("/search", 429, 1, {"Retry-After": "1"}))
    assert len(search(api)) == 20
    asked = [r.at for r in api.requests if r.path == "/search"]
    assert asked[1] - asked[0] >= 1.0


def test_a_server_that_stays_broken_is_an_error(api: StacApi) -> None:
    api.failures.append(Failure("/search", 500, 99))
    before = time.monotonic()
    with pytest.raises(SearchError, match="failed"):
        search(api)
    assert 3 <= api.count("/search") <= 20
    assert time.monotonic() - before < 30


def test_a_refused_search_is_an_error_at_once(api: StacApi) -> None:
    api.failures.append(Failure("/search", 400, 99, body=b"bad intersects"))
    with pytest.raises(SearchError, match="HTTP 400: bad intersects"):
        search(api)
    assert api.count("/search") == 1


def test_too_many_pages_is_an_error(api: StacApi) -> None:
    with pytest.raises(SearchError, match="more than 3 pages"):
        search(api, max_pages=3)
    assert len(search(api, max_pages=4)) == 20


def test_fewer_items_than_promised_is_an_error() -> None:
    with (
        StacApi(ITEMS, page_size=6, overstate=1) as api,
        pytest.raises(SearchError, match="20 of 21"),
    ):
        search(api)


def test_an_empty_page_is_not_the_end() -> None:
    with StacApi(ITEMS, page_size=6, empty_first=True, state_matched=False) as api:
        assert len(search(api)) == 20


def test_pages_in_a_circle_end() -> None:
    with (
        StacApi(ITEMS, page_size=6, circular=True, state_matched=False) as api,
        pytest.raises(SearchError, match="circle"),
    ):
        search(api)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b'{"features": 5}', b'{"type": "FeatureCollection"}', b"\xff"]
)
def test_an_answer_that_is_no_page(api: StacApi, body: bytes) -> None:
    api.failures.append(Failure("/search", 200, 99, body=body))
    with pytest.raises(SearchError):
        search(api)


def test_a_detailed_area_is_searched_by_its_box_and_filtered_here() -> None:
    circle = Polygon(box(10.5, 45.2, 11, 45.5).centroid.buffer(0.2, quad_segs=100).exterior)
    corner = box(10.51, 45.21, 10.56, 45.26)  # within the circle's box, not within the circle
    inside = make_item(START + timedelta(days=1), footprint=box(10.7, 45.3, 10.8, 45.4))
    outside = make_item(START + timedelta(days=2), footprint=corner)
    assert not circle.intersects(corner)
    assert box(*circle.bounds).intersects(corner)
    with StacApi([inside, outside]) as api:
        found = ApiSearch(Source("x", "api", api.url)).find(MultiPolygon([circle]), START, END)
        sent = next(r.body for r in api.requests if r.path == "/search")
    assert [x.item["id"] for x in found] == [inside["id"]]
    assert len(sent["intersects"]["coordinates"][0]) == 5


def test_only_rtc_collections_are_searched() -> None:
    other = {**make_item(START + timedelta(days=3)), "collection": "sentinel-1-grd"}
    with StacApi([*ITEMS, other]) as api:
        assert len(search(api)) == 20
        named = open_source(f"{api.url}#sentinel-1-grd")
        assert named.collections == ("sentinel-1-grd",)
        assert len(ApiSearch(named).find(AREA, START, END)) == 1


def test_a_url_that_is_no_api(api: StacApi) -> None:
    with pytest.raises(SourceError, match="HTTP 404"):
        open_source(f"{api.url}/nothing")
    with pytest.raises(SourceError, match="no STAC API"):
        open_source(f"{api.url}/collections")
    with pytest.raises(SearchError):
        ApiSearch(Source("x", "api", "http://127.0.0.1:9/")).find(AREA, START, END)
