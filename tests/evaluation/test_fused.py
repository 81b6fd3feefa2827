"""Both directions together against an inventory, against counting window by window."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio

from sarlra.catalog.collection import fold
from sarlra.catalog.sink import open_sink
from sarlra.cli import main
from sarlra.detection.fuse import LIFT
from tests.catalog import catalog_world as world
from tests.evaluation.run_world import RECIPE, TILES, ground


@pytest.fixture(scope="module")
def both_ways(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same tiles on an ascending track too, whose windows have other gaps and scores."""
    folder = tmp_path_factory.mktemp("both") / "out"
    sink = open_sink(str(folder))
    rng = np.random.default_rng(9)
    world.prepare(sink)
    ascending = replace(world.track(), relative_orbit=68, orbit_state="ascending")
    for tile in TILES:
        for seed, way in ((2, world.track()), (5, ascending)):
            made = world.result(tile, RECIPE, high=0.4, seed=seed, track=way)
            codes = np.kron(rng.choice([0, 0, 0, 0, 1, 4], (64, 64)), np.ones((8, 8)))
            made.composite["visibility"] = (("y", "x"), codes.astype(np.uint8))
            gaps = rng.uniform(size=made.lattice["score"].shape) < 0.15
            made.lattice["score"].values[gaps] = np.nan
            found = made.detections.assign(track=way.id, orbit_state=way.orbit_state)
            found = found[~gaps[found["row"] // 32, found["col"] // 32]].reset_index(drop=True)
            types = {"track": "string", "orbit_state": "string"}
            replace(made, detections=found.astype(types)).publish(sink)
    fold(sink, world.event(), suppress=world.keep_highest)
    return folder


def test_fused_windows_are_counted_as_by_hand(
    both_ways: Path, truth: Path, evaluate: Callable[..., Any]
) -> None:
    found = evaluate(both_ways, "--truth", truth)
    assert list(found["tracks"]) == ["T046D", "T068A"]
    layers: dict[str, list[Any]] = {"T046D": [], "T068A": [], "hidden": []}
    for tile in TILES:
        hidden = []
        for track in ("T046D", "T068A"):
            item = next(both_ways.glob(f"items/*{tile.id}_{track}*"))
            with rasterio.open(item / "scores.tif") as raster:
                layers[track].append(raster.read(1).astype(np.float64))
            with rasterio.open(item / "visibility.tif") as raster:
                hidden.append(np.isin(raster.read(1), (1, 2, 3, 4)))
        layers["hidden"].append(hidden[0] & hidden[1])  # seen by neither
    down, up = np.hstack(layers["T046D"]), np.hstack(layers["T068A"])
    hidden = np.hstack(layers["hidden"])
    p = ground(truth)
    slide = p["own"].any(axis=0)
    limit = np.log(0.6 / 0.4)
    odds = {name: np.log(s / (1 - s)) - limit for name, s in (("down", down), ("up", up))}
    both = np.isfinite(down) & np.isfinite(up)
    together = np.where(both, (odds["down"] + odds["up"]) / 2 + LIFT,
                        np.where(np.isfinite(up), odds["up"], odds["down"]))  # fmt: skip
    counted = {name: [0, 0, 0, 0] for name in ("all", "together", "ascending", "descending")}
    for row, col, place in p["windows"]:
        share = (slide & ~hidden)[place].mean()
        if hidden[place].mean() > 0.5 or not (share > 0.05 or not slide[place].any()):
            continue
        for name, margin, needed in (
            ("all", together, np.isfinite(together)), ("together", together, both),
            ("ascending", odds["up"], both), ("descending", odds["down"], both),
        ):  # fmt: skip
            if needed[row, col]:
                counted[name][2 * int(share <= 0.05) + int(margin[row, col] <= 0)] += 1
    assert min(sum(counts) for counts in counted.values()) > 20

    def told(said: dict[str, Any]) -> list[int]:
        names = ("true_positives", "false_negatives", "false_positives", "true_negatives")
        return [said[name] for name in names]

    assert told(found["fused"]["patch_natural"]) == counted["all"]
    for name in ("together", "ascending", "descending"):  # all under 10:1 as they are
        assert told(found["fused"]["seen_by_both"][name]) == counted[name]
    assert found["fused"]["detections"]["recall_counts"][1] > 30


def test_one_direction_has_nothing_fused(
    run: Path, truth: Path, evaluate: Callable[..., Any], capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch, both_ways: Path,
) -> None:  # fmt: skip
    assert evaluate(run, "--truth", truth)["fused"] is None
    monkeypatch.setattr("sys.argv", ["sarlra", "evaluate", str(both_ways), "--truth", str(truth)])
    with pytest.raises(SystemExit):
        main()
    shown = capsys.readouterr().out
    assert "fused" in shown
    assert "both directions saw: ascending 0." in " ".join(shown.split())
