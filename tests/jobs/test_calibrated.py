"""A model that says what it has seen and how its scores become probabilities, on real scenes."""

from __future__ import annotations

import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest

from sarlra.jobs.ask import make_request
from sarlra.jobs.execute import execute, prepare
from sarlra.jobs.plan import search
from sarlra.models.calibration import apply
from sarlra.models.card import Calibration, Domain
from sarlra.models.registry import find_model

CALIBRATION = Calibration(
    slope=1.2, intercept=0.3, fitted_on="a test", brier_before=0.2, brier_after=0.1, samples=100
)


def _model(folder: Path, domain: Domain) -> Path:
    """The shipped model under another card."""
    shipped = find_model("sim-cnn32-vv-vh-ascending")
    card = {**shipped.card, "name": "carded", "calibration": CALIBRATION.model_dump(mode="json"),
            "domain": domain.model_dump(mode="json")}  # fmt: skip
    (folder / "carded.keras").write_bytes(shipped.path.read_bytes())
    (folder / "carded.json").write_text(json.dumps(card))
    return folder / "carded.keras"


@pytest.mark.parametrize("seen", [True, False])
def test_items_say_whether_the_model_has_seen_such_a_scene(
    seen: bool, shared_data: Path, tmp_path: Path
) -> None:
    wide = (-40.0, 30.0)
    bands = {"post_vv": wide, "post_vh": wide, "diff_vv": wide, "diff_vh": wide}
    if not seen:
        bands["post_vh"] = (-2.0, 0.0)
    domain = Domain(n_pre=(4, 6), n_post=(2, 3), incidence=(20, 50), bands=bands)
    request = make_request(
        None,
        out=str(tmp_path / "out"),
        source=str(shared_data / "opera-rtc-s1" / "items.json"),
        origin=("2023-12-10T00:00:00Z",),
        aoi="-119.849,34.765,-119.817,34.791",
        model=str(_model(tmp_path, domain)),
        threshold=0.05,
        dem="none",
    )
    run = execute(prepare(request, search(request)), "none")
    (outcome,) = run.outcomes
    assert outcome.status == "done", outcome.reason
    item = tmp_path / "out" / "items" / outcome.item_id
    facts = json.loads((item / f"{outcome.item_id}.json").read_text())["properties"]
    cover = 1.0 if seen else 0.0
    # One image after the event, where the model has seen two or three; no DEM, so no incidence.
    assert facts["sarlra:in_domain"] == {
        "inside": False, "cover": cover, "n_pre": 1.0, "n_post": 0.0, "incidence": None,
    }  # fmt: skip
    assert facts["sarlra:calibration"]["slope"] == 1.2
    found = gpd.read_parquet(item / "detections.parquet")
    assert len(found) > 3
    expected = apply(CALIBRATION, found["score"].to_numpy(np.float64))
    np.testing.assert_allclose(found["probability"], expected, rtol=1e-5)
    whole = next((tmp_path / "out" / "collections").glob("*/detections.geojson"))
    assert "probability" in json.loads(whole.read_text())["features"][0]["properties"]
