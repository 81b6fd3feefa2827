"""A run and its truth, in files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely

from sarlra.catalog.collection import fold
from sarlra.catalog.sink import open_sink
from sarlra.cli import main
from tests.catalog import catalog_world as world
from tests.evaluation.run_world import RECIPE, TILES


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A catalogue of two tiles side by side."""
    folder = tmp_path_factory.mktemp("run") / "out"
    sink = open_sink(str(folder))
    rng = np.random.default_rng(8)
    world.prepare(sink)
    for tile in TILES:
        made = world.result(tile, RECIPE, high=0.4)
        codes = np.kron(rng.choice([0, 0, 0, 0, 0, 1, 4, 255], (64, 64)), np.ones((8, 8)))
        made.composite["visibility"] = (("y", "x"), codes.astype(np.uint8))
        made.publish(sink)
    fold(sink, world.event(), suppress=world.keep_highest)
    return folder


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Landslides over both tiles, the seam and beyond; most of it mapped, some under cloud."""
    rng = np.random.default_rng(11)
    left, bottom, _, top = TILES[0].bounds
    right = TILES[1].bounds[2]
    x, y = rng.uniform(left, right, 90), rng.uniform(bottom, top, 90)
    slides = [
        shapely.affinity.scale(shapely.Point(a, b).buffer(1.0, 4), r * 0.6, r)
        for a, b, r in zip(x, y, rng.lognormal(4.4, 0.8, 90), strict=True)
    ]
    slides.append(shapely.Point(left + 5_120, bottom + 2_000).buffer(180))  # on the seam
    slides.append(shapely.Point(left + 3.0, top - 3.0).buffer(1.0))  # holds no pixel's centre
    slides = [s for n, s in enumerate(slides) if not any(s.intersects(o) for o in slides[:n])]
    file = tmp_path_factory.mktemp("truth") / "inventory.gpkg"
    mapped = shapely.box(left - 500, bottom - 500, right - 1_500, top + 500)
    cloud = shapely.Point(left + 7_000, bottom + 1_000).buffer(700)
    for layer, shapes in (
        ("landslides", slides),
        ("interpreted_area", [mapped]),
        ("cloud", [cloud]),
    ):
        frame = gpd.GeoDataFrame(geometry=shapes, crs=32654).to_crs(4326)
        frame.to_file(file, layer=layer, driver="GPKG")
    return file


def _json(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *args: object
) -> Any:
    monkeypatch.setattr("sys.argv", ["sarlra", "evaluate", *map(str, args), "--json"])
    capsys.readouterr()
    with pytest.raises(SystemExit) as end:
        main()
    assert not end.value.code, capsys.readouterr()
    return json.loads(capsys.readouterr().out)


@pytest.fixture
def evaluate(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Any]:
    return lambda *args: _json(capsys, monkeypatch, *args)
