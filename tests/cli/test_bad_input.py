"""What a user can get wrong: one clear error, an exit code, and nothing half written."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio

from tests.servers.blobs import BlobServer

ORIGIN = "2023-12-10T00:00:00Z"
AOI = "-119.849,34.765,-119.817,34.791"
BURST = "T137-292321-IW2"
Cli = Callable[..., Any]


def _items(shared_data: Path) -> dict[str, Any]:
    """The items of one burst, hrefs absolute."""
    folder = shared_data / "opera-rtc-s1"
    collection = json.loads((folder / "items.json").read_text())
    collection["features"] = [
        f for f in collection["features"] if f["properties"]["opera:burst_id"] == BURST
    ]
    for feature in collection["features"]:
        for asset in feature["assets"].values():
            asset["href"] = str(folder / asset["href"])
    return dict(collection)


def _write(tmp_path: Path, collection: dict[str, Any]) -> Path:
    path = tmp_path / "items.json"
    path.write_text(json.dumps(collection))
    return path


def _detect(sarlra: Cli, source: Path, out: Path, *more: object) -> Any:
    return sarlra(
        "detect", "--origin", ORIGIN, "--aoi", AOI, "--source", source, "--out", out,
        "--cluster", "none", *more,
    )  # fmt: skip


def _nothing_left(out: Path) -> bool:
    return not out.exists() or not any(path.is_file() for path in out.rglob("*"))


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ((), 2, "event or an origin"),
        (("no/such/file.geojson",), 2, "file.geojson"),
        (("--origin", "yesterday", "--aoi", AOI), 2, "yesterday"),
        (("--origin", ORIGIN), 2, "without an area"),
        (("--origin", ORIGIN, "--aoi", "1,2,3"), 2, "1,2,3"),
        (("--origin", ORIGIN, "--aoi", "0,10,1,5"), 2, "0,10,1,5"),
        (("--origin", ORIGIN, "--aoi", AOI, "--buffers", "60/12"), 2, "60/12"),
        (("--origin", ORIGIN, "--aoi", AOI, "--source", "/no/such/items.json"), 2, "items.json"),
        (("--origin", ORIGIN, "--aoi", AOI, "--threshold", "7"), 2, "threshold"),
        (("--origin", ORIGIN, "--aoi", AOI, "--model", "nobody"), 2, "nobody"),
    ],
)
def test_unusable_arguments_are_named(
    sarlra: Cli, shared_data: Path, tmp_path: Path, arguments: tuple[str, ...], code: int, said: str
) -> None:
    source = shared_data / "opera-rtc-s1" / "items.json"
    given = arguments if "--source" in arguments else (*arguments, "--source", source)
    done = sarlra("detect", *given, "--out", tmp_path / "out", "--cluster", "none")
    assert done.code == code
    assert said.lower() in done.err.lower()
    assert "Traceback" not in done.err
    assert _nothing_left(tmp_path / "out")


def test_event_file_that_is_no_event(sarlra: Cli, shared_data: Path, tmp_path: Path) -> None:
    feed = shared_data / "usgs" / "4.5_month.geojson"
    done = sarlra("detect", feed, "--out", tmp_path / "out")
    assert done.code == 2
    assert "4.5_month.geojson" in done.err
    assert _nothing_left(tmp_path / "out")


def test_no_acquisition_in_a_window(sarlra: Cli, shared_data: Path, tmp_path: Path) -> None:
    collection = _items(shared_data)
    collection["features"] = [
        f for f in collection["features"] if f["properties"]["datetime"] < ORIGIN
    ]
    done = _detect(sarlra, _write(tmp_path, collection), tmp_path / "out")
    assert done.code == 3
    assert "T137A" in done.err
    assert "after" in done.err
    assert _nothing_left(tmp_path / "out")


def test_items_in_hh_hv(sarlra: Cli, shared_data: Path, tmp_path: Path) -> None:
    item = next((shared_data / "stac-items").glob("S1A_IW_GRDH_1SDH*.json"))
    done = sarlra(
        "detect", "--origin", "2019-12-10T00:00:00Z", "--aoi", "-180,-16,-178,-14",
        "--source", item, "--out", tmp_path / "out",
    )  # fmt: skip
    assert done.code in (2, 3)
    assert _nothing_left(tmp_path / "out")


def test_missing_vh_is_refused_when_asked_for_and_fallen_back_from_otherwise(
    sarlra: Cli, shared_data: Path, tmp_path: Path
) -> None:
    collection = _items(shared_data)
    for feature in collection["features"]:
        del feature["assets"]["vh"]
        feature["properties"]["sar:polarizations"] = ["VV"]
    source = _write(tmp_path, collection)
    refused = _detect(sarlra, source, tmp_path / "out", "--pol", "VV_VH")
    assert refused.code == 3
    assert "VH" in refused.err
    assert _nothing_left(tmp_path / "out")
    plain = _detect(sarlra, source, tmp_path / "out")
    assert plain.code == 0
    assert "falls back to VV" in plain.err
    (item,) = (tmp_path / "out" / "items").glob("*/*.json")
    assert json.loads(item.read_text())["properties"]["sar:polarizations"] == ["VV"]


def test_truncated_file_fails_the_job_by_name(
    sarlra: Cli, shared_data: Path, tmp_path: Path
) -> None:
    collection = _items(shared_data)
    feature = next(f for f in collection["features"] if "20231121T" in f["id"])
    whole = Path(feature["assets"]["vv"]["href"]).read_bytes()
    broken = tmp_path / "broken.tif"
    broken.write_bytes(whole[: len(whole) // 3])
    feature["assets"]["vv"]["href"] = str(broken)
    done = _detect(sarlra, _write(tmp_path, collection), tmp_path / "out")
    assert done.code == 6
    assert "broken.tif" in done.err
    assert _nothing_left(tmp_path / "out")


@pytest.mark.parametrize("status", [403, 404])
def test_refused_and_missing_assets_fail_the_job_by_name(
    sarlra: Cli, shared_data: Path, tmp_path: Path, status: int
) -> None:
    collection = _items(shared_data)
    served = tmp_path / "served"
    shutil.copytree(shared_data / "opera-rtc-s1" / "rasters" / "20231121", served / "a" / "c")
    with BlobServer(served) as server:
        for feature in collection["features"]:
            if "20231121T" in feature["id"]:
                for asset in feature["assets"].values():
                    name = Path(asset["href"]).name if status == 403 else "absent.tif"
                    asset["href"] = f"{server.url}/a/c/{name}"
        done = _detect(sarlra, _write(tmp_path, collection), tmp_path / "out")
    assert done.code == 6
    assert str(status) in done.err or "absent.tif" in done.err
    assert _nothing_left(tmp_path / "out")


def test_model_whose_bands_do_not_fit(sarlra: Cli, shared_data: Path, tmp_path: Path) -> None:
    done = _detect(
        sarlra, shared_data / "opera-rtc-s1" / "items.json", tmp_path / "out",
        "--pol", "VV", "--model", "sim-cnn32-vv-vh-ascending",
    )  # fmt: skip
    assert done.code == 2
    assert "VV_VH" in done.err
    assert _nothing_left(tmp_path / "out")


def test_output_that_holds_something_else(sarlra: Cli, shared_data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "thesis.tex").write_text("years of work")
    done = _detect(sarlra, shared_data / "opera-rtc-s1" / "items.json", out)
    assert done.code == 2
    assert str(out) in done.err.replace("\n", "")
    assert [path.name for path in out.iterdir()] == ["thesis.tex"]


def test_area_outside_the_source(sarlra: Cli, shared_data: Path, tmp_path: Path) -> None:
    source = shared_data / "opera-rtc-s1" / "items.json"
    done = sarlra("detect", "--origin", ORIGIN, "--aoi", "10,45,10.1,45.1", "--source", source,
                  "--out", tmp_path / "out")  # fmt: skip
    assert done.code == 3
    assert _nothing_left(tmp_path / "out")


@pytest.mark.slow
def test_area_larger_than_the_source_says_what_was_not_observed(
    sarlra: Cli, shared_data: Path, tmp_path: Path
) -> None:
    collection = _items(shared_data)
    done = sarlra(
        "detect", "--origin", ORIGIN, "--aoi", "-119.95,34.7,-119.7,34.85",
        "--source", _write(tmp_path, collection), "--out", tmp_path / "out",
        "--cluster", "none", "--json",
    )  # fmt: skip
    assert done.code == 0
    outcomes = json.loads(done.out)["outcomes"]
    assert sum(o["not_scored"] for o in outcomes) > sum(o["scored"] for o in outcomes) > 0


def test_composite_of_somebody_with_too_few_bands(sarlra: Cli, tmp_path: Path) -> None:
    path = tmp_path / "mine.tif"
    with rasterio.open(
        path, "w", driver="GTiff", width=128, height=128, count=3, dtype="float32"
    ) as raster:
        raster.write(np.zeros((3, 128, 128), np.float32))
    done = sarlra(
        "score", path, "--model", "sim-cnn32-vv-vh-ascending", "--out", tmp_path / "w.parquet"
    )
    assert done.code == 2
    assert "bands" in done.err
    assert not (tmp_path / "w.parquet").exists()
