"""A dataset written, and streamed in batches: every patch once, none lost, none doubled."""

from __future__ import annotations

import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely

from sarlra.errors import InputError
from sarlra.recipe import make_recipe
from sarlra.samples import stream
from sarlra.samples.store import ARRAYS, FACTS, KIND, TABLE, Dataset, open_dataset, write_layer
from sarlra.samples.stream import Selection, batches, load, select, tf_batches
from sarlra.samples.summary import counts, draw_sheet

N = 1500
RECIPE = make_recipe(polarisations=("VV",))
LAYER = "VV/60-12"


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """1500 patches whose pixels all are their row's number; two files of windows."""
    folder = tmp_path_factory.mktemp("dataset")
    rng = np.random.default_rng(0)
    numbers = np.arange(N, dtype=np.float32)
    pieces = np.split(numbers, [7, 600, 601, 1400])
    write_layer(folder, RECIPE, N, (np.broadcast_to(p[:, None, None, None], (len(p), 64, 64, 2))
                                    for p in pieces))  # fmt: skip
    split = rng.choice(["training", "validation", "test"], N)
    table = gpd.GeoDataFrame(
        {
            "case": np.where(numbers < 900, "a", "b"),
            "orbit_state": rng.choice(["ascending", "descending"], N),
            "track": "T001A",
            "cell": [f"c{i}" for i in range(N)],
            "landslide": rng.random(N) < 0.2,
            "share": 0.1, "share_original": 0.1, "hidden": 0.0,
            "split": split,
            "ratio": rng.uniform(0, 10, N),
            "split_blocked": split[::-1],
            "ratio_blocked": rng.uniform(0, 10, N),
            "has_VV": True,
            "has_VV_VH": False,
        },
        geometry=[shapely.box(i, 0, i + 1, 1) for i in np.linspace(0, 100, N)],
        crs=4326,
    )  # fmt: skip
    table.to_parquet(folder / TABLE)
    (folder / FACTS).write_text(json.dumps({"kind": KIND, "layers": [LAYER]}))
    return open_dataset(folder)


def test_arrays_are_sharded_and_chunked(dataset: Dataset) -> None:
    array = dataset.array(LAYER)
    assert array.shape == (N, 64, 64, 2)
    assert array.shards == (1024, 64, 64, 2)
    files = [p for p in (dataset.folder / ARRAYS / "VV").rglob("*") if p.is_file()]
    assert len([p for p in files if p.name != "zarr.json"]) == 2
    np.testing.assert_array_equal(array[:, 5, 6, 1], np.arange(N))


@pytest.mark.parametrize("seed", [None, 3])
@pytest.mark.parametrize("pool", [2, 64])
@pytest.mark.parametrize("size", [1, 64, 2000])
def test_an_epoch_has_every_patch_once(
    dataset: Dataset, seed: int | None, pool: int, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "POOL", pool)
    chosen = Selection(LAYER, "training", 6.0, orbit_state="ascending")
    table = dataset.table
    expected = table.index[(table["split"] == "training") & (table["ratio"] <= 6)
                           & (table["orbit_state"] == "ascending")].to_numpy()  # fmt: skip
    found = list(batches(dataset, chosen, size, seed=seed))
    rows = np.concatenate([windows[:, 0, 0, 0] for windows, _ in found]).astype(int)
    assert sorted(rows) == expected.tolist()
    assert all(len(windows) == size for windows, _ in found[:-1])
    labels = np.concatenate([labels for _, labels in found])
    np.testing.assert_array_equal(labels, table["landslide"].to_numpy()[rows])
    again = np.concatenate([w[:, 0, 0, 0] for w, _ in batches(dataset, chosen, size, seed=seed)])
    np.testing.assert_array_equal(again, rows)
    if seed is None:
        assert (np.diff(rows) > 0).all()
    else:
        other = np.concatenate([w[:, 0, 0, 0] for w, _ in batches(dataset, chosen, size, seed=4)])
        assert (other != rows).any()


def test_selections(dataset: Dataset) -> None:
    table = dataset.table
    blocked = select(dataset, Selection(LAYER, "test", 5.0, scheme="blocked", cases=("b",)))
    wanted = (table["split_blocked"] == "test") & (table["ratio_blocked"] <= 5)
    assert blocked.tolist() == table.index[wanted & (table["case"] == "b")].tolist()
    patches = load(dataset, Selection(LAYER, "test", 5.0))
    rows = select(dataset, Selection(LAYER, "test", 5.0))
    np.testing.assert_array_equal(patches.windows[:, 0, 0, 0], rows)
    assert patches.labels.dtype == bool
    assert set(patches.events) == {"a", "b"}
    for wrong, words in (
        (Selection("VV/1-1", "test"), "has no VV/1-1"),
        (Selection(LAYER, "exam"), "split 'exam'"),
        (Selection(LAYER, "unseen"), "no patch"),
        (Selection(LAYER, "test", cases=("z",)), "no patch"),
    ):
        with pytest.raises(InputError, match=words):
            next(batches(dataset, wrong, 8))
    with pytest.raises(InputError, match="batches of 0"):
        next(batches(dataset, Selection(LAYER, "test"), 0))


def test_what_is_no_dataset(tmp_path: Path, dataset: Dataset) -> None:
    with pytest.raises(InputError, match="holds no dataset"):
        open_dataset(tmp_path)
    (tmp_path / FACTS).write_text("[]")
    with pytest.raises(InputError, match="not the description"):
        open_dataset(tmp_path)
    (tmp_path / FACTS).write_text((dataset.folder / FACTS).read_text())
    with pytest.raises(InputError, match="table"):
        open_dataset(tmp_path)
    dataset.table.drop(columns="split").to_parquet(tmp_path / TABLE)
    with pytest.raises(InputError, match="lacks split"):
        open_dataset(tmp_path)
    dataset.table.to_parquet(tmp_path / TABLE)
    with pytest.raises(InputError, match="damaged"):
        open_dataset(tmp_path).array(LAYER)


def test_counts_and_sheet(dataset: Dataset, tmp_path: Path) -> None:
    rows = counts(dataset)
    table = dataset.table
    limits = table["split"].map({"training": 6, "validation": 6, "test": 10})
    kept = table["ratio"] <= limits
    assert sum(row["landslide"] + row["background"] for row in rows) == kept.sum()
    draw_sheet(dataset, LAYER, tmp_path / "a.png", per_class=3)
    draw_sheet(dataset, LAYER, tmp_path / "b.png", per_class=3)
    content = (tmp_path / "a.png").read_bytes()
    assert content.startswith(b"\x89PNG")
    assert content == (tmp_path / "b.png").read_bytes()


@pytest.mark.slow
def test_tensorflow_streams_new_orders_and_holds_no_more_than_a_pool(dataset: Dataset) -> None:
    chosen = Selection(LAYER, "training", 6.0)
    rows = select(dataset, chosen)
    data = tf_batches(dataset, chosen, 32, seed=1, prepare=lambda windows: windows + 0.5)
    epochs = []
    for _ in range(2):
        seen = [(windows.numpy(), labels.numpy()) for windows, labels in data]
        assert seen[0][0].shape == (32, 64, 64, 2)
        numbers = np.concatenate([windows[:, 0, 0, 0] for windows, _ in seen]) - 0.5
        assert sorted(numbers) == rows.tolist()
        epochs.append(numbers)
    assert (epochs[0] != epochs[1]).any()
