"""The paper's tables: its figures as printed, ours as a plain median."""

from __future__ import annotations

import statistics
from pathlib import Path

import pandas as pd
import pytest

from sarlra.errors import InputError
from sarlra.evaluation.paper_figure import draw_buffers
from sarlra.evaluation.paper_tables import BASELINE, paper_tables, read_paper, read_sweep

RESULTS = Path(__file__).parents[2] / "docs" / "results" / "sweep.csv"


def test_the_paper_s_figures_are_those_that_it_prints() -> None:
    paper = read_paper()
    assert paper["architectures"]["resnet"]["f1"] == [82.53, 0.9]
    assert paper["buffers"]["VV_VH"]["ascending"]["60-12"]["f1"] == [80.94, 1.3]
    assert paper["buffers"]["VV_VH"]["descending"]["60-12"]["f1"] == [78.05, 3.5]
    assert paper["buffers"]["VV"]["descending"]["60-60"]["precision"] == [78.58, 5.49]
    assert [row["f1"] for row in paper["best"]] == [82.63, 80.19, 57.31, 62.84]
    sizes = [len(b) for orbits in paper["buffers"].values() for b in orbits.values()]
    assert sizes == [10] * 4


def test_ours_are_medians_over_the_runs_that_are_done(tmp_path: Path) -> None:
    sweep = pd.read_csv(RESULTS)
    sweep.loc[sweep.index[0], "status"] = "failed"
    sweep.to_parquet(tmp_path / "sweep.parquet")
    table = read_sweep(tmp_path / "sweep.parquet")
    assert len(table) == len(sweep) - 1
    found = paper_tables(table)
    for row in found["A2"]:
        state, buffers = row["label"]
        values = [
            100 * f1
            for f1, s, b, c, g in zip(
                table["test_f1"], table["orbit_state"], table["buffers"], table["combination"],
                table["stage"], strict=True,
            )
            if (s, b, c, g) == (state, buffers, "VV_VH", "buffers")
        ]  # fmt: skip
        assert row["runs"] == len(values)
        if values:
            assert row["ours"]["f1"][0] == pytest.approx(statistics.median(values), abs=0.006)
        else:
            assert row["ours"] is None
    without = table[table["stage"] != "buffers"]  # then the settings stand for 60-12
    runs = {tuple(row["label"]): row["runs"] for row in paper_tables(without)["A3"]}
    assert runs["ascending", "60-12"] > runs["ascending", "12-12"] == 0
    settings = table[(table["stage"] == "settings") & (table["combination"] == "VV")]
    for row in found["60-12"]:
        if row["label"][0] == "VV" and row["label"][2] == "cnn":
            part = 100 * settings[settings["orbit_state"] == row["label"][1]]["test_f1"]
            expected = [statistics.median(part), statistics.stdev(part)]
            assert row["ours"]["f1"] == pytest.approx(expected, abs=0.006)
    beaten = [row for row in found["60-12"] if row["label"][2] == BASELINE]
    assert len(beaten) == 4
    assert all(row["paper"] is None for row in beaten)
    assert found["A1"][-1]["label"] == [BASELINE]
    best = found["4"][0]["ours"]
    part = table[
        (table["combination"] == "VV_VH")
        & (table["orbit_state"] == "ascending")
        & (table["stage"] == "settings")
    ]
    assert best["f1"] == round(100 * part.loc[part["validation_f1"].idxmax(), "test_f1"], 2)
    draw_buffers(table, tmp_path / "figure.png")
    numbers = pd.read_csv(tmp_path / "figure.csv")
    assert len(numbers) == 40
    assert (tmp_path / "figure.png").stat().st_size > 10_000


def test_what_is_no_sweep_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no table of a sweep"):
        read_sweep(tmp_path / "none.parquet")
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match="it has no stage"):
        read_sweep(tmp_path / "other.csv")
