"""Reviews: kept as versions, written with a token only, exported as an inventory."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import geopandas as gpd
import pystac
import pytest
import shapely
from serving_world import EVENT
from shapely.geometry import mapping, shape
from starlette.testclient import TestClient
from typer.testing import CliRunner

from sarlra.catalog.reviews import add_review, current_reviews, read_reviews
from sarlra.catalog.validate import validate_document
from sarlra.cli.app import app
from sarlra.errors import InputError
from sarlra.inventories.read import read_inventory
from sarlra.serving.app import make_app
from sarlra.serving.downloads import Shown, detections_of
from sarlra.serving.results import Results
from sarlra.serving.reviews import Draft, ReviewDesk, make_review

TOKEN = "a-long-token-for-tests-0123456789"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
FAR = {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]}
NOW = datetime(2018, 9, 20, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def table(mapped: Results) -> gpd.GeoDataFrame:
    return detections_of(mapped, EVENT, Shown())


def client_of(results: Results, desk: ReviewDesk | None) -> TestClient:
    return TestClient(make_app(results, desk=desk), "http://localhost")


def draft(table: gpd.GeoDataFrame, row: int = 0, **changes: Any) -> dict[str, Any]:
    plain = {
        "detection": table["id"][row], "verdict": "confirmed", "reviewer": "A. Sato",
        "reason": "scar on the aerial photograph",
    }  # fmt: skip
    return {**plain, **changes}


def inner(table: gpd.GeoDataFrame, row: int) -> dict[str, Any]:
    """A triangle within a window."""
    west, south, east, north = table.geometry[row].bounds
    w, h = east - west, north - south
    points = [(0.2, 0.2), (0.7, 0.3), (0.4, 0.8)]
    return dict(mapping(shapely.Polygon([(west + x * w, south + y * h) for x, y in points])))


def test_off_unless_asked_for(mapped: Results, table: gpd.GeoDataFrame, tmp_path: Path) -> None:
    without = client_of(mapped, None)
    assert without.get("/config.json").json()["reviews"] is False
    assert without.get(f"/reviews/{EVENT}").status_code == 404
    assert without.post(f"/reviews/{EVENT}", json=draft(table), headers=BEARER).status_code == 404
    reading = client_of(mapped, ReviewDesk(tmp_path / "r"))
    assert reading.get(f"/reviews/{EVENT}").json()["features"] == []
    assert reading.post(f"/reviews/{EVENT}", json=draft(table), headers=BEARER).status_code == 405
    assert not (tmp_path / "r").exists()
    with pytest.raises(InputError, match="at least 16"):
        ReviewDesk(tmp_path, "short")


def test_versions_are_stac_items_of_their_own(
    mapped: Results, table: gpd.GeoDataFrame, tmp_path: Path
) -> None:
    client = client_of(mapped, ReviewDesk(tmp_path / "r", TOKEN))
    for headers in ({}, {"Authorization": "Bearer wrong-token-0123456789"},
                    {"Authorization": f"Basic {TOKEN}"}):  # fmt: skip
        answer = client.post(f"/reviews/{EVENT}", json=draft(table), headers=headers)
        assert answer.status_code == 401
    assert not (tmp_path / "r").exists()
    for body in (draft(table), draft(table, verdict="redrawn", outline=inner(table, 0)),
                 draft(table, 1, verdict="rejected", reason="rice field")):  # fmt: skip
        answer = client.post(f"/reviews/{EVENT}", json=body, headers=BEARER)
        assert answer.status_code == 201, answer.text
    shown = client.get(f"/reviews/{EVENT}").json()["features"]
    assert [f["properties"]["verdict"] for f in shown] != []
    by_detection = {f["properties"]["detection"]: f for f in shown}
    redrawn = by_detection[table["id"][0]]
    assert redrawn["properties"]["version"] == "2"
    assert shape(redrawn["geometry"]).equals(shape(inner(table, 0)))
    assert by_detection[table["id"][1]]["properties"]["reason"] == "rice field"
    documents = read_reviews(tmp_path / "r", EVENT)
    assert len(documents) == 3  # nothing was written over
    assert len(current_reviews(documents)) == 2
    for document in documents:
        validate_document(document)
        served = client.get(f"/reviews/{EVENT}/{document['id']}")
        assert served.json() == document
    second = next(d for d in documents if d["properties"]["version"] == "2")
    assert [x["rel"] for x in second["links"]][-1] == "predecessor-version"
    # pystac walks the static collection.
    collection = pystac.Collection.from_file(str(tmp_path / "r" / EVENT / "collection.json"))
    assert len(list(collection.get_items())) == 3
    assert set(collection.extra_fields["sarlra:current"]) == {f["id"] for f in shown}


@pytest.mark.parametrize(
    "change",
    [
        {"detection": "T046D.32654E0220N1846.1.1"},
        {"detection": "../../etc/passwd"},
        {"verdict": "maybe"},
        {"reviewer": ""},
        {"reviewer": " "},
        {"reason": "x" * 3000},
        {"verdict": "redrawn"},
        {"outline": {"type": "Point", "coordinates": [0, 0]}},
        {"verdict": "redrawn", "outline": {"type": "Polygon", "coordinates": "x"}},
        {"verdict": "redrawn", "outline": FAR},
        {"verdict": "redrawn", "outline": {}},
    ],
)  # fmt: skip
def test_what_is_no_review_is_told_so(
    mapped: Results, table: gpd.GeoDataFrame, tmp_path: Path, change: dict[str, Any]
) -> None:
    client = client_of(mapped, ReviewDesk(tmp_path / "r", TOKEN))
    answer = client.post(f"/reviews/{EVENT}", json=draft(table, **change), headers=BEARER)
    assert answer.status_code in (400, 422), answer.text
    assert read_reviews(tmp_path / "r", EVENT) == []
    assert client.post("/reviews/other", json=draft(table), headers=BEARER).status_code == 404


def test_writers_at_once_get_versions_of_their_own(
    mapped: Results, table: gpd.GeoDataFrame, tmp_path: Path
) -> None:
    review = make_review(mapped, EVENT, Draft.model_validate(draft(table)), NOW)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: add_review(tmp_path, review)["id"], range(8)))
    assert len(set(found)) == 8
    assert len(read_reviews(tmp_path, EVENT)) == 8


def test_a_file_of_the_page_becomes_an_inventory(
    mapped_folder: Path, table: gpd.GeoDataFrame, tmp_path: Path
) -> None:
    """Import, list, export by the command line; the inventory is one that others read."""
    bodies = [
        draft(table, 0, at="2018-09-20T12:00:00.000Z"),
        draft(table, 1, verdict="rejected", at="2018-09-20T12:01:00.000Z"),
        draft(table, 2, verdict="redrawn", at="2018-09-20T12:02:00.000Z"),
    ]
    shapes = [mapping(table.geometry[0]), mapping(table.geometry[1]), inner(table, 2)]
    features = [
        {"type": "Feature", "geometry": g, "properties": b}
        for g, b in zip(shapes, bodies, strict=True)
    ]
    file, kept = tmp_path / "drafts.geojson", tmp_path / "kept"
    file.write_text(json.dumps({"type": "FeatureCollection", "features": features}))

    def run(*words: str) -> str:
        done = CliRunner().invoke(app, ["review", *words, "--reviews", str(kept)])
        assert done.exit_code == 0, (done.output, done.exception)
        return done.output

    assert "3 of 3" in run("import", str(mapped_folder), EVENT, str(file))
    assert "0 of 3" in run("import", str(mapped_folder), EVENT, str(file))
    assert "3 reviews" in run("list", EVENT)
    added = ["add", str(mapped_folder), EVENT, table["id"][3], "--verdict", "rejected"]
    run(*added, "--by", "B", "--why", "felled forest")
    listed = json.loads(run("list", EVENT, "--json"))["reviews"]
    assert {r["sarlra:verdict"] for r in listed} == {"confirmed", "rejected", "redrawn"}
    assert all(r["datetime"].startswith("20") for r in listed)

    out = tmp_path / "inventory.gpkg"
    run("export", EVENT, "--out", str(out))
    inventory = read_inventory(out)
    assert sorted(inventory.landslides["verdict"]) == ["confirmed", "redrawn"]
    # The package rounds nothing that matters; where somebody looked are the four windows.
    looked = shapely.union_all(list(table.geometry[:4]))
    assert inventory.mapped is not None
    assert inventory.mapped.covers(looked)
    assert inventory.mapped.difference(looked).area < 2e-7  # a margin of 1e-6 degrees
    run("export", EVENT, "--out", str(tmp_path / "drawn.gpkg"), "--drawn-only")
    drawn = read_inventory(tmp_path / "drawn.gpkg")
    assert drawn.landslides["verdict"].tolist() == ["redrawn"]
    assert drawn.mapped is not None
    assert not drawn.mapped.contains(table.geometry[0].centroid)
    done = CliRunner().invoke(app, ["review", "export", "none", "--out", str(out), "--reviews",
                                    str(kept)])  # fmt: skip
    assert isinstance(done.exception, InputError)


def test_evaluate_takes_the_inventory(
    mapped_folder: Path, mapped: Results, table: gpd.GeoDataFrame, tmp_path: Path
) -> None:
    for row, verdict in enumerate(["confirmed", "rejected", "confirmed", "rejected"]):
        review = Draft.model_validate(draft(table, row, verdict=verdict))
        add_review(tmp_path / "kept", make_review(mapped, EVENT, review, NOW))
    out = tmp_path / "inventory.gpkg"
    runner = CliRunner()
    done = runner.invoke(app, ["review", "export", EVENT, "--reviews", str(tmp_path / "kept"),
                               "--out", str(out)])  # fmt: skip
    assert done.exit_code == 0, done.output
    done = runner.invoke(app, ["evaluate", str(mapped_folder), "--truth", str(out), "--json"])
    assert done.exit_code == 0, (done.output, done.exception)
    assert json.loads(done.stdout)
