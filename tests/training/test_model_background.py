"""Backgrounds for models from datasets, composites and simulated worlds, by the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from typer.testing import CliRunner

from sarlra.cli.app import app
from sarlra.models.background import read_background
from sarlra.models.registry import default_model, find_model
from sarlra.recipe import make_recipe
from sarlra.samples.store import ARRAYS, COLUMNS, FACTS, KIND, TABLE, write_layer
from sarlra.training import background
from tests.models.shipped_copy import copy_without_background


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return copy_without_background(default_model("VV", "ascending"), tmp_path, "own").path


def _run(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["models", "background", *map(str, arguments), "--json"])


def _dataset(folder: Path) -> np.ndarray:
    """Rows 0, 4, 8 ... are landslides, every third is descending; post VV of row i is -i/4 dB."""
    n = 90
    windows = np.zeros((n, 64, 64, 2), np.float32)
    windows[..., 0] = -np.arange(n)[:, None, None, None][..., 0] / 4
    windows[:, :2, :2] = np.nan
    recipe = make_recipe(polarisations=("VV",))
    folder.mkdir()
    write_layer(folder, recipe, n, [windows])
    assert (folder / ARRAYS).is_dir()
    table: dict[str, Any] = {name: np.zeros(n) for name in COLUMNS}
    table["landslide"] = np.arange(n) % 4 == 0
    table["orbit_state"] = np.where(np.arange(n) % 3 == 2, "descending", "ascending")
    table["has_VV"] = np.arange(n) != 1
    frame = gpd.GeoDataFrame(table, geometry=[shapely.box(0, 0, 1, 1)] * n, crs=4326)
    frame.to_parquet(folder / TABLE)
    (folder / FACTS).write_text(json.dumps({"kind": KIND, "layers": ["VV/60-12"]}))
    i = np.arange(n)
    return i[(i % 4 != 0) & (i % 3 != 2) & (i != 1)]


def test_background_patches_of_a_dataset_are_taken(model: Path, tmp_path: Path) -> None:
    rows = _dataset(tmp_path / "patches")
    done = _run(model, "--dataset", tmp_path / "patches")
    assert done.exit_code == 0, (done.output, done.exception)
    assert json.loads(done.stdout)["windows"] == len(rows)
    found = read_background(find_model(str(model)))
    assert found is not None
    assert found.shape == (len(rows), 64, 64, 2)
    np.testing.assert_allclose(found[:, 0, 0, 0], -rows[::-1] / 4)  # dark first; filled
    assert not found[..., 1].any()
    other = _run(model, "--dataset", tmp_path / "patches", "--buffers", "12-12")
    assert "has no VV/12-12" in str(other.exception)


def test_quiet_windows_of_a_composite_are_taken(model: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    values = np.stack([rng.normal(-9, 2, (512, 512)), rng.normal(0, 1, (512, 512))])
    values[1, 128:] *= 5  # only the upper quarter is quiet
    values[0, :64, :256] -= 6
    file = tmp_path / "composite.tif"
    with rasterio.open(
        file, "w", driver="GTiff", count=2, dtype="float32", height=512, width=512
    ) as raster:
        raster.write(values.astype(np.float32))
    assert _run(model, "--composite", file).exit_code == 0
    found = read_background(find_model(str(model)))
    assert found is not None
    assert len(found) == 16
    assert 0.9 < found[..., 1].std() < 1.1
    level = found[..., 0].mean(axis=(1, 2))
    assert (np.diff(level) >= -0.02).all()
    np.testing.assert_allclose(level, [-15] * 4 + [-9] * 12, atol=0.2)


@pytest.mark.slow
def test_simulated_worlds_give_windows_in_which_nothing_slid(model: Path) -> None:
    info = find_model(str(model))
    (found,) = background.from_simulation([info], size_px=512)
    assert found.shape == (64, 64, 64, 2)
    assert np.isfinite(found).all()
    assert abs(float(found[..., 1].mean())) < 1.0
    assert -25 < float(found[..., 0].mean()) < -5


def test_one_source_is_named(model: Path) -> None:
    for given in ((), ("--simulated", "--composite", "x.tif")):
        assert "give one of" in str(_run(model, *given).exception)


def test_a_composite_is_of_one_model() -> None:
    assert "for one model, not for 2" in str(_run("a", "b", "--dataset", "x").exception)
