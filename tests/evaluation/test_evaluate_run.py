"""A run against an inventory, from files, against pixel by pixel counting."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import fsspec
import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
from pyproj import Transformer

from sarlra.cli import main
from sarlra.terrain.slopes import gradients, slope_aspect
from tests.evaluation.run_world import EVENT, TILES, ground
from tests.servers.files import FileServer


def _pixels(run: Path, truth: Path) -> dict[str, Any]:
    """Everything on the pixels of both tiles, side by side."""
    items = [next(run.glob(f"items/*{tile.id}*")) for tile in TILES]
    read = {}
    for name in ("scores", "visibility"):
        rasters = []
        for item in items:
            with rasterio.open(item / f"{name}.tif") as raster:
                rasters.append(raster.read(1))
        read[name] = np.hstack(rasters)
    return {**ground(truth), **read}


def test_windows_are_counted_as_by_hand(
    run: Path, truth: Path, evaluate: Callable[..., Any]
) -> None:
    found = evaluate(run, "--truth", truth)
    assert list(found["tracks"]) == ["T046D"]
    patch = found["tracks"]["T046D"]["patch_natural"]
    p = _pixels(run, truth)
    slide, hidden = p["own"].any(axis=0), np.isin(p["visibility"], (1, 2, 3, 4))
    errors = []
    counted = {"tp": 0, "fp": 0, "fn": 0, "tn": 0}
    for row, col, place in p["windows"]:
        score = p["scores"][row, col]
        if np.isnan(score) or hidden[place].mean() > 0.5:
            continue
        share = (slide & ~hidden)[place].mean()
        if share > 0.05 or not slide[place].any():
            errors.append((float(score) - (share > 0.05)) ** 2)
        if share > 0.05:
            counted["tp" if score > 0.6 else "fn"] += 1
        elif not slide[place].any():
            counted["fp" if score > 0.6 else "tn"] += 1
    assert sum(counted.values()) > 30
    assert counted["tp"] > 2
    assert counted == {
        "tp": patch["true_positives"], "fp": patch["false_positives"],
        "fn": patch["false_negatives"], "tn": patch["true_negatives"],
    }  # fmt: skip
    f1 = 2 * counted["tp"] / (2 * counted["tp"] + counted["fp"] + counted["fn"])
    assert patch["f1"] == pytest.approx(f1, abs=1e-4)
    assert found["tracks"]["T046D"]["patch"]["f1"] == patch["f1"]  # under 10:1 as it is
    brier = found["tracks"]["T046D"]["brier"]
    assert brier == {"score": pytest.approx(np.mean(errors), abs=1e-6), "probability": None}
    assert found["tracks"]["T046D"]["windows_scored"] == int(np.isfinite(p["scores"]).sum())


def test_landslides_are_counted_as_by_hand(
    run: Path, truth: Path, evaluate: Callable[..., Any]
) -> None:
    found = evaluate(run, "--truth", truth)["tracks"]["T046D"]["detections"]
    p = _pixels(run, truth)
    boxes = gpd.read_parquet(run / f"collections/{EVENT}/detections.parquet").geometry
    mapped, cloud = p["shapes"]["interpreted_area"][0], p["shapes"]["cloud"][0]
    judged = [mapped.covers(b) and not cloud.intersects(b) for b in boxes]
    hits = [j and any(b.intersects(s) for s in p["shapes"]["landslides"])
            for j, b in zip(judged, boxes, strict=True)]  # fmt: skip
    assert found["detections"] == len(boxes)
    assert found["precision_counts"] == [sum(hits), sum(judged)]
    scored = np.isfinite(p["scores"])
    covered = np.zeros((512, 1024), dtype=bool)
    for row, col in np.argwhere(scored):
        covered[row * 32 : row * 32 + 64, col * 32 : col * 32 + 64] = True
    counts = {"recall": [0, 0], "recall_large": [0, 0]}
    sight = {"seen": 0, "partly hidden": 0, "hidden": 0, "not known": 0}
    to_utm = Transformer.from_crs(4326, 32654, always_xy=True)
    for shape, own in zip(p["shapes"]["landslides"], p["own"], strict=True):
        point = shapely.point_on_surface(shape)
        if not own.any():  # the tiny one: its pixel is the first
            own[0, 0] = True
        if not (covered & own).any() or not mapped.covers(point) or cloud.intersects(point):
            continue
        touched = any(b.intersects(shape) for b in boxes)
        area = shapely.transform(shape, lambda c: np.column_stack(to_utm.transform(*c.T))).area
        for name, counts_it in (("recall", True), ("recall_large", area >= 10_000)):
            if counts_it:
                counts[name][0] += touched
                counts[name][1] += 1
        codes = p["visibility"][own]
        hidden = np.isin(codes, (1, 2, 3, 4)).mean()
        unknown = (codes == 255).mean() > 0.5
        sight["not known" if unknown else "seen" if hidden < 0.1 else
              "partly hidden" if hidden < 0.5 else "hidden"] += 1  # fmt: skip
    assert counts["recall"][1] > 30
    assert [found["recall_counts"], found["recall_large_counts"]] == list(counts.values())
    assert {c["class"]: c["landslides"] for c in found["by_visibility"]} == sight
    assert sum(c["landslides"] for c in found["by_size"]) == counts["recall"][1]
    assert found["by_slope"] == []
    assert found["not_observed"] == len(p["own"]) - counts["recall"][1]


def test_slopes_come_from_a_dem(
    run: Path, truth: Path, evaluate: Callable[..., Any], tmp_path: Path
) -> None:
    left, bottom, _, top = TILES[0].bounds
    right = TILES[1].bounds[2]
    x = np.arange(left - 200, right + 200, 10.0)
    heights = np.where(
        x < left + 5_000, 0.30 * (x - left) + 100, 1_600.0
    )  # 16.7 degrees, then flat
    heights = np.tile(heights.astype(np.float32), (round((top - bottom) / 10) + 40, 1))
    file = tmp_path / "dem.tif"
    with rasterio.open(
        file, "w", driver="GTiff", count=1, dtype="float32", crs="EPSG:32654",
        height=heights.shape[0], width=heights.shape[1],
        transform=rasterio.transform.from_origin(left - 200, top + 200, 10, 10),
    ) as raster:  # fmt: skip
        raster.write(heights, 1)
    found = evaluate(run, "--truth", truth, "--dem", file)["tracks"]["T046D"]["detections"]
    by_slope = {c["class"]: c["landslides"] for c in found["by_slope"]}
    assert sum(by_slope.values()) == found["recall_counts"][1]
    assert {name for name, n in by_slope.items() if n} == {"0 to 10 deg", "10 to 20 deg"}
    slope, _ = slope_aspect(*gradients(heights, 10.0))
    assert float(slope[20, 100]) == pytest.approx(16.7, abs=0.1)


@pytest.mark.parametrize("kind", ["memory", "http"])
def test_other_places_give_what_the_folder_gives(
    kind: str, run: Path, truth: Path, evaluate: Callable[..., Any]
) -> None:
    expected = evaluate(run, "--truth", truth)
    if kind == "http":
        with FileServer(run) as server:
            found = evaluate(server.url, "--event", EVENT, "--truth", truth)
    else:
        objects = fsspec.filesystem("memory")
        for file in run.rglob("*"):
            if file.is_file():
                objects.pipe_file(f"/evaluated/{file.relative_to(run)}", file.read_bytes())
        found = evaluate("memory://evaluated", "--truth", truth)
        objects.rm("/evaluated", recursive=True)
    assert found | {"catalog": ""} == expected | {"catalog": ""}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("{run}",), "nothing to evaluate"),
        (("{run}", "--truth", "absent.gpkg"), "absent.gpkg"),
        (("{run}", "--truth", "{truth}", "--event", "other"), "no event 'other'"),
        (("{run}", "--truth", "{far}"), "lies in the area"),
        (("{empty}", "--truth", "{truth}"), "no catalogue"),
        (("{run}", "--truth", "{truth}", "--dem", "no.tif"), "no.tif"),
    ],
)
def test_what_cannot_be_evaluated_is_said(
    arguments: tuple[str, ...], said: str, run: Path, truth: Path, tmp_path: Path,
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    far = tmp_path / "far.geojson"
    gpd.GeoDataFrame(geometry=[shapely.box(10, 10, 10.1, 10.1)], crs=4326).to_file(far)
    (tmp_path / "empty").mkdir()
    places = {"run": run, "truth": truth, "far": far, "empty": tmp_path / "empty"}
    given = [text.format(**places) for text in arguments]
    monkeypatch.setattr("sys.argv", ["sarlra", "evaluate", *given])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 2
    assert said in " ".join(capsys.readouterr().err.split())


def test_curves_are_drawn_where_asked(
    run: Path, truth: Path, evaluate: Callable[..., Any], tmp_path: Path
) -> None:
    found = evaluate(run, "--truth", truth, "--out", tmp_path / "curves")["tracks"]["T046D"]
    assert {p.name for p in (tmp_path / "curves").iterdir()} == {
        "precision-recall.png", "precision-recall.csv",
    }  # fmt: skip
    curve = pd.read_csv(tmp_path / "curves" / "precision-recall.csv")
    at = curve[curve["threshold"] > 0.6].iloc[-1]
    assert at["f1"] == pytest.approx(found["patch"]["f1"], abs=1e-4)
