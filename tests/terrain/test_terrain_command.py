"""`sarlra terrain` as a user runs it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
import rasterio
from rasterio.warp import transform
from rasterio.windows import Window
from rio_cogeo.cogeo import cog_validate

from sarlra.cli import main
from sarlra.terrain.annotation import read_annotation

NAMES = ("slope", "aspect", "incidence", "visibility")


def run(monkeypatch, capsys, *arguments: object) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["sarlra", "terrain", *map(str, arguments)])
    capsys.readouterr()
    try:
        main()
        code = 0
    except SystemExit as end:
        code = int(end.code or 0)
    printed = capsys.readouterr()
    return code, printed.out, printed.err


@pytest.fixture
def hill(tmp_path: Path) -> Path:
    """A ridge that runs north, gentle to the west and steep to the east, on a grid of its own."""
    x = (np.arange(300) + 0.5) * 12.5
    heights = np.minimum((x - 300) * 0.4, (3000 - x) * 1.1).clip(0).astype(np.float32)
    heights = np.tile(heights, (200, 1))
    heights[150:, :40] = -9999
    path = tmp_path / "hill.tif"
    with rasterio.open(
        path, "w", driver="GTiff", dtype="float32", count=1, height=200, width=300, nodata=-9999,
        crs="EPSG:2193", transform=rasterio.Affine(12.5, 0, 1_600_000, 0, -12.5, 5_400_000),
    ) as dataset:  # fmt: skip
        dataset.write(heights, 1)
    return path


def test_both_directions_are_compared(hill: Path, tmp_path: Path, monkeypatch, capsys) -> None:
    out = tmp_path / "out"
    code, printed, _ = run(monkeypatch, capsys, hill, "--out", out, "--json")
    assert code == 0
    facts = json.loads(printed)
    # Descending passes look west and meet the steep flank, which they lay over.
    assert facts["better"] == facts["written"] == "ascending"
    assert facts["directions"]["descending"]["shares"]["active layover"] > 0.1
    assert facts["directions"]["ascending"]["shares"]["active layover"] < 0.001
    for found in facts["directions"].values():
        assert sum(found["shares"].values()) == pytest.approx(1.0)
    bands = {}
    for name in NAMES:
        assert cog_validate(out / f"{name}.tif")[0]
        with rasterio.open(hill) as dem, rasterio.open(out / f"{name}.tif") as layer:
            assert (layer.crs, layer.transform, layer.shape) == (dem.crs, dem.transform, dem.shape)
            bands[name] = layer.read(1)
            assert layer.dtypes == ("uint8",) if name == "visibility" else ("float32",)
    void = bands["visibility"] == 255
    assert 30 * 20 < void.sum() < 50 * 40
    assert np.isnan(bands["incidence"][void]).all()
    west, east = bands["slope"][60, 60], bands["slope"][60, 200]
    assert west == pytest.approx(np.rad2deg(np.arctan(0.4)), abs=0.01)
    assert east == pytest.approx(np.rad2deg(np.arctan(1.1)), abs=0.01)
    assert bands["aspect"][60, 60] == pytest.approx(270.0, abs=0.1)
    assert bands["aspect"][60, 200] == pytest.approx(90.0, abs=0.1)
    # Which direction sees a pixel, from the two runs that write each.
    code, _, _ = run(monkeypatch, capsys, hill, "--out", tmp_path / "down",
                     "--heading", facts["directions"]["descending"]["heading"],
                     "--incidence", 38.9)  # fmt: skip
    assert code == 0
    with rasterio.open(tmp_path / "down" / "visibility.tif") as layer:
        down = layer.read(1)
    with rasterio.open(out / "better.tif") as layer:
        better = layer.read(1)
    expected = np.select(
        [void, (bands["visibility"] == 0) & (down == 0), bands["visibility"] == 0, down == 0],
        [255, 0, 1, 2], 3,
    )  # fmt: skip
    assert (better == expected).mean() > 0.999
    assert {1} < set(np.unique(better)) <= {0, 1, 2, 3, 255}
    assert (out / "visibility.png").read_bytes().startswith(b"\x89PNG")
    known = bands["visibility"][~void]
    for code, name in ((0, "visible"), (2, "passive layover"), (3, "active shadow")):
        expected = facts["directions"]["ascending"]["shares"][name]
        assert (known == code).mean() == pytest.approx(expected, abs=1e-9)


def test_heading_is_obeyed(hill: Path, tmp_path: Path, monkeypatch, capsys) -> None:
    out = tmp_path / "out"
    options = ("--heading", 193, "--incidence", 36)
    code, printed, _ = run(monkeypatch, capsys, hill, *options, "--out", out)
    assert code == 0
    assert "active layover" in printed
    assert "ascending passes see the slopes over 20 degrees better" in " ".join(printed.split())
    with rasterio.open(out / "visibility.tif") as layer:
        assert (layer.read(1) == 1).mean() > 0.1
    with rasterio.open(out / "incidence.tif") as layer:
        assert layer.read(1)[60, 60] == pytest.approx(36.0, abs=0.05)


def test_a_slope_is_looked_at_from_both_directions(
    hill: Path, tmp_path: Path, monkeypatch, capsys
) -> None:
    def at(column: int) -> dict[str, object]:
        with rasterio.open(hill) as dem:
            x, y = dem.xy(60, column)
            lon, lat = transform(dem.crs, 4326, [x], [y])
        place = f"{lon[0]},{lat[0]}"
        code, printed, _ = run(
            monkeypatch, capsys, hill, "--out", tmp_path / "o", f"--at={place}", "--json"
        )
        assert code == 0
        return json.loads(printed)["slope"]

    west, east = at(60), at(200)
    # 21.8 deg to the west, 47.7 to the east; ascending passes stand in the west, to the sight
    # line's 38.9 deg of incidence: 38.9 - 21.8 = 17.1 deg but for the heading.
    assert west["slope"] == pytest.approx(21.8, abs=0.05)
    assert west["aspect"] == pytest.approx(270.0, abs=0.2)
    up, down = ({v["name"]: v for v in found["views"]} for found in (west, east))
    assert up["ascending"]["local_incidence"] == pytest.approx(17.7, abs=1.0)
    assert up["descending"]["local_incidence"] == pytest.approx(60.3, abs=1.0)
    assert west["better"] == "descending"
    assert down["descending"]["visibility"] == "active layover"
    assert down["ascending"]["local_incidence"] > 80
    assert east["better"] is None  # laid over from one side, grazing from the other
    for bad in ("1", "a,b", "200,0", "172.5,-41.0"):
        code, printed, _ = run(
            monkeypatch, capsys, hill, "--out", tmp_path / "x", f"--at={bad}", "--json"
        )
        assert code == 2, bad
        assert json.loads(printed)["error"]["code"] == "terrain"
    assert not (tmp_path / "x").exists()


def test_the_real_island_from_both_directions(
    shared_data: Path, tmp_path: Path, monkeypatch, capsys
) -> None:
    """The figures asked for: 99 % of active layover faces the radar, shares of land by class."""
    island = tmp_path / "island.tif"
    with rasterio.open(next((shared_data / "dem").glob("*.tif"))) as tile:
        part = Window(1640, 2080, 1100, 1460)
        profile = tile.profile | {"width": part.width, "height": part.height, "driver": "GTiff",
                                  "transform": tile.window_transform(part)}  # fmt: skip
        with rasterio.open(island, "w", **profile) as copy:
            copy.write(tile.read(window=part))
    code, printed, _ = run(
        monkeypatch, capsys, island, "--incidence", 31, "--out", tmp_path / "o", "--json"
    )
    assert code == 0
    facts = json.loads(printed)
    for found in facts["directions"].values():
        assert found["layover_facing"] >= 0.99
        assert sum(found["land"].values()) == pytest.approx(1.0)
        assert 0.02 < found["land"]["active layover"] < 0.05
    assert facts["better"] == "descending"
    picture = plt.imread(tmp_path / "o" / "visibility.png")
    orange = (np.abs(picture[..., :3] - np.array([0.835, 0.369, 0.0])) < 0.15).all(axis=-1)
    assert orange.sum() > 500


def test_annotation_and_a_dem_in_degrees(
    shared_data: Path, tmp_path: Path, monkeypatch, capsys
) -> None:
    annotation = next((shared_data / "s1-annotation").glob("*-vv-*.xml"))
    lon, lat = 10.6, 46.6
    path = tmp_path / "alps.tif"
    with rasterio.open(
        path, "w", driver="GTiff", dtype="float32", count=1, height=120, width=120,
        crs="EPSG:4326", transform=rasterio.Affine(1 / 3600, 0, lon, 0, -1 / 3600, lat),
    ) as dataset:  # fmt: skip
        dataset.write(np.full((120, 120), 1000, np.float32), 1)
    out = tmp_path / "out"
    options = ("--annotation", annotation, "--out", out, "--json")
    code, printed, _ = run(monkeypatch, capsys, path, *options)
    assert code == 0
    facts = json.loads(printed)
    assert facts["written"] == "descending"
    assert facts["better"] is None  # level ground
    with rasterio.open(out / "incidence.tif") as layer:
        assert layer.crs.to_epsg() == 32632
        incidence = layer.read(1)
    points = read_annotation(annotation).grid
    far = np.hypot((points.longitude - lon) * 0.7, points.latitude - lat)
    nearest = points.incidence.ravel()[far.argmin()]
    assert np.nanmedian(incidence) == pytest.approx(nearest, abs=0.7)
    island = next((shared_data / "dem").glob("*.tif"))
    code, printed, _ = run(monkeypatch, capsys, island, *options)
    assert code == 2
    assert "the DEM lies at" in json.loads(printed)["error"]["message"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("absent.tif",), "absent.tif"),
        (("HILL", "--heading", "193"), "--incidence"),
        (("HILL", "--heading", "193", "--incidence", "95"), "between 5 and 80"),
        (("HILL", "--annotation", "HILL"), "no product annotation"),
        (("HILL", "--annotation", "x.xml", "--heading", "193"), "not both"),
    ],
)
def test_bad_input_is_named(
    arguments: tuple[str, ...], words: str, hill: Path, tmp_path: Path, monkeypatch, capsys
) -> None:
    given = [str(hill) if text == "HILL" else text for text in arguments]
    out = tmp_path / "out"
    code, printed, _ = run(monkeypatch, capsys, *given, "--out", out, "--json")
    assert code == 2
    error = json.loads(printed)["error"]
    assert error["code"] == "terrain"
    assert words in error["message"]
    assert not out.exists()


def test_a_dem_of_voids(hill: Path, tmp_path: Path, monkeypatch, capsys) -> None:
    with rasterio.open(hill, "r+") as dataset:
        dataset.write(np.full(dataset.shape, -9999, np.float32), 1)
    code, printed, _ = run(monkeypatch, capsys, hill, "--out", tmp_path / "out", "--json")
    assert code == 2
    assert "all of it is void" in json.loads(printed)["error"]["message"]
