"""A simulated earthquake found, reviewed, and its reviews taken for an inventory by both ends."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import geopandas as gpd
import pytest
import shapely
from shapely.geometry import mapping
from typer.testing import CliRunner

from sarlra.catalog.reviews import add_review
from sarlra.cli.app import app
from sarlra.jobs.ask import make_request
from sarlra.jobs.execute import execute, prepare
from sarlra.jobs.plan import search
from sarlra.samples.store import open_dataset
from sarlra.serving.downloads import Shown, detections_of
from sarlra.serving.place import open_place
from sarlra.serving.results import read_results
from sarlra.serving.reviews import Draft, make_review
from sarlra.simulation.world import simulate

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def run(*words: str) -> str:
    done = CliRunner().invoke(app, list(words))
    assert done.exit_code == 0, (done.output, done.exception)
    return done.stdout


def test_reviews_train_and_judge(tmp_path: Path) -> None:
    archive, out, kept = tmp_path / "world", tmp_path / "out", tmp_path / "kept"
    simulate(17, archive, size_px=512, pre_days=60)
    event_file, items = str(archive / "event.geojson"), str(archive / "items.json")
    # Low enough that many windows are shown which are none.
    request = make_request(
        event_file, out=str(out), source=items, dem="none", orbit="ascending", threshold=0.02,
    )  # fmt: skip
    execute(prepare(request, search(request)), "none")
    results = read_results(open_place(str(out)))
    (event,) = results.collections
    table = detections_of(results, event, Shown())
    truth = gpd.read_file(archive / "inventory.gpkg", layer="landslides").to_crs(4326)
    slides = shapely.union_all(truth.geometry.to_numpy())

    # The analyst knows the ground: windows without a landslide are rejected, the others redrawn.
    # Some of each: those first that are cells of the datasets' grid, so that there is background.
    table["cell"] = (table["row"] % 64 == 0) & (table["col"] % 64 == 0)
    table["share"] = table.geometry.intersection(slides).area / table.geometry.area
    table["slide"] = table["share"] > 0
    table = table.sort_values(["cell", "share"], ascending=False).groupby("slide").head(12)
    verdicts = {"redrawn": 0, "rejected": 0}
    for row in table.itertuples():
        drawn = slides.intersection(row.geometry)
        parts = [p for p in getattr(drawn, "geoms", [drawn]) if p.area > 0]
        verdict = "redrawn" if parts else "rejected"
        verdicts[verdict] += 1
        draft = Draft.model_validate({
            "detection": row.id, "verdict": verdict, "reviewer": "A. Sato", "reason": "simulated",
            **({"outline": mapping(shapely.MultiPolygon(parts))} if parts else {}),
        })  # fmt: skip
        add_review(kept, make_review(results, event, draft, NOW))
    assert min(verdicts.values()) >= 4, verdicts
    inventory = tmp_path / "reviewed.gpkg"
    run("review", "export", event, "--reviews", str(kept), "--out", str(inventory))

    judged = json.loads(run("evaluate", str(out), "--truth", str(inventory), "--json"))
    (numbers,) = judged["tracks"].values()
    counts = numbers["patch_natural"]
    # Windows where nobody looked are neither right nor wrong.
    assert 0 < counts["true_positives"] + counts["false_negatives"] <= 4 * verdicts["redrawn"]
    assert 0 < counts["false_positives"] + counts["true_negatives"] < numbers["windows_scored"] / 2

    run("dataset", "build", event_file, "--source", items, "--inventory", str(inventory),
        "--out", str(tmp_path / "patches"), "--orbit", "ascending", "--dem", "none",
        "--cluster", "none")  # fmt: skip
    built = open_dataset(tmp_path / "patches")
    patches = built.table
    assert 0 < patches["landslide"].sum() < len(patches)
    seen = shapely.union_all(table.geometry.to_numpy())
    for patch in patches.itertuples():
        share = patch.geometry.intersection(slides).area / patch.geometry.area
        if patch.landslide:
            assert share == pytest.approx(patch.share, abs=0.03)
        else:
            # Ground that nobody looked at is not taken for ground without a landslide.
            assert share < 0.01
            assert patch.geometry.difference(seen.buffer(1e-5)).area < 1e-12
