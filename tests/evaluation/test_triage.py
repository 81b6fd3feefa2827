"""Triage against lengths, sums and counts worked out by hand."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine
from typer.testing import CliRunner

from sarlra.cli.app import app
from sarlra.errors import InputError
from sarlra.evaluation.triage import Exposure, triage

UTM = 32654
LEFT, TOP = 563_200.0, 4_728_320.0


def detections(scores: list[float]) -> gpd.GeoDataFrame:
    """Squares of 640 m in a row, 2 km apart."""
    squares = [shapely.box(LEFT + 2000 * n, TOP - 640, LEFT + 2000 * n + 640, TOP)
               for n in range(len(scores))]  # fmt: skip
    shapes = gpd.GeoSeries(squares, crs=UTM).to_crs(4326)
    return gpd.GeoDataFrame(
        {"id": [f"d{n}" for n in range(len(scores))], "score": scores, "epsg": UTM},
        geometry=shapes, crs=4326,
    )  # fmt: skip


@pytest.fixture
def roads(tmp_path: Path) -> Path:
    """One along the whole first square, and one that passes the second 100 m to the south."""
    lines = [
        shapely.LineString([(LEFT - 500, TOP - 300), (LEFT + 1140, TOP - 300)]),
        shapely.LineString([(LEFT + 2000, TOP - 740), (LEFT + 2640, TOP - 740)]),
    ]
    path = tmp_path / "roads.gpkg"
    gpd.GeoDataFrame(geometry=lines, crs=UTM).to_crs(3857).to_file(path)
    return path


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """Ten people per pixel of 100 m in the eastern half; no data in the north."""
    path = tmp_path / "people.tif"
    values = np.zeros((40, 80), np.float32)
    values[:, 40:] = 10
    values[:5] = -9999
    with rasterio.open(
        path, "w", driver="GTiff", width=80, height=40, count=1, dtype="float32", crs=UTM,
        transform=Affine(100, 0, LEFT - 1000, 0, -100, TOP + 1000), nodata=-9999,
    ) as raster:  # fmt: skip
        raster.write(values, 1)
    return path


def test_lengths_within_reach(roads: Path) -> None:
    found = triage(detections([0.9, 0.8, 0.7]), (Exposure("roads", roads),), 0.0)
    by_id = found.set_index("id")
    ids = ["d0", "d1", "d2"]
    assert by_id.loc[ids, "hit_roads"].tolist() == pytest.approx([640, 0, 0], abs=1)
    assert found["id"].tolist() == ["d0", "d1", "d2"]
    assert by_id.loc["d0", "priority"] == pytest.approx(0.9)
    assert by_id.loc["d0", "priority_why"] == "640 m of roads"
    reached = triage(detections([0.5, 0.9, 0.95]), (Exposure("roads", roads),), 150.0)
    by_id = reached.set_index("id")
    # A square grown by 150 m: 940 m of the first; of the second the whole line of 640 m.
    assert by_id.loc[ids, "hit_roads"].tolist() == pytest.approx([940, 640, 0], abs=2)
    assert by_id.loc["d1", "priority"] == pytest.approx(0.9 * 640 / 940, abs=0.01)
    assert reached["priority_rank"].tolist() == [1, 2, 3]
    assert reached["id"].tolist() == ["d1", "d0", "d2"]  # the third hits nothing


def test_people_of_a_raster_and_of_points(people: Path, tmp_path: Path) -> None:
    table = detections([0.9, 0.8, 0.7])
    found = triage(table, (Exposure("people", people),), 0.0).set_index("id")
    with rasterio.open(people) as raster:
        values = raster.read(1)
        rows, cols = np.indices(values.shape)
        xs, ys = raster.transform @ (cols + 0.5, rows + 0.5)
    for number, name in enumerate(["d0", "d1", "d2"]):
        left = LEFT + 2000 * number
        inside = (xs > left) & (xs < left + 640) & (ys < TOP) & (ys > TOP - 640)
        assert found.loc[name, "hit_people"] == values[inside & (values > 0)].sum()
    points = gpd.GeoDataFrame(
        {"n": [5, 7, -3]},
        geometry=gpd.points_from_xy([LEFT + 10, LEFT + 20, LEFT + 30], [TOP - 10] * 3), crs=UTM,
    )  # fmt: skip
    path = tmp_path / "homes.parquet"
    points.to_parquet(path)
    counted = triage(table, (Exposure("homes", path),), 0.0).set_index("id")
    assert counted.loc["d0", "hit_homes"] == 3
    summed = triage(table, (Exposure("homes", path, "n"),), 0.0).set_index("id")
    assert summed.loc["d0", "hit_homes"] == 12


def test_weights_and_probability_decide(roads: Path, people: Path) -> None:
    table = detections([0.9, 0.9, 0.9])
    both = (Exposure("roads", roads), Exposure("people", people, weight=9.0))
    assert triage(table, both, 0.0)["id"][0] == "d2"
    both = (Exposure("roads", roads, weight=9.0), Exposure("people", people))
    assert triage(table, both, 0.0)["id"][0] == "d0"
    table["probability"] = [0.01, 0.9, 0.9]
    assert triage(table, both, 0.0).set_index("id").loc["d0", "priority"] < 0.02


def test_layers_that_cannot_be_used(tmp_path: Path, roads: Path) -> None:
    table = detections([0.9])
    with pytest.raises(InputError, match="nothing to rank"):
        triage(table, (), 0.0)
    broken = tmp_path / "broken.gpkg"
    broken.write_text("no")
    with pytest.raises(InputError, match="cannot be read"):
        triage(table, (Exposure("x", broken),), 0.0)
    picture = tmp_path / "broken.tif"
    picture.write_text("<VRTDataset/>")
    with pytest.raises(InputError, match="GeoTIFF"):
        triage(table, (Exposure("x", picture),), 0.0)
    gpd.GeoDataFrame(geometry=[shapely.Point(0, 0)]).to_file(tmp_path / "bare.gpkg")
    with pytest.raises(InputError, match="CRS"):
        triage(table, (Exposure("x", tmp_path / "bare.gpkg"),), 0.0)
    with pytest.raises(InputError, match="no column"):
        triage(table, (Exposure("x", roads, "people"),), 0.0)
    empty = triage(detections([]), (Exposure("roads", roads),), 0.0)
    assert len(empty) == 0


def test_command_and_what_the_server_shows(tmp_path: Path, roads: Path, people: Path) -> None:
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "serving"))
    import viewer_world
    from serving_world import EVENT
    from starlette.testclient import TestClient

    from sarlra.serving.app import make_app
    from sarlra.serving.downloads import read_triage
    from sarlra.serving.place import open_place
    from sarlra.serving.results import read_results

    folder, out = tmp_path / "out", tmp_path / "triage.geojson"
    viewer_world.make(folder)
    words = ["triage", str(folder), EVENT, "--roads", str(roads), "--people", str(people),
             "--weight", "people=2"]  # fmt: skip
    done = CliRunner().invoke(app, [*words, "--out", str(out)])
    assert done.exit_code == 0, (done.output, done.exception)
    ranked = json.loads(out.read_text())["features"]
    assert [f["properties"]["priority_rank"] for f in ranked] == list(range(1, len(ranked) + 1))
    results = read_results(open_place(str(folder)))
    client = TestClient(make_app(results, ranked=read_triage(out)), "http://localhost")
    shown = client.get(f"/detections/{EVENT}.geojson").json()["features"]
    ranks = {f["properties"]["id"]: f["properties"]["priority_rank"] for f in ranked}
    assert {f["properties"]["id"]: f["properties"]["priority_rank"] for f in shown} == ranks
    for bad in (["--weight", "none=2"], ["--layer", "x"], ["--layer", "x=none.gpkg"],
                ["--weight", "people=x"]):  # fmt: skip
        done = CliRunner().invoke(app, [*words, *bad, "--out", str(out)])
        assert isinstance(done.exception, InputError), bad
    done = CliRunner().invoke(app, [*words, "--out", str(tmp_path / "x.shp")])
    assert isinstance(done.exception, InputError)
    with pytest.raises(InputError, match="no triage"):
        read_triage(roads)
