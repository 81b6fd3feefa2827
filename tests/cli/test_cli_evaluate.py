"""Models on real scenes and on simulated worlds, from the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.servers.items import opera_items, write_items

SHORE, MOUNTAINS = "T137-292323-IW2", "T137-292321-IW2"


def test_a_model_on_a_quiet_series(
    sarlra: Callable[..., Any], shared_data: Path, tmp_path: Path
) -> None:
    crops = (SHORE, MOUNTAINS)
    chosen = [i for i in opera_items(shared_data) if i["properties"]["opera:burst_id"] in crops]
    items = write_items(tmp_path / "items.json", chosen)
    done = sarlra(
        "evaluate", "--real-series", items, "--model", "sim-cnn32-vv-vh", "--dates", 1,
        "--out", tmp_path / "trade", "--json",
    )  # fmt: skip
    assert done.code == 0, done.err
    found = json.loads(done.out)["models"]["sim-cnn32-vv-vh"]
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
