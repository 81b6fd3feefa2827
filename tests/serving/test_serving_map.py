"""What the map page asks the server for: layers, tiles of an event, patches, downloads."""

from __future__ import annotations

import io
import json
from pathlib import Path

import geopandas as gpd
import morecantile
import numpy as np
import pandas as pd
import pyogrio
import pytest
import viewer_world
import xarray as xr
from PIL import Image
from serving_world import EVENT, refold, world
from starlette.testclient import TestClient

from sarlra.catalog.looks import LOOKS
from sarlra.catalog.sink import open_sink
from sarlra.errors import InputError
from sarlra.serving import app as app_module
from sarlra.serving.app import make_app
from sarlra.serving.chosen import chosen
from sarlra.serving.downloads import Shown, detections_of
from sarlra.serving.live import Live
from sarlra.serving.online import read_online_layers
from sarlra.serving.place import open_place
from sarlra.serving.results import Results, read_results


@pytest.fixture(scope="module")
def client(mapped: Results) -> TestClient:
    return TestClient(make_app(mapped), "http://localhost")


def item_of(results: Results, end: str) -> str:
    return next(name for name in results.items if name.endswith(end))


def tile_at_centre(results: Results, zoom: int = 14) -> str:
    west, south, east, north = results.items[item_of(results, "_v2")].document["bbox"]
    tms = morecantile.tms.get("WebMercatorQuad")
    tile = tms.tile((west + east) / 2, (south + north) / 2, zoom)
    return f"{tile.z}/{tile.x}/{tile.y}.png"


def drawn(client: TestClient, path: str) -> np.ndarray:
    answer = client.get(path)
    assert answer.status_code == 200, (path, answer.text)
    return np.asarray(Image.open(io.BytesIO(answer.content)).convert("RGBA")).astype(int)


def test_layers_are_those_of_the_items(client: TestClient) -> None:
    found = client.get(f"/tiles/{EVENT}/layers.json").json()["layers"]
    bands = {(layer["asset"], layer["band"]): layer for layer in found}
    for key in (("change", "diff_vv"), ("change", "diff_vh"), ("composite", "post_vv"),
                ("composite", "pre_vv"), ("scores", "score"), ("visibility", "visibility"),
                ("hillshade", "hillshade")):  # fmt: skip
        assert bands[key]["tracks"] == ["T046D", "T068A"]
    assert bands["change", "diff_vv"]["legend"]["low"] == -6
    assert bands["visibility", "visibility"]["legend"]["hatched"][-1] == "no data"
    assert client.get("/tiles/nothing/layers.json").status_code == 404


def test_event_tiles_are_made_of_the_items(client: TestClient, mapped: Results) -> None:
    at = tile_at_centre(mapped)
    descending, ascending = item_of(mapped, "T046D_v2"), item_of(mapped, "T068A_v1")
    for track, name in (("T046D", descending), ("T068A", ascending)):
        whole = drawn(client, f"/tiles/{EVENT}/scores/{at}?track={track}")
        np.testing.assert_array_equal(whole, drawn(client, f"/tiles/{name}/scores/{at}"))
    early = drawn(client, f"/tiles/{EVENT}/scores/{at}?track=T046D&as_of=2018-09-12T00:00:00Z")
    old = item_of(mapped, "T046D_v1")
    np.testing.assert_array_equal(early, drawn(client, f"/tiles/{old}/scores/{at}"))
    assert client.get(f"/tiles/{EVENT}/scores/{at}?track=T999A").status_code == 404
    assert client.get(f"/tiles/{EVENT}/scores/{at}?as_of=never").status_code == 400


def test_before_is_after_minus_change(
    client: TestClient, mapped: Results, mapped_folder: Path
) -> None:
    """A tile of the composite against xarray on the Zarr group, by way of the grey level."""
    name = item_of(mapped, "T046D_v2")
    group = mapped_folder / f"composites/{EVENT}.zarr/v2/32654/T046D"
    data = xr.open_zarr(group, consolidated=True)
    corner = (float(data.x[100]) - 5, float(data.y[90]) + 5)
    look = LOOKS["pre_vv"]
    image = drawn(client, f"/patches/{name}/pre_vv.png?x={corner[0]}&y={corner[1]}")
    assert image.shape[:2] == (128, 128)
    pixels = (data.post_vv - data.diff_vv)[90:154, 100:164].values
    share = np.clip((pixels - look.low) / (look.high - look.low), 0, 1)
    shown = image[32:96, 32:96]
    known = np.isfinite(pixels)
    assert (shown[..., 3] > 0).tolist() == known.tolist()
    assert np.corrcoef(shown[..., 0][known], share[known])[0, 1] > 0.99
    assert (shown[..., 0][known] - 255 * share[known]).std() < 12
    # Far outside there is nothing.
    assert client.get(f"/patches/{name}/pre_vv.png?x=0&y=0").status_code == 404
    assert client.get(f"/patches/{name}/none.png?x=0&y=0").status_code == 404


def test_hatching_is_where_no_track_saw(client: TestClient, mapped: Results) -> None:
    at = tile_at_centre(mapped)
    names = [item_of(mapped, "T046D_v2"), item_of(mapped, "T068A_v1")]
    both = drawn(client, f"/tiles/{EVENT}/visibility/{at}?band=visibility")[..., 3] > 0
    each = [drawn(client, f"/tiles/{n}/visibility/{at}?band=visibility")[..., 3] > 0 for n in names]
    assert both.any()
    assert not (both & ~each[0] & ~each[1]).any()
    # The corner without data is hatched: nothing was seen there.
    west, south, east, north = mapped.items[names[0]].document["bbox"]
    tms = morecantile.tms.get("WebMercatorQuad")
    tile = tms.tile(west + 0.06 * (east - west), north - 0.06 * (north - south), 17)
    corner = drawn(client, f"/tiles/{names[0]}/visibility/{tile.z}/{tile.x}/{tile.y}.png")
    assert (corner[..., 3] > 0).mean() > 0.5


def test_chosen_are_those_that_stood(mapped: Results) -> None:
    def names(**given: str) -> list[str]:
        return [str(e.document["id"])[-8:] for e in chosen(mapped, EVENT, **given)]

    assert names() == ["T046D_v2", "T068A_v1"]
    assert names(as_of="2018-09-12T00:00:00Z") == ["T046D_v1", "T068A_v1"]
    assert names(as_of="2018-09-11T00:00:00Z") == ["T068A_v1"]
    assert names(as_of="2018-01-01T00:00:00Z") == []
    with pytest.raises(InputError, match="no event"):
        chosen(mapped, "other")


def test_shown_detections(mapped: Results, mapped_folder: Path) -> None:
    table = gpd.read_parquet(mapped_folder / f"collections/{EVENT}/detections.parquet")
    found = detections_of(mapped, EVENT, Shown())
    assert len(found) == len(table)
    assert found["id"].is_unique
    assert found["score"].is_monotonic_decreasing
    # The size is that of the outlines in a window, by the item's own table.
    for row in found.itertuples():
        drawn = gpd.read_parquet(mapped_folder / f"items/{row.item}/outlines.parquet")
        own = drawn[(drawn["row"] == row.row) & (drawn["col"] == row.col)]
        assert row.area_ha == pytest.approx(own["area_m2"].sum() / 1e4, abs=1e-3)
        # Drawn polygons have the area that is stated.
        metres = own.to_crs(row.epsg).area.sum() / 1e4
        assert row.area_ha == pytest.approx(metres, abs=0.02)
    assert found["area_ha"].nunique() > 3
    least = float(found["area_ha"].median())
    large = detections_of(mapped, EVENT, Shown(min_area_ha=least))
    assert set(large["id"]) == set(found.loc[found["area_ha"] >= least, "id"])
    one = found.iloc[3]
    box = tuple(one.geometry.bounds)
    inside = detections_of(mapped, EVENT, Shown(bbox=box))
    assert one["id"] in set(inside["id"])
    assert len(inside) < len(found)
    assert len(detections_of(mapped, EVENT, Shown(bbox=(0.0, 0.0, 1.0, 1.0)))) == 0
    assert set(detections_of(mapped, EVENT, Shown(orbits=("ascending",)))["track"]) == {"T068A"}


def test_without_outlines_the_window_is_the_size(results: Results) -> None:
    """Items of older runs have none; their windows are of 640 m."""
    assert detections_of(results, EVENT, Shown())["area_ha"].between(40, 42).all()


@pytest.mark.parametrize("kind", ["geojson", "parquet", "kml", "csv"])
def test_empty_downloads_are_whole_files(client: TestClient, kind: str, tmp_path: Path) -> None:
    answer = client.get(f"/detections/{EVENT}.{kind}?min_score=1")
    assert answer.status_code == 200
    assert answer.headers["content-disposition"].endswith(f'{EVENT}.{kind}"')
    path = tmp_path / f"none.{kind}"
    path.write_bytes(answer.content)
    if kind == "csv":
        assert len(pd.read_csv(path)) == 0
    elif kind == "parquet":
        assert len(gpd.read_parquet(path)) == 0
    elif kind == "geojson":
        assert json.loads(path.read_text())["features"] == []
    else:
        assert "<Placemark" not in path.read_text()
        assert pyogrio.list_layers(path) is not None


@pytest.mark.parametrize(
    "query",
    ["min_score=2", "min_score=x", "bbox=1,2,3", "as_of=yesterday", "min_area_ha=-1",
     "as_of=1999-01-01T00:00:00Z"],
)  # fmt: skip
def test_malformed_downloads_are_told_so(client: TestClient, query: str) -> None:
    assert client.get(f"/detections/{EVENT}.csv?{query}").status_code in (400, 422)
    assert client.get("/detections/other.csv").status_code == 404
    assert client.get(f"/detections/{EVENT}.shp").status_code == 400


def test_a_fold_is_seen_while_serving(mapped_folder: Path, tmp_path: Path) -> None:
    import shutil

    copy = Path(shutil.copytree(mapped_folder, tmp_path / "copy"))
    live = Live(read_results(open_place(str(copy))))
    assert not live.refresh()
    before = live.now
    sink = open_sink(str(copy))
    way = viewer_world.later(viewer_world.later(world.track()))
    newest = viewer_world.add(sink, way, "v3", 5)
    refold(sink, [newest, item_of(before.results, "T068A_v1")])
    assert live.refresh()
    assert newest in live.results.items
    assert newest not in before.results.items  # requests that are under way are not disturbed
    assert live.now.number == 2
    assert not live.refresh()
    whole = (copy / "catalog.json").read_text()
    (copy / "catalog.json").write_text("{")
    assert not live.refresh()
    assert newest in live.results.items
    (copy / "catalog.json").write_text(whole)


def test_without_a_built_page_the_list_says_so(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app_module, "is_built", lambda: False)
    text = client.get("/").text
    assert "The map page is not built" in text
    assert "make viewer" in text


def test_parts_of_the_page_only(client: TestClient) -> None:
    for path in ("/map/../app.py", "/map/%2e%2e%2fapp.py", "/map/app.py", "/map/.hidden.js"):
        assert client.get(path).status_code == 404, path


def test_online_layers_are_checked_and_named_in_the_policy(mapped: Results, tmp_path: Path) -> None:
    layers = read_online_layers(None)
    assert len(layers.origins()) == 2
    answer = TestClient(make_app(mapped, online=layers), "http://localhost").get("/config.json")
    assert answer.json()["online"]["basemaps"][0]["id"] == "openstreetmap"
    for text in ("{", '{"basemaps": [{"id": "x", "title": "x", "tiles": "javascript:1"}]}',
                 '{"other": 1}', '{"basemaps": [{"id": "x", "title": "x", '
                 '"tiles": "https://h; script-src *//"}]}'):  # fmt: skip
        path = tmp_path / "online.json"
        path.write_text(text)
        with pytest.raises(InputError, match="describes no online layers"):
            read_online_layers(path)
    with pytest.raises(InputError):
        read_online_layers(tmp_path / "none.json")
