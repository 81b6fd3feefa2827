"""What can be a source, and what cannot."""

from __future__ import annotations

import json
import pickle
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin
from shapely import MultiPolygon, box

from sarlra.errors import SourceError
from sarlra.recipe import Recipe
from sarlra.scenes import items as items_module
from sarlra.scenes.find import find_scenes
from sarlra.scenes.frozen import freeze_bytes, thaw
from sarlra.scenes.items import load_items
from sarlra.scenes.signing import sign
from sarlra.scenes.sources import known_names, open_source
from tests.scenes.conftest import event_at
from tests.servers.blobs import BlobServer
from tests.servers.items import make_item, write_items
from tests.servers.stac_api import StacApi

ORIGIN = datetime(2024, 3, 1, 12, 0, tzinfo=UTC)
EVENT = event_at(ORIGIN.isoformat(), area=MultiPolygon([box(10.5, 45.2, 11.5, 45.8)]))
PAIR = [make_item(ORIGIN + timedelta(days=d), orbit=53000 + d) for d in (-5, 7)]


def test_the_planetary_computer_is_known() -> None:
    assert "planetary-computer" in known_names()
    source = open_source("planetary-computer")
    assert (source.kind, source.collections) == ("api", ("sentinel-1-rtc",))
    assert source.location == "https://planetarycomputer.microsoft.com/api/stac/v1"
    assert source.signing is not None
    assert source.signing.token_url == "https://planetarycomputer.microsoft.com/api/sas/v1/token"
    assert source.signing.hosts == ("*.blob.core.windows.net",)
    assert open_source(source.location + "/") == source
    assert pickle.loads(pickle.dumps(source)) == source
    assert len({source, open_source("planetary-computer")}) == 1


def test_the_environment_replaces_the_token_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SARLRA_TOKEN_URL", "http://127.0.0.1:1/token")
    signing = open_source("planetary-computer").signing
    assert signing is not None
    assert signing.token_url == "http://127.0.0.1:1/token"
    assert signing.hosts == ("*.blob.core.windows.net",)
    monkeypatch.setenv("SARLRA_TOKEN_HOSTS", "127.0.0.1:1,x.example.com")
    signing = open_source("planetary-computer").signing
    assert signing is not None
    assert signing.hosts == ("127.0.0.1:1", "x.example.com")


def test_a_file_of_planetary_computer_items_is_signed_like_it(tmp_path: Path) -> None:
    known = open_source("planetary-computer").signing
    assert open_source(str(write_items(tmp_path / "pc.json", PAIR))).signing == known
    foreign = [{**item, "collection": "mine"} for item in PAIR]
    assert open_source(str(write_items(tmp_path / "mine.json", foreign))).signing is None


def test_from_described_source_to_signed_pixels(tmp_path: Path) -> None:
    """API, unsigned hrefs, frozen file, and a read through a token, all from real servers."""
    data = np.full((8, 8), 0.25, dtype=np.float32)
    with rasterio.open(
        tmp_path / "vv.tif", "w", driver="GTiff", width=8, height=8, count=1, dtype="float32",
        crs="EPSG:32632", transform=from_origin(600000, 5100000, 10, 10),
    ) as file:  # fmt: skip
        file.write(data, 1)
    with BlobServer(tmp_path, lifetime_s=2.0) as blobs:
        items = json.loads(json.dumps(PAIR))
        for item in items:
            for asset in item["assets"].values():
                asset["href"] = blobs.href("vv.tif") + "?sv=1&sig=stale"
        with StacApi(items) as api:
            description = {
                "name": "local", "kind": "api", "location": api.url,
                "collections": ["sentinel-1-rtc"],
                "signing": {"token_url": blobs.token_url, "hosts": [blobs.host]},
            }  # fmt: skip
            config = tmp_path / "source.json"
            config.write_text(json.dumps(description))
            source = open_source(str(config))
            scenes = find_scenes(EVENT, source, Recipe())
        (tmp_path / "inputs.json").write_bytes(freeze_bytes(scenes))
        text = (tmp_path / "inputs.json").read_text()
        assert "sig=" not in text
        assert thaw(tmp_path / "inputs.json").parameters["source"] == description
        again = open_source(str(tmp_path / "inputs.json"))
        assert again.signing == source.signing
        href = find_scenes(EVENT, again, Recipe()).tracks[0].post[0].slices[0].asset("VV")
        assert href == blobs.href("vv.tif")
        with (
            rasterio.Env(GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR", CPL_VSIL_CURL_USE_HEAD="NO"),
            rasterio.open(f"/vsicurl/{sign(href, again.signing)}") as file,
        ):
            assert (file.read(1) == 0.25).all()


@pytest.mark.parametrize(
    "content",
    [
        "", "{", "[]", "5", '"x"', "null", '{"type": "Feature"}', '{"type": "Topology"}',
        '{"type": "FeatureCollection"}', '{"type": "FeatureCollection", "features": {}}',
        '{"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {}}]}',
        '{"kind": "api", "location": "ftp://x", "name": "x"}', '{"kind": "api", "location": 5}',
        '{"kind": "api", "name": "x", "location": "http://x",'
        ' "signing": {"token_url": "http://x", "hosts": ["*"]}}',
        '{"type": "FeatureCollection", "features": [], "sarlra:search": {}}',
        '{"type": "FeatureCollection", "features": [], "sarlra:search": 5}',
        "[" * 100_000,
    ],
)  # fmt: skip
def test_files_that_are_no_source(tmp_path: Path, content: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(content)
    with pytest.raises(SourceError, match=r"x\.json"):
        open_source(str(path))


def test_binary_and_missing_files(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_bytes(b"\x89PNG\r\n\xff")
    (tmp_path / "x.parquet").write_bytes(b"PAR1 not really")
    for text in ("x.json", "x.parquet", "missing.json", "nonsense", "", "x" * 5000, "a\0b"):
        with pytest.raises(SourceError):
            open_source(str(tmp_path / text) if "." in text else text)
    with pytest.raises(SourceError, match="planetary-computer"):
        open_source("planetary")
    with pytest.raises(SourceError, match="is no file"):
        open_source(str(tmp_path))
    with pytest.raises(SourceError, match="no answer"):
        open_source("http://")


def test_parquet_of_something_else(tmp_path: Path) -> None:
    import pandas as pd

    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "t.parquet")
    with pytest.raises(SourceError, match="not stac-geoparquet"):
        open_source(str(tmp_path / "t.parquet"))


def test_sizes_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(items_module, "MAX_ITEMS", 5)
    path = write_items(tmp_path / "many.json", PAIR * 3)
    with pytest.raises(SourceError, match="more than 5 items"):
        load_items(path)
    monkeypatch.setattr(items_module, "MAX_FILE_BYTES", 100)
    with pytest.raises(SourceError, match="larger than"):
        load_items(write_items(tmp_path / "large.json", PAIR))


def catalogue(folder: Path, links: list[dict[str, Any]]) -> str:
    path = folder / "catalog.json"
    path.write_text(json.dumps({"type": "Catalog", "id": "x", "links": links}))
    return str(path)


@pytest.mark.parametrize(
    "link",
    [
        {"rel": "item", "href": "http://example.com/item.json"},
        {"rel": "item", "href": "missing.json"},
        {"rel": "item", "href": 5},
        {"rel": "child", "href": "other.json"},
    ],
)
def test_links_of_a_static_catalogue_that_cannot_be_followed(
    tmp_path: Path, link: dict[str, Any]
) -> None:
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(SourceError):
        open_source(catalogue(tmp_path, [link]))


def test_a_circle_of_catalogues_ends(tmp_path: Path) -> None:
    (tmp_path / "item.json").write_text(json.dumps(PAIR[0]))
    links = [{"rel": "child", "href": "./catalog.json"}, {"rel": "item", "href": "item.json"}]
    assert len(load_items(Path(catalogue(tmp_path, [*links, *links])))) == 1


def test_malformed_items_in_a_file_are_reported_and_the_others_used(tmp_path: Path) -> None:
    hostile = json.loads(json.dumps(make_item(ORIGIN - timedelta(days=17), item_id="hostile")))
    hostile["assets"]["vv"]["href"] = "/vsicurl/http://example.com/x.tif"
    unplaced = {**make_item(ORIGIN - timedelta(days=17), item_id="unplaced"), "geometry": None}
    path = write_items(tmp_path / "items.json", [hostile, unplaced, *PAIR])
    scenes = find_scenes(EVENT, open_source(str(path)), Recipe())
    assert len(scenes.tracks[0].pre) == 1
    assert [(s.subject, s.code) for s in scenes.skipped] == [
        ("hostile", "malformed"),
        ("unplaced", "malformed"),
    ]


def test_a_file_that_changes_is_read_again(tmp_path: Path) -> None:
    path = write_items(tmp_path / "items.json", PAIR)
    assert len(load_items(path)) == 2
    write_items(path, [*PAIR, make_item(ORIGIN)])
    assert len(load_items(path)) == 3


def test_a_file_of_items_is_no_frozen_search(tmp_path: Path) -> None:
    write_items(tmp_path / "i.json", PAIR)
    with pytest.raises(SourceError, match="no frozen search"):
        thaw(tmp_path / "i.json")
