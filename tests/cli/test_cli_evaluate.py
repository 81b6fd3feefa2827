"""Models on real scenes and on simulated worlds, from the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.servers.items import opera_items, write_items

SHORE, MOUNTAINS = "T137-292323-IW2", "T137-292321-IW2"


def test_a_model_on_a_quiet_series(
    sarlra: Callable[..., Any], shared_data: Path, tmp_path: Path
) -> None:
    crops = (SHORE, MOUNTAINS)
    chosen = [i for i in opera_items(shared_data) if i["properties"]["opera:burst_id"] in crops]
    items = write_items(tmp_path / "items.json", chosen)
    done = sarlra(
        "evaluate", "--real-series", items, "--model", "sim-cnn32-vv-vh-ascending", "--dates", 1,
        "--out", tmp_path / "trade", "--json",
    )  # fmt: skip
    assert done.code == 0, done.err
    found = json.loads(done.out)["models"]["sim-cnn32-vv-vh-ascending"]
    (one,) = found["composites"]
    assert (one["date"], one["n_pre"], one["n_post"]) == ("2021-12-19", 5, 1)
    assert 12 < one["km2"] < 20
    assert 0.6 < one["land_km2"] / one["km2"] < 0.97
    assert found["implanted_patches"] >= 5
    curve = found["curve"]
    recalls = [row["recall"] for row in curve]
    assert recalls == sorted(recalls, reverse=True)
    assert recalls[0] > recalls[-1]
    assert (tmp_path / "trade" / "real-series.csv").is_file()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "--seed for one world, or --event"),
        (("--seed", 1, "--event", "conifer-hills"), "--seed for one world, or --event"),
        (("--event", "atlantis"), "no simulated event 'atlantis'"),
        (("--event", "conifer-hills", "--worlds", "5by6"), "not ROWSxCOLUMNS"),
        (("--event", "conifer-hills", "--worlds", "90x90"), "90 x 90 worlds"),
    ],
)
def test_events_that_cannot_be_simulated_are_said(
    sarlra: Callable[..., Any], tmp_path: Path, arguments: tuple[object, ...], said: str
) -> None:
    done = sarlra("simulate", "--out", tmp_path / "out", *arguments)
    assert done.code == 2
    assert said in " ".join(done.err.split())
    assert not (tmp_path / "out").exists()


def test_realism_is_compared_from_the_command_line(
    sarlra: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The comparison itself is tested elsewhere: here a small one stands for it."""
    from sarlra.evaluation import realism
    from sarlra.evaluation.cover_statistics import CoverStatistics

    three = (-12.0, -10.0, -8.0)
    real = CoverStatistics(500, three, three, three, *[1.0] * 9)
    other = CoverStatistics(500, (-12.0, -7.5, -6.0), three, three, *[1.0] * 9)
    table = realism.compare({"shrub": real}, {"shrub": other})
    monkeypatch.setattr(realism, "evaluate_realism", lambda _: table)
    done = sarlra("evaluate", "--realism", "items.json", "--out", tmp_path, "--json")
    found = json.loads(done.out)
    assert found["covers"]["shrub"]["vv"] == [[-12.0, -10.0, -8.0], [-12.0, -7.5, -6.0]]
    assert found["beyond_tolerance"] == ["shrub vv 50 %: real -10.00, simulated -7.50"]
    assert (tmp_path / "simulation-realism.png").is_file()
    shown = sarlra("evaluate", "--realism", "items.json")
    assert "| shrub | -10.0 / -7.5 |" in shown.out
    assert "beyond tolerance" in shown.out
