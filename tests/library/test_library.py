"""The calls for notebooks on catalogues that are made by hand, spoiled ones among them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
import xarray as xr

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "serving"))

import serving_world

from sarlra.errors import CatalogError, InputError, ModelError
from sarlra.library import find_scenes, open_catalogue, score_windows

EVENT = serving_world.EVENT


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("library") / "out"
    serving_world.make(folder)
    return folder


@pytest.fixture
def copy(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "copy"))


def test_import_is_light() -> None:
    heavy = "{'tensorflow', 'xarray', 'geopandas', 'rasterio', 'fastapi', 'pandas'}"
    code = f"import sys, sarlra.library; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_search_gives_what_stands_and_older_versions_on_request(made: Path) -> None:
    catalogue = open_catalogue(str(made))
    assert catalogue.events == (EVENT,)
    current = catalogue.search(EVENT)
    assert len(current) == 2
    assert all(one.id.endswith("_v2") for one in current)
    assert len(catalogue.search(superseded=True)) == 3
    assert [one.id for one in current[:1]] == [current[0].id]
    tile = current[0].properties["sarlra:tile"]
    by_text = catalogue.search(condition=f"\"sarlra:tile\" = '{tile}'")
    as_json = {"op": "=", "args": [{"property": "sarlra:tile"}, tile]}
    assert by_text == catalogue.search(condition=as_json)
    assert [one.id for one in by_text] == [current[0].id]
    assert len(catalogue.search(bbox=(0, 0, 1, 1))) == 0
    assert len(catalogue.search(interval="../2000-01-01T00:00:00Z")) == 0


def test_detections_are_those_of_the_files(made: Path) -> None:
    catalogue = open_catalogue(str(made))
    whole = gpd.read_parquet(made / "collections" / EVENT / "detections.parquet")
    found = catalogue.detections(EVENT, min_score=0.8)
    wanted = whole["score"][whole["score"] >= 0.8].sort_values(ascending=False)
    np.testing.assert_array_equal(found["score"], wanted)
    one = catalogue.search(EVENT)[0]
    file = made / "items" / one.id / "detections.parquet"
    pd.testing.assert_frame_equal(one.detections(), gpd.read_parquet(file))
    assert one.count == str(len(one.detections()))


def test_scores_lie_on_the_centres_of_the_windows(made: Path) -> None:
    one = open_catalogue(str(made)).search(EVENT)[0]
    scores, table = one.scores(), one.detections()
    for row in table.head(5).itertuples():
        centre = scores.sel(x=row.x + 320, y=row.y - 320)
        assert centre.item() == np.float32(row.score)


@pytest.mark.parametrize(
    "wrong",
    [{"event": "other"}, {"bbox": (1, 2, 3)}, {"interval": "soon"}, {"condition": "a = = 2"},
     {"condition": {"op": "casei", "args": []}}],
)  # fmt: skip
def test_wrong_searches_are_named(made: Path, wrong: dict[str, object]) -> None:
    with pytest.raises(InputError):
        open_catalogue(str(made)).search(**wrong)


def test_no_catalogue_no_event(made: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no catalogue"):
        open_catalogue(str(tmp_path))
    with pytest.raises(InputError, match="there is no event 'other'"):
        open_catalogue(str(made)).detections("other")


def test_text_of_strangers_is_escaped(copy: Path) -> None:
    script = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'"
    for path in (*copy.glob("items/*/*_v2.json"), copy / "collections" / EVENT / "collection.json"):
        document = json.loads(path.read_text())
        document["title"] = script
        if "properties" in document:
            document["properties"]["title"] = script
        path.write_text(json.dumps(document))
    catalogue = open_catalogue(str(copy))
    found = catalogue.search(EVENT)
    assert len(found) == 2
    pages = [catalogue._repr_html_(), found._repr_html_(), found[0]._repr_html_()]
    assert "&lt;script&gt;" in pages[0]
    assert "&lt;script&gt;" in pages[2]
    for page in pages:
        assert "<script" not in page
        assert "<img src" not in page
        assert "\"'" not in page


def test_a_quicklook_that_is_no_picture_is_not_shown(copy: Path) -> None:
    one = open_catalogue(str(copy)).search(EVENT)[0]
    (copy / "items" / one.id / "quicklook.png").write_bytes(b"<svg onload='alert(1)'/>")
    with pytest.raises(CatalogError, match="no picture"):
        one.quicklook()
    assert "<img" not in one._repr_html_()
    (copy / "items" / one.id / "quicklook.png").unlink()
    assert "there is no" in one._repr_html_()


@pytest.mark.parametrize("href", ["/etc", "https://host/x.zarr", "../../../../etc", "../x/y.zarr"])
def test_a_composite_elsewhere_is_not_opened(copy: Path, href: str) -> None:
    for path in copy.glob("items/*/*_v2.json"):
        document = json.loads(path.read_text())
        document["assets"]["composite"]["href"] = href
        path.write_text(json.dumps(document))
    for one in open_catalogue(str(copy)).search(EVENT):
        with pytest.raises(CatalogError, match="no composite within"):
            one.composite()


def test_scoring_says_what_is_missing() -> None:
    def image(size: int, *names: str) -> xr.Dataset:
        axis = np.arange(size) * 10.0
        values = np.full((size, size), np.nan, np.float32)
        layers = dict.fromkeys(names, (("y", "x"), values))
        return xr.Dataset(layers, coords={"y": -axis, "x": axis})

    model, bands = "sim-cnn32-vv-descending", ("post_vv", "diff_vv")
    with pytest.raises(ModelError, match="lacks diff_vv"):
        score_windows(image(96, "post_vv"), model)
    with pytest.raises(InputError, match="smaller than a window"):
        score_windows(image(63, *bands), model)
    # Without any data there is no score, and no network is asked.
    scores = score_windows(image(128, *bands), model)
    assert scores.dims == ("y", "x")
    assert scores.isnull().all()
    np.testing.assert_array_equal(scores["x"][:2], [315.0, 635.0])


def test_scenes_of_files_by_track_and_time(shared_data: Path, tmp_path: Path) -> None:
    from tests.servers.items import opera_items, write_items

    source = write_items(tmp_path / "items.json", opera_items(shared_data))
    aoi = "-119.849,34.765,-119.817,34.791"
    found = find_scenes(
        None, source=str(source), origin=("2023-12-10T00:00:00Z",), aoi=aoi, orbit="ascending"
    )
    assert set(found["side"]) == {"pre", "post"}
    origin = pd.Timestamp("2023-12-10T00:00:00Z")
    assert ((found["datetime"] > origin) == (found["side"] == "post")).all()
    assert found.geometry.intersects(shapely.box(*map(float, aoi.split(",")))).all()
    assert found["track"].str.endswith("A").all()
    with pytest.raises(InputError, match="sideways"):
        find_scenes(None, source=str(source), orbit="sideways")  # type: ignore[arg-type]
