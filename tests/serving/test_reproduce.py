"""Real acquisitions through the main job, then made again from the item alone."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import rasterio
from running import serving
from typer.testing import CliRunner

from sarlra.catalog import checksums
from sarlra.cli.app import app
from sarlra.errors import CatalogError, ModelError
from sarlra.jobs.ask import make_request
from sarlra.jobs.execute import execute, prepare
from sarlra.jobs.plan import search
from sarlra.serving.place import open_place
from sarlra.serving.reproduce import reproduce
from sarlra.serving.results import read_results
from sarlra.serving.verify import verify
from tests.servers.base import LocalServer as Server
from tests.servers.base import Reply, Request
from tests.servers.items import opera_items, write_items

BURST, AOI = "T137-292321-IW2", "-119.849,34.765,-119.817,34.791"


@dataclass
class Made:
    folder: Path
    item: Path


@pytest.fixture(scope="module")
def made(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("again")
    items = [i for i in opera_items(shared_data) if i["properties"]["opera:burst_id"] == BURST]
    source = write_items(folder / "items.json", items)
    request = make_request(
        None, out=str(folder / "out"), source=str(source), aoi=AOI, dem="none",
        origin=("2023-12-10T00:00:00Z",), threshold=0.3,
    )  # fmt: skip
    execute(prepare(request, search(request)), "none")
    source.unlink()  # the frozen inputs are enough
    (item,) = (folder / "out" / "items").glob("*/*.json")
    return Made(folder / "out", item)


class Files(Server):
    """The catalogue's folder over HTTP."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder

    def reply(self, request: Request) -> Reply:
        file = self.folder / request.path.lstrip("/")
        return Reply(200, file.read_bytes()) if file.is_file() else Reply(404)


def test_identical_from_the_file(made: Made) -> None:
    found = reproduce(str(made.item))
    assert found.identical, found.differences
    assert found.notes == ()


def test_identical_over_http_where_local_inputs_are_allowed(made: Made) -> None:
    with Files(made.folder) as server:
        url = f"{server.url}/{made.item.relative_to(made.folder)}"
        with pytest.raises(CatalogError, match="may not"):
            reproduce(url)
    # The item as the STAC API gives it, its files by the addresses that stand in it.
    with serving(made.folder) as url:
        event = json.loads(made.item.read_text())["collection"]
        item = f"{url}/stac/collections/{event}/items/{made.item.stem}"
        done = CliRunner().invoke(app, ["reproduce", item, "--local-files", "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["identical"] is True


def _changed(made: Made, folder: Path) -> Path:
    import shutil

    shutil.copytree(made.folder, folder)
    return folder / made.item.relative_to(made.folder)


def test_tampered_file_is_refused_and_found(made: Made, tmp_path: Path) -> None:
    item = _changed(made, tmp_path / "out")
    scores = item.parent / "scores.tif"
    data = bytearray(scores.read_bytes())
    data[-1] ^= 1
    scores.write_bytes(data)
    with pytest.raises(CatalogError, match="another checksum"):
        reproduce(str(item))
    found = verify(read_results(open_place(str(tmp_path / "out"))))
    assert [(f.subject, "another checksum" in f.reason) for f in found.faults] == [
        (item.stem, True)
    ]
    done = CliRunner().invoke(app, ["catalog", "verify", str(tmp_path / "out")])
    assert done.exit_code == 5
    assert CliRunner().invoke(app, ["catalog", "verify", str(made.folder)]).exit_code == 0


def test_tampered_shard_of_the_composite_is_found(made: Made, tmp_path: Path) -> None:
    """A bit of one shard, the file as long as before."""
    item = _changed(made, tmp_path / "out")
    (shard, *_) = sorted(p for p in tmp_path.rglob("post_vh/c/*/*") if p.is_file())
    data = bytearray(shard.read_bytes())
    data[60] ^= 1
    shard.write_bytes(data)
    done = CliRunner().invoke(app, ["catalog", "verify", str(tmp_path / "out"), "--json"])
    assert done.exit_code == 5
    found = json.loads(done.stdout)
    assert found["unchecked"] == 0
    assert [fault["subject"] for fault in found["faults"]] == [item.stem]
    assert "asset composite" in found["faults"][0]["reason"]


def test_other_scores_are_reported(made: Made, tmp_path: Path) -> None:
    """One score changed by 0.25, with the checksum made right: only running again tells."""
    item = _changed(made, tmp_path / "out")
    scores = item.parent / "scores.tif"
    with rasterio.open(scores) as raster:
        values, profile = raster.read(), raster.profile
    cell = tuple(np.argwhere(np.isfinite(values))[5])
    values[cell] += np.float32(0.25)
    with rasterio.open(scores, "w", **profile) as raster:
        raster.write(values)
    document = json.loads(item.read_text())
    document["assets"]["scores"] |= {
        "file:size": scores.stat().st_size,
        "file:checksum": checksums.of_file(scores),
    }
    item.write_text(json.dumps(document))
    found = reproduce(str(item))
    assert not found.identical
    (difference,) = found.differences
    assert (difference.subject, difference.count) == ("scores", 1)
    assert difference.largest == pytest.approx(0.25, abs=1e-6)


def test_another_model_is_refused(made: Made, tmp_path: Path) -> None:
    item = _changed(made, tmp_path / "out")
    document = json.loads(item.read_text())
    document["properties"]["sarlra:model_sha256"] = "0" * 64
    item.write_text(json.dumps(document))
    with pytest.raises(ModelError, match="is not the one of the item"):
        reproduce(str(item))
    document["properties"]["sarlra:model"] = "/etc/model.keras"
    item.write_text(json.dumps(document))
    with pytest.raises(ModelError, match="no name of a model"):
        reproduce(str(item))
