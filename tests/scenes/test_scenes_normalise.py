"""Items as they come, good and hostile."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sarlra.scenes.hrefs import Base, absolute_href
from sarlra.scenes.items import FoundItem
from sarlra.scenes.model import Skipped, Slice
from sarlra.scenes.normalise import slice_from_item
from sarlra.scenes.signing import SigningPolicy
from tests.servers.items import changed, make_item

PC = SigningPolicy("https://example.invalid/token", ("*.blob.core.windows.net",))
WEB = Base(url="https://example.com/collections/c/items/i")
START = datetime(2024, 3, 25, 5, 50, 38, 146465, tzinfo=UTC)
ITEM = make_item(START)


def slice_of(item: Any, base: Base = WEB) -> Slice:
    result = slice_from_item(FoundItem(item, base), PC)
    assert isinstance(result, Slice), result
    return result


def code_of(item: Any, base: Base = WEB) -> str:
    result = slice_from_item(FoundItem(item, base), PC)
    assert isinstance(result, Skipped), result
    assert result.reason
    return result.code


def test_the_real_planetary_computer_item(shared_data: Path) -> None:
    item = json.loads((shared_data / "stac-items" / "mspc-s1-rtc.json").read_text())
    slice_ = slice_of(item)
    assert slice_.datetime == START
    assert slice_.end == datetime(2024, 3, 25, 5, 51, 3, 145498, tzinfo=UTC)
    assert (slice_.platform, slice_.relative_orbit, slice_.orbit_state) == (
        "sentinel-1a", 37, "descending",
    )  # fmt: skip
    assert (slice_.absolute_orbit, slice_.datatake) == (53134, "421828")
    assert slice_.epsg == 32632
    assert slice_.transform == (10, 0, 130640, 0, -10, 5840600)
    assert slice_.shape == (22203, 29533)
    assert slice_.asset("VV").endswith("/measurement/iw-vv.rtc.tiff")
    assert slice_.polarisations == {"VV", "VH"}
    assert slice_.grd_href is not None
    assert slice_.grd_href.endswith(
        "S1A_IW_GRDH_1SDV_20240325T055038_20240325T055103_053134_066FC4"
    )
    assert slice_.href is not None
    assert slice_.href.endswith("_rtc")


def test_the_real_items_that_are_not_to_be_used(shared_data: Path) -> None:
    grd = json.loads((shared_data / "stac-items" / "mspc-s1-grd.json").read_text())
    assert code_of(grd) == "no-grid"
    assert code_of({**grd, "collection": None}) == "no-grid"
    assert code_of(changed(grd, **{"proj:epsg": 32631})) == "no-grid"
    dem = {"id": "dem", "collection": "cop-dem-glo-30", "properties": {"platform": "TanDEM-X"}}
    assert code_of(dem) == "not-sentinel-1"
    (path,) = (shared_data / "stac-items").glob("S1A_IW_GRDH_1SDH*.json")
    assert code_of(json.loads(path.read_text())) == "polarisation"


def test_stac_1_1_projection_on_item_or_asset() -> None:
    item = changed(ITEM, **{"proj:epsg": None, "proj:code": "EPSG:32655"})
    item["stac_version"] = "1.1.0"
    assert slice_of(item).epsg == 32655
    grid = {"proj:shape": [5, 6], "proj:transform": [30, 0, 1, 0, -30, 2]}
    for code in ({"proj:code": "EPSG:32601"}, {"proj:epsg": 32601}):
        on_asset = changed(ITEM, **{"proj:epsg": None, "proj:shape": None, "proj:transform": None})
        on_asset["assets"]["vv"] |= {**code, **grid, "bands": [{"name": "VV"}]}
        slice_ = slice_of(on_asset)
        assert (slice_.epsg, slice_.shape) == (32601, (5, 6))
        assert slice_.transform == (30, 0, 1, 0, -30, 2)


def test_asset_keys_in_any_case_and_vv_alone() -> None:
    assert slice_of(make_item(START, polarisations=("VV", "Vh"))).polarisations == {"VV", "VH"}
    assert slice_of(make_item(START, polarisations=("vv",))).polarisations == {"VV"}


def test_a_signed_href_is_unsigned() -> None:
    item = copy.deepcopy(ITEM)
    item["assets"]["vv"]["href"] += "?st=2024&se=2025&sig=abc%3D"
    assert slice_of(item) == slice_of(ITEM)


@pytest.mark.parametrize(
    ("code", "properties"),
    [
        ("instrument-mode", {"sar:instrument_mode": "EW"}),
        ("instrument-mode", {"sar:instrument_mode": None}),
        ("not-sentinel-1", {"platform": "landsat-8"}),
        ("not-sentinel-1", {"platform": None}),
        ("no-grid", {"proj:epsg": None}),
        ("no-grid", {"proj:epsg": "32632"}),
        ("no-grid", {"proj:epsg": None, "proj:code": "IAU_2015:30100"}),
        ("malformed", {"sat:relative_orbit": None}),
        ("malformed", {"sat:relative_orbit": 176}),
        ("malformed", {"sat:relative_orbit": "37"}),
        ("malformed", {"sat:orbit_state": "sideways"}),
        ("malformed", {"sat:orbit_state": ["ascending"]}),
        ("malformed", {"start_datetime": "yesterday"}),
        ("malformed", {"start_datetime": None, "datetime": None}),
        ("malformed", {"start_datetime": "0001-01-01T00:00:00+14:00"}),
    ],
)
def test_properties_that_cannot_be_used(code: str, properties: dict[str, Any]) -> None:
    assert code_of(changed(ITEM, **properties)) == code


@pytest.mark.parametrize(
    "geometry",
    [
        None, {}, {"type": "Polygon"}, {"type": "Polygon", "coordinates": []},
        {"type": "Polygon", "coordinates": [[[0, 0], [1, 0]]]},
        {"type": "Point", "coordinates": [1, 2]},
        {"type": "Polygon", "coordinates": [[[0, 0], [float("nan"), 0], [1, 1], [0, 0]]]},
        {"type": "Polygon", "coordinates": [[[7e5, 8e6], [7e5, 8.1e6], [8e5, 8e6], [7e5, 8e6]]]},
        {"type": "Polygon", "coordinates": [[["a", "b"], ["c", "d"], ["e", "f"], ["a", "b"]]]},
        {"type": "Circle", "coordinates": [0, 0]},
    ],
)  # fmt: skip
def test_geometries_that_are_none(geometry: Any) -> None:
    assert code_of({**ITEM, "geometry": geometry}) == "malformed"


@pytest.mark.parametrize(
    "href",
    [
        None, 5, "", "file:///etc/passwd", "/etc/passwd", "/vsicurl/http://x/y.tif", "gs://b/k",
        "ftp://host/x.tif", "http://user:key@host/x.tif", "https:///x.tif", "s3:key",
        "http://host/x\n.tif", "x" * 9000, "C:\\x.tif", "javascript:alert(1)",
    ],
)  # fmt: skip
def test_hrefs_that_an_item_from_the_web_must_not_have(href: Any) -> None:
    item = copy.deepcopy(ITEM)
    item["assets"]["vh"]["href"] = href
    assert code_of(item) == "malformed"


def test_hrefs_made_absolute(tmp_path: Path) -> None:
    (tmp_path / "here.tif").touch()
    local = Base(folder=str(tmp_path))
    both = Base(folder=str(tmp_path), url="https://example.com/a/b.json")
    assert absolute_href("./here.tif", local) == f"{tmp_path}/here.tif"
    assert absolute_href("../x/y.tif", local) == f"{tmp_path.parent}/x/y.tif"
    assert absolute_href(f"file://{tmp_path}/a%20b.tif", local) == f"{tmp_path}/a b.tif"
    assert absolute_href("here.tif", both) == f"{tmp_path}/here.tif"
    assert absolute_href("there.tif", both) == "https://example.com/a/there.tif"
    assert (
        absolute_href("../c.tif", Base(url="https://example.com/a/b/i"))
        == "https://example.com/a/c.tif"
    )
    assert absolute_href("s3://bucket/key.tif", WEB) == "s3://bucket/key.tif"
    for href in ("/vsizip/x.zip/y.tif", "//host/x.tif", "file://host/x.tif", "vsi:x"):
        with pytest.raises(ValueError, match=r"."):
            absolute_href(href, local)


@pytest.mark.parametrize("item", [{}, {"id": "x"}, {"id": 5, "properties": []}, {"properties": {}}])
def test_what_is_hardly_an_item(item: Any) -> None:
    assert code_of(item) in ("malformed", "not-sentinel-1")


def test_a_wrong_grid_is_not_trusted() -> None:
    for name, value in (
        ("proj:transform", [0] * 6), ("proj:transform", [10, 0, float("inf"), 0, -10, 0]),
        ("proj:transform", "x"), ("proj:transform", [1, 2]), ("proj:transform", [True] * 6),
    ):  # fmt: skip
        assert slice_of(changed(ITEM, **{name: value})).transform is None
    for value in ([0, 5], [5], [1.5, 2], [-1, 2], ["5", 5], [10**9, 1]):
        assert slice_of(changed(ITEM, **{"proj:shape": value})).shape is None


def test_an_end_that_makes_no_sense_is_dropped() -> None:
    for end in (START - timedelta(seconds=1), START + timedelta(days=1)):
        assert slice_of(changed(ITEM, end_datetime=str(end))).end is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(max_examples=300, deadline=None)
@given(
    where=st.sampled_from(
        [("id",), ("geometry",), ("properties",), ("assets",), ("links",), ("collection",)]
        + [("assets", "vv"), ("assets", "vv", "href"), ("geometry", "coordinates")]
        + [("properties", name) for name in sorted(ITEM["properties"])]
    ),
    value=JSON,
)
def test_no_item_makes_it_raise(where: tuple[str, ...], value: Any) -> None:
    item = copy.deepcopy(ITEM)
    holder = item
    for key in where[:-1]:
        holder = holder[key]
    holder[where[-1]] = value
    assert isinstance(slice_from_item(FoundItem(item, WEB), PC), Slice | Skipped)
