"""``sarlra inventory`` and ``sarlra dataset`` as a person uses them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import rasterio
from affine import Affine

from sarlra.samples.store import open_dataset
from sarlra.simulation.world import simulate
from tests.conftest import ROOT

Run = Callable[..., object]


def test_inventory_show_and_clean(sarlra: Run, shared_data: Path, tmp_path: Path) -> None:
    file = shared_data / "inventories" / "noto2024.gpkg"
    shown = sarlra("inventory", "show", file, "--json")
    facts = json.loads(shown.out)
    assert facts["landslides"] == 2345
    assert facts["area_km2"] == pytest.approx(8.86, abs=0.005)
    left, _, _, top = gpd.read_file(file, layer="landslides").to_crs(32653).total_bounds
    with rasterio.open(
        tmp_path / "v.tif",
        "w",
        driver="GTiff",
        dtype="uint8",
        count=1,
        width=700,
        height=700,
        crs=32653,
        transform=Affine(100, 0, left, 0, -100, top),
    ) as mask:
        codes = np.zeros((700, 700), np.uint8)
        codes[:, ::2] = 1
        mask.write(codes, 1)  # fmt: skip
    cleaned = sarlra("inventory", "clean", file, "--visibility", tmp_path / "v.tif",
                     "--out", tmp_path / "c.gpkg", "--json")  # fmt: skip
    facts = json.loads(cleaned.out)
    assert cleaned.code == 0
    assert facts["before"]["landslides"] == 2345
    assert facts["area_km2"] == pytest.approx(8.86 / 2, rel=0.1)
    assert facts["mapped_km2"] == pytest.approx(2151.5, abs=1)
    assert len(gpd.read_file(tmp_path / "c.gpkg", layer="landslides")) == facts["landslides"]
    text = sarlra("inventory", "show", tmp_path / "c.gpkg")
    assert "visible_share" in text.out


def test_mistakes_are_said_and_leave_nothing(sarlra: Run, tmp_path: Path) -> None:
    points = gpd.GeoDataFrame(geometry=gpd.points_from_xy([1.0], [2.0]), crs=4326)
    points.to_file(tmp_path / "p.gpkg")
    for arguments in (
        ("inventory", "show", tmp_path / "p.gpkg"),
        ("inventory", "clean", tmp_path / "p.gpkg", "--visibility", "v.tif", "--out", "o.gpkg"),
        ("dataset", "show", tmp_path),
        ("dataset", "build", "gorkha", "--inventories", tmp_path, "--out", tmp_path / "out"),
        ("dataset", "build", tmp_path, "--out", tmp_path / "out"),
        ("dataset", "build", tmp_path, "--buffers", "soon", "--out", tmp_path / "out"),
    ):
        ended = sarlra(*arguments)
        assert ended.code == 2, arguments
        assert "error" in ended.err
        assert "hint" in ended.err
        assert "Traceback" not in ended.err
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_build_show_and_the_flow_agree(sarlra: Run, tmp_path: Path) -> None:
    simulate(7, tmp_path / "world", size_px=768, pre_days=60)
    built = sarlra("dataset", "build", tmp_path / "world", "--pol", "VV_VH", "--out",
                   tmp_path / "a", "--json")  # fmt: skip
    assert built.code == 0, built.err
    facts = json.loads(built.out)
    shown = sarlra("dataset", "show", tmp_path / "a", "--json")
    assert json.loads(shown.out)["counts"] == facts["counts"]
    assert (tmp_path / "a" / "sheet.png").read_bytes().startswith(b"\x89PNG")
    assert "landslide" in sarlra("dataset", "show", tmp_path / "a").out
    wrong = sarlra("dataset", "show", tmp_path / "a", "--layer", "VV/1-1")
    assert wrong.code == 2
    quiet = {"PREFECT_HOME": str(tmp_path / "prefect"), "PREFECT_LOGGING_LEVEL": "ERROR"}
    done = subprocess.run(
        [sys.executable, ROOT / "flows" / "dataset.py", tmp_path / "world", "--pol", "VV_VH",
         "--out", tmp_path / "b"],
        env=os.environ | quiet, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    a, b = open_dataset(tmp_path / "a"), open_dataset(tmp_path / "b")
    assert a.facts == b.facts
    assert a.table.equals(b.table)
