"""The example notebook, run on a small simulated world in the place of the demonstration's."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

from sarlra.catalog.read import read_merged
from sarlra.catalog.sink import open_sink
from sarlra.jobs.ask import make_request
from sarlra.jobs.execute import execute, prepare
from sarlra.jobs.plan import search
from sarlra.simulation.world import simulate
from tests.conftest import ROOT

NOTEBOOK = ROOT / "docs" / "notebooks" / "first-look.ipynb"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the demonstration leaves behind, smaller."""
    folder = tmp_path_factory.mktemp("notebook")
    world = folder / "demo-world"
    simulate(11, world, size_px=512, epsg=32654, centre=(491520.0, 4710400.0))
    request = make_request(
        str(world / "event.geojson"), out=str(folder / "demo-output"),
        source=str(world / "items.json"), dem="none", orbit="descending",
    )  # fmt: skip
    execute(prepare(request, search(request)), "none")
    return folder


#: Asked of the notebook's own objects after its last cell, in its kernel.
QUESTIONS = """
import json
json.dumps({
    "scenes": scenes.groupby(["track", "side"]).size().tolist(),
    "crs": scenes.crs.to_epsg(),
    "results": len(results),
    "best": [len(best.detections()), max(len(one.detections()) for one in results)],
    "detections": [type(detections).__name__, detections.crs.to_epsg(),
                   [float(score) for score in detections["score"]]],
    "composite": [type(part).__name__, list(part.dims), int(seen.sum()), float(change.max())],
    "scored_in_both": int(both.sum()),
    "difference": difference,
})
"""


@pytest.mark.slow
def test_every_cell_gives_what_it_says(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = nbformat.read(NOTEBOOK, as_version=4)
    assert all(not cell.get("outputs") for cell in book.cells), "stored with its outputs"
    shown = [cell for cell in book.cells if cell.cell_type == "code"]
    book.cells.append(nbformat.v4.new_code_cell(QUESTIONS))
    for name in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR"):  # nothing into the home folder
        monkeypatch.setenv(name, str(tmp_path / name))
    NotebookClient(
        book, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    ).execute()

    pages = [_output(cell, "text/html") for cell in shown]
    assert "<td>sim00000011</td>" in pages[2]
    assert pages[3].count("<tr>") == 1 + 4
    assert pages[4].startswith("<figure>")
    assert "data:image/png;base64,iVBOR" in pages[4]
    assert "xarray.Dataset" in pages[6]
    assert _output(shown[7], "image/png")

    found = json.loads(ast.literal_eval(_output(book.cells[-1], "text/plain")))
    merged = read_merged(open_sink(str(folder / "demo-output")), "sim00000011")
    kept = np.sort(merged["score"][merged["score"] >= 0.7])[::-1]
    assert len(kept) > 0
    kind, epsg, scores = found["detections"]
    assert (kind, epsg, found["crs"]) == ("GeoDataFrame", 4326, 4326)
    np.testing.assert_array_equal(np.float32(scores), kept)
    # Two tracks, ten scenes before and two after, in order of track and side.
    assert found["scenes"] == [2, 10, 2, 10]
    assert found["results"] == 4
    assert found["best"][0] == found["best"][1] > 0
    kind, dims, pixels, highest = found["composite"]
    assert (kind, dims) == ("Dataset", ["y", "x"])
    assert 0 < pixels <= 512 * 512
    assert np.isfinite(highest)
    assert found["scored_in_both"] > 20
    assert found["difference"] == 0.0


def _output(cell: Any, kind: str) -> str:
    """The last output of a kind; empty where there is none."""
    found = [str(one["data"][kind]) for one in cell.outputs if kind in one.get("data", {})]
    return found[-1] if found else ""
