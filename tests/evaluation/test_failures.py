"""Where a run fails: ground at its landslides, tests, figures, report; outlines against truth."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from scipy import stats

from sarlra.errors import InputError
from sarlra.evaluation.analysis import FN, FP, TP, TrackAnalysis
from sarlra.evaluation.failure_tests import facing_tests, mantel_haenszel, recall_by
from sarlra.evaluation.outline_scores import large, overlap, score_outlines
from sarlra.evaluation.rivers import river_distance
from sarlra.inventories.read import read_inventory
from sarlra.serving.place import open_place
from tests.evaluation.run_world import TILES, write_cover, write_ridge


def _cases(seed: int = 1, number: int = 400, gather: float = 0.0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    slope, facing = rng.uniform(5, 50, number), rng.uniform(0, 180, number)
    area = rng.lognormal(8.5, 1.0, number)
    steep = (slope > 30) & (facing <= 60)
    missed = rng.uniform(size=number) < 0.2 + gather * steep
    return pd.DataFrame({
        "kind": np.where(missed, FN, TP), "area_m2": area, "slope": slope, "facing": facing,
        "aspect": rng.uniform(0, 360, number), "visible_share": rng.choice([0.2, 1.0], number),
    })  # fmt: skip


def _analysis(cases: pd.DataFrame, state: str = "ascending") -> TrackAnalysis:
    return TrackAnalysis(state, "given", cases, pd.DataFrame(), 100.0)


@pytest.mark.parametrize("gather", [0.0, 0.4])
def test_false_negatives_that_gather_are_seen(gather: float) -> None:
    cases = _cases(gather=gather)
    first, steep, seen = facing_tests(_analysis(cases))
    inside = (cases["slope"] > 30) & (cases["facing"] <= 60)
    missed = cases["kind"] == FN
    assert (first.missed, first.of) == ((inside & missed).sum(), inside.sum())
    assert first.other_of == (~inside).sum()
    table = [[(inside & missed).sum(), (inside & ~missed).sum()],
             [(~inside & missed).sum(), (~inside & ~missed).sum()]]  # fmt: skip
    expected = stats.fisher_exact(table, alternative="greater").pvalue
    assert first.p == pytest.approx(expected)
    assert first.low < first.odds_ratio < first.high
    assert first.gathers == (gather > 0)
    assert ("False negatives gather there" in first.line()) == (gather > 0)
    assert steep.other_of == ((cases["slope"] > 30) & ~inside).sum()
    assert seen.of == (inside & (cases["visible_share"] > 0.9)).sum()
    assert len(facing_tests(_analysis(cases, "descending"))) == 4
    assert facing_tests(_analysis(cases.assign(slope=np.nan))) == ()


def test_alarms_are_no_landslides_and_unknown_slopes_count_nowhere() -> None:
    cases = _cases()
    more = cases.assign(kind=FP, slope=40.0, facing=10.0)
    void = cases.assign(slope=np.nan)
    both = pd.concat([cases, more, void], ignore_index=True)
    assert facing_tests(_analysis(both))[0] == facing_tests(_analysis(cases))[0]


def test_mantel_haenszel_against_permutations() -> None:
    """The p of the formula against drawing the classes anew within each size."""
    rng = np.random.default_rng(4)
    strata = np.repeat([0, 1, 2], [40, 60, 80])
    inside = rng.uniform(size=180) < 0.3 + 0.1 * strata
    missed = rng.uniform(size=180) < 0.5 - 0.15 * strata + 0.12 * inside
    tables = []
    for s in range(3):
        own = strata == s
        tables.append([[int((own & part & missed).sum()), int((own & part & ~missed).sum())]
                       for part in (inside, ~inside)])  # fmt: skip
    ratio, p = mantel_haenszel(tables)
    first = sum(t[0][0] for t in tables)
    counts = []
    for _ in range(20_000):
        drawn = 0
        for (a, b), (c, d) in tables:
            drawn += rng.hypergeometric(a + b, c + d, a + c)
        counts.append(drawn)
    assert p == pytest.approx((np.array(counts) >= first).mean(), abs=0.02)
    up = sum(t[0][0] * t[1][1] / np.sum(t) for t in tables)
    down = sum(t[0][1] * t[1][0] / np.sum(t) for t in tables)
    assert ratio == pytest.approx(up / down)
    assert np.isnan(mantel_haenszel([[[0, 0], [0, 0]]])[1])


def test_recall_by_size_has_wilson_s_intervals() -> None:
    cases = _cases(number=200).assign(n_post=np.repeat([1.0, 2.0, np.nan, 1.0], 50), cover="trees")
    table = recall_by(cases, "area_m2")
    assert table["landslides"].sum() == 200
    row = table.iloc[2]
    assert row["class"] == "5,000 to 10,000"
    own = cases[(cases["area_m2"] >= 5_000) & (cases["area_m2"] < 10_000)]
    hits, n, z = (own["kind"] == TP).sum(), len(own), stats.norm.ppf(0.975)
    middle = (hits / n + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(hits / n * (1 - hits / n) / n + z**2 / (4 * n**2))
    assert row["low"] == pytest.approx(middle - half, abs=1e-4)
    assert row["high"] == pytest.approx(middle + half, abs=1e-4)
    assert recall_by(cases, "n_post")["class"].tolist() == ["1", "2", "not known"]
    assert recall_by(cases, "cover").to_dict("records")[0]["landslides"] == 200


def test_rivers_run_in_valleys() -> None:
    """A valley along a column, falling to the south: it drains 9 km2 in the end."""
    y, x = np.meshgrid(np.arange(300), np.arange(300), indexing="ij")
    heights = (np.abs(x - 150) * 5.0 + (300 - y) * 1.0).astype(np.float32)
    distance = river_distance(heights, 10.0)
    expected = np.abs(np.arange(300) - 150) * 10.0
    np.testing.assert_allclose(distance[290], expected, atol=45)
    assert distance[5, 150] > 300  # too little water near the divide
    flat = river_distance(np.zeros((40, 40), np.float32), 10.0)
    assert np.isnan(flat).all()
    assert np.isnan(river_distance(np.full((90, 90), np.nan, np.float32), 10.0)).all()


def test_masks_are_compared_as_by_hand() -> None:
    truth_, mask = np.zeros((3, 64, 64), bool), np.zeros((3, 64, 64), bool)
    truth_[:, 10:20, 10:20] = True
    mask[0, 10:20, 13:23] = True
    mask[1, 10:20, 10:20] = True
    found = overlap(mask, truth_, 10.0)
    assert found.iou == pytest.approx((70 + 100) / (130 + 100 + 100))
    assert found.iou_median == pytest.approx(70 / 130)
    assert found.area_bias == pytest.approx(200 / 300 - 1)
    assert found.centroid_m == pytest.approx(15)  # 30 and 0 m
    assert found.empty == 1
    small = np.zeros((64, 64), bool)
    small[:4, :5] = True
    small[30:33, 30:36] = True  # 18 pixels
    assert large(small).sum() == 20


def test_a_report_says_what_was_missed_where(
    run: Path,
    truth: Path,
    evaluate: Any,
    tmp_path: Path,
) -> None:
    out = tmp_path / "report"
    dem, cover = write_ridge(tmp_path / "dem.tif", 35.0, 15.0), write_cover(tmp_path / "cover.tif")
    given = (run, "--truth", truth, "--dem", dem, "--analysis", "--land-cover", cover)
    found = evaluate(*given, "--out", out)
    track, scores = found["analysis"]["T046D"], found["tracks"]["T046D"]["detections"]
    cases = pd.read_csv(out / "T046D-cases.csv")
    counts = track["counts"]
    hit, of = scores["recall_counts"]
    assert (counts["true_positives"], counts["false_negatives"]) == (hit, of - hit)
    touched, judged = scores["precision_counts"]
    assert counts["false_positives"] == judged - touched > 0
    assert cases["kind"].value_counts().to_dict() == {
        TP: hit, FN: of - hit, FP: judged - touched,
    }  # fmt: skip
    assert "nominal" in track["geometry"]  # the inputs of this catalogue hold no scenes
    slides = cases[cases["kind"] != FP]
    west = slides["slope"].between(34.5, 35.5)
    assert 5 < west.sum() < len(slides) - 5
    assert slides.loc[west, "aspect"].between(269, 271).all()
    # Descending: the sensor stands in the east, a little south of it.
    assert track["sensor_azimuth"] == pytest.approx(102.4, abs=2)
    np.testing.assert_allclose(slides.loc[west, "facing"], 270 - track["sensor_azimuth"], atol=1)
    east = slides["slope"].between(14.5, 15.5)
    expected = np.rad2deg(np.arccos(
        np.cos(np.deg2rad(15)) * np.cos(np.deg2rad(38))
        + np.sin(np.deg2rad(15)) * np.sin(np.deg2rad(38))
        * np.cos(np.deg2rad(90 - track["sensor_azimuth"]))
    ))  # fmt: skip
    np.testing.assert_allclose(slides.loc[east, "incidence"], expected, atol=0.5)
    assert (slides.loc[west, "cover"] == "trees").all()
    assert (slides.loc[east, "cover"] == "crops").all()
    assert slides["n_pre"].between(4, 5).all()
    assert (slides["n_post"] == 1).all()
    assert slides["visible_share"].between(0, 1).all()
    page = (out / "report.html").read_text()
    for name in re.findall(r'href="([^"]+)"', page):
        assert (out / name).is_file()
        assert (out / name).with_suffix(".svg").is_file()
    assert page.count("<figure>") == len(list(out.glob("*.svg"))) >= 8
    assert not re.findall(r'(?:src|href)="(?!data:)[^"]*//', page)  # nothing from elsewhere
    again = tmp_path / "again"
    evaluate(*given, "--out", again)
    assert (again / "report.html").read_bytes() == (out / "report.html").read_bytes()


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        (("--analysis", "--out", "{out}"), "needs heights"),
        (("--analysis", "--dem", "{dem}"), "writes a report"),
        (("--land-cover", "{dem}"), "is for --analysis"),
        (("--analysis", "--dem", "{dem}", "--out", "{out}", "--land-cover", "no.tif"), "no land"),
        (("--analysis", "--dem", "{dem}", "--out", "{out}", "--land-cover", "{dem}"), "no raster"),
    ],
)
def test_what_cannot_be_analysed_is_said(
    extra: tuple[str, ...], said: str, run: Path, truth: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    from sarlra.cli import main

    places = {"out": tmp_path / "out", "dem": write_ridge(tmp_path / "dem.tif", 20, 20)}
    given = [text.format(**places) for text in extra]
    monkeypatch.setattr("sys.argv", ["sarlra", "evaluate", str(run), "--truth", str(truth), *given])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 2
    assert said in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "out").exists()


def test_outlines_of_items_are_scored(run: Path, truth: Path, tmp_path: Path) -> None:
    """Outlines that are the truth itself overlap it wholly; moved by 100 m they do not."""
    inventory = read_inventory(truth)
    place = open_place(str(run))
    items = [json.loads(path.read_text()) for path in sorted(run.glob("items/*/*.json"))]
    assert score_outlines(place, items, inventory) is None
    for shift, least, most in ((0.0, 0.9, 1.0), (100.0, 0.1, 0.6)):
        for item in items:
            folder = run / "items" / item["id"]
            table = gpd.read_parquet(folder / "detections.parquet")
            slides = inventory.landslides.geometry.to_crs(32654).translate(shift)
            whole = slides.union_all()
            r = 640
            shapes = [
                whole.intersection(shapely.box(x, y - r, x + r, y))
                for x, y in zip(table["x"], table["y"], strict=True)
            ]
            outlines = gpd.GeoDataFrame(table[["row", "col"]], geometry=shapes, crs=32654)
            outlines[~outlines.is_empty].to_crs(4326).to_parquet(folder / "outlines.parquet")
            item["assets"]["outlines"] = {"href": "./outlines.parquet"}
        found = score_outlines(place, items, inventory)
        assert found is not None
        assert least < found.outlines.iou <= most
        assert found.outlines.windows == found.plain.windows > 5
        assert found.plain.iou < 0.5
        if not shift:
            assert found.outlines.area_bias == pytest.approx(0, abs=0.05)
            assert found.outlines.centroid_m < 5
    for item in items:
        (run / "items" / item["id"] / "outlines.parquet").unlink()


def test_land_cover_of_another_kind_is_refused(tmp_path: Path) -> None:
    from sarlra.evaluation.ground_layers import cover_name, ground_layers
    from sarlra.terrain.choice import DemSource

    dem = write_ridge(tmp_path / "dem.tif", 20, 20)
    (tmp_path / "text.tif").write_text("none")
    with pytest.raises(InputError, match="cannot be read"):
        ground_layers(TILES[0], 64, DemSource(file=dem), None, tmp_path / "text.tif")
    assert cover_name(10) == "trees"
    assert cover_name(7) == "class 7"
