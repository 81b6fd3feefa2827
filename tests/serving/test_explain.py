"""`sarlra explain` on a composite in a file and on a published item."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
from rasterio.transform import from_origin
from typer.testing import CliRunner

from sarlra.cli.app import app
from sarlra.detection.composite_file import open_composite
from sarlra.evaluation.contributions import TOLERANCE, make_explainer
from sarlra.evaluation.low_change import low_change_windows
from sarlra.evaluation.pointing import auc_inside
from sarlra.jobs.ask import make_request
from sarlra.jobs.execute import execute, prepare
from sarlra.jobs.plan import search
from sarlra.models.background import store_background
from sarlra.models.cnn import build_cnn
from sarlra.models.info import ModelInfo
from sarlra.models.packing import pack_network
from sarlra.models.registry import default_model, find_model
from sarlra.recipe import Recipe
from sarlra.serving.layers import list_layers
from sarlra.serving.live import Live
from sarlra.serving.place import open_place
from sarlra.serving.results import read_results
from sarlra.serving.verify import verify
from tests.contents import files_of
from tests.models.shipped_copy import copy_without_background
from tests.servers.files import FileServer
from tests.servers.items import opera_items, write_items
from tests.serving.browsing import Opened, running_browser
from tests.serving.running import serving

#: What is of its run, not of its result.
TIMES = ("timing.json",)

LEFT, TOP = 500_000, 4_700_000
SLIDE = (slice(70, 95), slice(200, 240))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> ModelInfo:
    """A shipped model in a folder of its own, where a background can be stored with it."""
    folder = tmp_path_factory.mktemp("model")
    return copy_without_background(default_model("VV", "ascending"), folder)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four filters with random weights: quick."""
    network = build_cnn(2, 4, 0.5, [-11.0, 0.0], [4.0, 6.0])
    rng = np.random.default_rng(1)
    for layer in network.layers:
        if layer.name.startswith(("convolution", "dense", "score")):
            layer.set_weights([rng.normal(0, 0.15, w.shape) for w in layer.get_weights()])
    file = tmp_path_factory.mktemp("small") / "small.keras"
    file.write_bytes(pack_network(network))
    return file


@pytest.fixture(scope="module")
def composite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Speckle with one landslide: 256 x 320 pixels of 10 m, bands post VV and diff VV."""
    rng = np.random.default_rng(5)
    values = np.stack([rng.normal(-11, 2.0, (256, 320)), rng.normal(0, 2.4, (256, 320))])
    values[(slice(None), *SLIDE)] += 5.0
    values[:, :20, :20] = np.nan
    file = tmp_path_factory.mktemp("composite") / "composite.tif"
    with rasterio.open(
        file, "w", driver="GTiff", count=2, dtype="float32", crs="EPSG:32654", nodata=np.nan,
        height=256, width=320, transform=from_origin(LEFT, TOP, 10, 10),
    ) as raster:  # fmt: skip
        raster.write(values.astype(np.float32))
    return file


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows, cols = SLIDE
    box = shapely.box(
        LEFT + cols.start * 10, TOP - rows.stop * 10, LEFT + cols.stop * 10, TOP - rows.start * 10
    )
    file = tmp_path_factory.mktemp("truth") / "slides.geojson"
    gpd.GeoDataFrame(geometry=[box], crs=32654).to_crs(4326).to_file(file)
    return file


def run(*arguments: object) -> Any:
    done = CliRunner().invoke(app, ["explain", *map(str, arguments), "--json"])
    assert done.exit_code == 0, (done.output, done.exception)
    return json.loads(done.stdout)


def test_a_window_is_explained_as_the_engine_says(
    model: ModelInfo, composite: Path, truth: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    at = (LEFT + 2_200, TOP - 820)
    given = (composite, "--model", model.path, "--window", *at, "--truth", truth, "--out", out)
    planned = run(*given, "--dry-run")
    assert (planned["windows"], planned["done"]) == (1, 0)
    assert not out.exists()
    found = run(*given, "--cluster", "none")
    (row,) = found["table"]
    assert (row["row"], row["col"]) == (64, 192)
    with open_composite(composite, model.bands, model.name) as opened:
        background = low_change_windows(opened, model.bands, Recipe())
        layers = opened.read(64, 128, True)
    window = np.stack([layer[:, 192:256] for layer in layers], axis=-1)
    expected = make_explainer(model, background).explain(window[None])
    with np.load(out / "windows" / "00064-00192.npz") as held:
        np.testing.assert_array_equal(held["values"], expected.values[0])
    assert row["score"] == pytest.approx(float(expected.score[0]), abs=1e-6)
    assert abs(row["additivity_error"]) <= TOLERANCE
    assert row["sum"] - (row["score"] - row["base"]) == pytest.approx(row["additivity_error"])
    assert row["share_post_vv"] + row["share_diff_vv"] == pytest.approx(1)
    assert found["share_by_band"]["diff_vv"] == pytest.approx(row["share_diff_vv"])
    without = make_explainer(model, background).scores(
        np.stack([window, np.where([True, False], window, 0)]).astype(np.float32)
    )
    assert row["score_without_diff_vv"] == pytest.approx(float(without[1]), abs=1e-6)
    inside = np.zeros((256, 320), bool)
    inside[SLIDE] = True
    auc = auc_inside(expected.mean_over_bands[0], inside[64:128, 192:256])
    assert row["auc_inside"] == pytest.approx(auc, abs=1e-4)
    assert row["truth_share"] == pytest.approx(25 * 40 / 4096)
    assert found["seconds_per_window"] > 0
    with rasterio.open(out / "contributions.tif") as raster:
        assert raster.descriptions == (
            "contribution", "contribution_post_vv", "contribution_diff_vv",
        )  # fmt: skip
        assert raster.transform.c == LEFT + 1_920
        assert raster.transform.f == TOP - 640
        np.testing.assert_allclose(raster.read(1), expected.mean_over_bands[0], atol=1e-7)
    outlines = gpd.read_parquet(out / "outlines.parquet")
    assert outlines.crs.to_epsg() == 4326
    assert outlines.empty == (row["score"] <= found["threshold"])
    assert len(list((out / "pictures").glob("*.png"))) == 1
    assert json.loads((out / "explain.json").read_text())["windows"] == 1
    assert len(pd.read_csv(out / "windows.csv")) == 1


@pytest.mark.slow
def test_any_number_of_workers_gives_the_same_bytes_and_work_goes_on(
    small: Path, composite: Path, tmp_path: Path
) -> None:
    x, y = rasterio.warp.transform("EPSG:32654", "EPSG:4326", [LEFT, LEFT + 3_200], [TOP - 1_290, TOP + 9])  # noqa: E501  # fmt: skip
    area = f"{x[0]},{y[0]},{x[1]},{y[1]}"
    given = (composite, "--model", small, "--area", area)
    alone, spread = tmp_path / "alone", tmp_path / "spread"
    one = run(*given, "--out", alone, "--cluster", "none")
    assert one["windows"] == 10
    gone = sorted((alone / "windows").glob("*.npz"))
    whole = files_of(alone, but=TIMES)
    gone[3].unlink()
    gone[5].write_bytes(b"damaged")
    assert run(*given, "--out", alone, "--dry-run")["done"] == 8
    run(*given, "--out", alone, "--cluster", "none")
    assert files_of(alone, but=TIMES) == whole
    run(*given, "--out", spread, "--cluster", "local")
    assert files_of(spread, but=TIMES) == whole
    with rasterio.open(alone / "contributions.tif") as raster:
        values = raster.read(1)
    assert values.shape == (128, 320)
    assert np.isnan(values[:20, :20]).all()
    assert np.isfinite(values[20:, 20:]).all()


def test_a_stored_background_is_taken(model: ModelInfo, composite: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    for file in model.path.parent.iterdir():
        shutil.copyfile(file, folder / file.name)
    # Whatever the shipped model makes of noise: with this threshold every window is a detection.
    card = folder / f"{model.path.stem}.json"
    card.write_text(json.dumps(json.loads(card.read_text()) | {"threshold": 1e-6}))
    own = find_model(str(folder / model.path.name))
    rng = np.random.default_rng(2)
    windows = rng.normal(-11, 2, (8, 64, 64, 2)).astype(np.float32)
    windows[..., 1] += 11
    store_background(own, windows)
    found = run(
        composite, "--model", own.path, "--detections", 1, "--out", tmp_path / "out",
        "--cluster", "none",
    )  # fmt: skip
    assert found["background"] == "8 windows stored with the model"
    scores = gpd.read_parquet(tmp_path / "out" / "scores.parquet")
    best = scores[scores["kept"]].sort_values("score").iloc[-1]
    assert (found["table"][0]["row"], found["table"][0]["col"]) == (best["row"], best["col"])
    assert found["table"][0]["score"] == pytest.approx(best["score"], abs=1e-5)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("{composite}", "--out", "{out}"), "names no model"),
        (("{composite}", "--model", "{model}", "--window", 0, 0), "outside the composite"),
        (("{composite}", "--model", "{model}", "--area", "1,2,3"), "is no area"),
        (("{composite}", "--model", "{model}", "--area", "10,10,10.1,10.1"), "no window"),
        (("{composite}", "--model", "{model}", "--attach"), "is no item"),
        (("{composite}", "--model", "{model}", "--area", "1,2,3,4", "--detections", 2), "give one"),
        (("absent.tif", "--model", "{model}"), "no such file"),
        (("absent.json",), "there is no item"),
        (("{composite}", "--model", "sim-cnn32-vv-vh-ascending"), "has 2 bands"),
    ],
)
def test_what_cannot_be_explained_is_said(
    arguments: tuple[Any, ...], said: str, model: ModelInfo, composite: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    from sarlra.cli import main

    places = {"composite": composite, "model": model.path, "out": tmp_path / "out"}
    given = [str(a).format(**places) for a in arguments]
    if "--out" not in given:
        given += ["--out", str(tmp_path / "out")]
    monkeypatch.setattr("sys.argv", ["sarlra", "explain", *given])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 2
    assert said in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "out").exists()


@pytest.fixture(scope="module")
def item(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A published item of a real acquisition."""
    folder = tmp_path_factory.mktemp("run")
    burst = [i for i in opera_items(shared_data) if i["properties"]["opera:burst_id"] == "T137-292321-IW2"]  # noqa: E501  # fmt: skip
    source = write_items(folder / "items.json", burst)
    request = make_request(
        None, out=str(folder / "out"), source=str(source), aoi="-119.849,34.765,-119.817,34.791",
        dem="none", origin=("2023-12-10T00:00:00Z",), threshold=0.3,
    )  # fmt: skip
    execute(prepare(request, search(request)), "none")
    (found,) = (folder / "out" / "items").glob("*/*.json")
    return found


def test_an_item_gets_the_map_as_a_layer(item: Path, tmp_path: Path) -> None:
    root = item.parents[2]
    before = json.loads(item.read_text())
    boxes = gpd.read_parquet(item.parent / "detections.parquet")
    live = Live(read_results(open_place(str(root))))
    place = boxes.geometry.iloc[0].centroid if len(boxes) else shapely.Point(-119.833, 34.778)
    found = run(
        item, "--window", place.x, place.y, "--out", tmp_path / "out", "--attach",
        "--cluster", "none",
    )  # fmt: skip
    assert found["attached"]
    assert found["model"] == before["properties"]["sarlra:model"]
    after = json.loads(item.read_text())
    assert after["assets"].keys() - before["assets"].keys() == {"contributions"}
    for key, asset in before["assets"].items():
        assert after["assets"][key] == asset
    own = {n: v for n, v in after["properties"].items() if n != "renders"}
    assert own == {n: v for n, v in before["properties"].items() if n != "renders"}
    assert after["properties"]["renders"]["contribution"]["assets"] == ["contributions"]
    assert live.refresh()  # a server that runs sees it
    assert not verify(live.results).faults
    layers = list_layers(live.now, before["collection"], None)
    (mean,) = [one for one in layers if one["band"] == "contribution"]
    assert mean["legend"]["low"] == -mean["legend"]["high"]


def test_an_item_on_a_server_is_explained_as_that_in_the_folder(item: Path, tmp_path: Path) -> None:
    with FileServer(item.parents[2]) as server:
        url = f"{server.url}/{item.relative_to(item.parents[2])}"
        given = ("--window", -119.833, 34.778, "--cluster", "none", "--out")
        afar = run(url, *given, tmp_path / "afar")
        here = run(item, *given, tmp_path / "here")
    assert afar["table"] == here["table"]
    assert files_of(tmp_path / "afar", but=TIMES) == files_of(tmp_path / "here", but=TIMES)


@pytest.mark.browser
@pytest.mark.timeout(300)
def test_the_map_page_shows_the_layer(item: Path, tmp_path: Path) -> None:
    root = tmp_path / "copy"
    shutil.copytree(item.parents[2], root)
    copy = root / item.relative_to(item.parents[2])
    document = json.loads(copy.read_text())
    if "contributions" not in document["assets"]:
        run(copy, "--window", -119.833, 34.778, "--out", tmp_path / "out", "--attach",
            "--cluster", "none")  # fmt: skip
    layers = list_layers(
        Live(read_results(open_place(str(root)))).now, document["collection"], None
    )
    (title,) = [one["title"] for one in layers if one["band"] == "contribution"]
    with running_browser() as browser, serving(root) as url:
        context = browser.new_context(viewport={"width": 1200, "height": 800})
        opened = Opened(context.new_page(), url)
        page = opened.open()
        page.get_by_label("Image", exact=True).select_option(label=title)
        opened.wait_for("band=contribution")
        page.wait_for_load_state("networkidle")
        assert title in page.locator("#legend").inner_text()
        assert opened.failed == []
        assert opened.said == []
        context.close()
