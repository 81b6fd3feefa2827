from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import catalog_world as world
import geopandas as gpd
import numpy as np
import pandas as pd
import pystac
import pytest
import xarray as xr
from PIL import Image

from sarlra.catalog import vector
from sarlra.catalog.collection import fold
from sarlra.catalog.folder import FolderSink
from sarlra.catalog.names import item_path
from sarlra.catalog.overview import draw_event
from sarlra.catalog.publish import publish_job
from sarlra.catalog.validate import validate_document
from sarlra.catalog.versions import lineages
from sarlra.errors import CatalogError
from sarlra.grid import Tile
from sarlra.models.card import Calibration
from sarlra.recipe import Recipe
from sarlra.scenes.model import Track
from tests.contents import files_of

WIDE = Tile(32654, 110, 923, 512)
WIDE_RECIPE = Recipe(tile_px=512)
NUMBERS = {"windows": 64, "scored": 64, "detections": 0}


@pytest.fixture
def sink(tmp_path: Path) -> FolderSink:
    sink = FolderSink(tmp_path)
    world.prepare(sink)
    return sink


def _quarters() -> Iterator[tuple[Tile, slice, slice]]:
    """The four tiles of 256 px in the wide one, with their rows and columns in it."""
    for north in (0, 1):
        for east in (0, 1):
            tile = Tile(WIDE.epsg, 2 * WIDE.column + east, 2 * WIDE.row + 1 - north, 256)
            yield tile, slice(256 * north, 256 * north + 256), slice(256 * east, 256 * east + 256)


def _scene(seed: int) -> tuple[xr.Dataset, xr.Dataset]:
    """A composite and lattice of the wide tile in which many windows overlap."""
    image = world.composite(WIDE, WIDE_RECIPE, seed, halo=32)
    scored = world.lattice(WIDE, WIDE_RECIPE, seed, high=0.55)
    # The published bands end with the tile, so windows that reach beyond are out of the question.
    scored["score"].values[-1, :] = scored["score"].values[:, -1] = np.nan
    scored["reason"].values[-1, :] = scored["reason"].values[:, -1] = 3
    return image, scored


def _publish_quarters(
    sink: FolderSink, seed: int, way: Track | None = None, calibration: Calibration | None = None
) -> list[str]:
    image, scored = _scene(seed)
    way = way or world.track()
    names = []
    for tile, rows, columns in _quarters():
        halo = image.isel(
            y=slice(rows.start, rows.stop + 32), x=slice(columns.start, columns.stop + 32)
        )
        cells = scored.isel(y=slice(rows.start // 32, rows.stop // 32),
                            x=slice(columns.start // 32, columns.stop // 32))  # fmt: skip
        found = world.detections(halo, cells, tile, way=way)
        given = world.provenance()
        if calibration is not None:
            found.insert(1, "probability", _probability(found["score"], calibration))
            card = {**given.model.card, "calibration": calibration.model_dump()}
            given = replace(given, model=replace(given.model, card=card))
        item = publish_job(
            sink, world.event(), tile, way, halo.isel(y=slice(0, 256), x=slice(0, 256)), cells,
            found, given, {**NUMBERS, "detections": len(found)},
        )  # fmt: skip
        names.append(item.id)
    return names


def _expected(seed: int) -> gpd.GeoDataFrame:
    return world.detections(*_scene(seed), WIDE, WIDE_RECIPE)


def _merged(sink: FolderSink) -> gpd.GeoDataFrame:
    return gpd.read_parquet(sink.folder / "collections" / "us2000h8ty" / "detections.parquet")


@pytest.mark.parametrize("seed", range(4))
def test_merged_is_what_one_tile_would_have_given(sink: FolderSink, seed: int) -> None:
    _publish_quarters(sink, seed)
    result = fold(sink, world.event(), suppress=world.keep_highest)
    merged, expected = _merged(sink), _expected(seed)
    assert result.detections == len(merged) == len(expected) > 20
    assert result.dropped > 0
    for name in ("x", "y", "score", "n_pre", "n_post", "track", "orbit_state", "epsg"):
        assert merged[name].tolist() == expected[name].tolist(), name
        assert merged[name].dtype == expected[name].dtype, name
    for name in (n for n in expected.columns if n.startswith("diff_") or n == "valid_share"):
        np.testing.assert_allclose(merged[name], expected[name], rtol=1e-6, err_msg=name)
    assert merged.geometry.geom_equals_exact(expected.geometry, 1e-9).all()
    tiles = {tile.id: tile for tile, _, _ in _quarters()}
    for row in merged.itertuples():
        left, _, _, top = tiles[row.tile].bounds
        assert (row.x, row.y) == (left + 10 * row.col, top - 10 * row.row)
        assert f"_{row.tile}_" in row.item


def test_windows_that_come_back_have_their_probability(sink: FolderSink) -> None:
    made = Calibration(
        slope=0.8, intercept=-1.1, fitted_on="x", brier_before=0.2, brier_after=0.1, samples=9
    )
    _publish_quarters(sink, 2, calibration=made)
    result = fold(sink, world.event(), suppress=world.keep_highest)
    assert result.restored > 0
    merged = _merged(sink)
    assert merged["probability"].dtype == np.float32
    np.testing.assert_allclose(
        merged["probability"], _probability(merged["score"], made), rtol=1e-5
    )
    geojson = json.loads((sink.folder / "collections/us2000h8ty/detections.geojson").read_text())
    assert all(0 < f["properties"]["probability"] < 1 for f in geojson["features"])


def _probability(scores: pd.Series, made: Calibration) -> np.ndarray:
    score = scores.to_numpy(np.float64)
    odds = np.exp(made.slope * np.log(score / (1 - score)) + made.intercept)
    return (odds / (1 + odds)).astype(np.float32)


def test_the_law_is_put_to_the_test() -> None:
    """Some windows are dropped at seams and some come back, or the test above shows nothing."""
    dropped = restored = 0
    for seed in range(4):
        kept = {(x, y) for x, y in _expected(seed)[["x", "y"]].to_numpy().tolist()}
        image, scored = _scene(seed)
        own: set[tuple[float, float]] = set()
        for tile, rows, columns in _quarters():
            cells = scored.isel(y=slice(rows.start // 32, rows.stop // 32),
                                x=slice(columns.start // 32, columns.stop // 32))  # fmt: skip
            part = image.isel(y=slice(rows.start, rows.stop + 32),
                              x=slice(columns.start, columns.stop + 32))  # fmt: skip
            table = world.detections(part, cells, tile)
            own |= {(x, y) for x, y in table[["x", "y"]].to_numpy().tolist()}
        dropped += len(own - kept)
        restored += len(kept - own)
    assert dropped > 0
    assert restored > 0


@pytest.mark.slow
def test_with_the_real_detection(sink: FolderSink) -> None:
    from sarlra.detection.detect import detect
    from sarlra.detection.suppress import suppress
    from sarlra.grid import PixelBox

    image, scored = _scene(1)
    for tile, rows, columns in _quarters():
        box = PixelBox(0, 288, 0, 288)
        halo = image.isel(
            y=slice(rows.start, rows.stop + 32), x=slice(columns.start, columns.stop + 32)
        )
        cells = scored.isel(y=slice(rows.start // 32, rows.stop // 32),
                            x=slice(columns.start // 32, columns.stop // 32))  # fmt: skip
        found = detect(halo, cells, tile, box, world.track(), world.THRESHOLD, world.RECIPE)
        publish_job(
            sink,
            world.event(),
            tile,
            world.track(),
            halo,
            cells,
            found,
            world.provenance(),
            NUMBERS,
        )
    fold(sink, world.event(), suppress=suppress)
    whole = PixelBox(0, 544, 0, 544)
    expected = detect(image, scored, WIDE, whole, world.track(), world.THRESHOLD, WIDE_RECIPE)
    merged = _merged(sink)
    for name in expected.columns.drop(["geometry", "tile", "row", "col"]):
        assert merged[name].dtype == expected[name].dtype, name
        assert merged[name].tolist() == expected[name].tolist(), name
    assert merged.geometry.geom_equals_exact(expected.geometry, 0).all()


def test_folding_twice_writes_the_same_bytes(sink: FolderSink) -> None:
    names = _publish_quarters(sink, 0)
    first = fold(sink, world.event(), suppress=world.keep_highest, item_ids=names)
    before = files_of(sink.folder)
    again = fold(sink, world.event(), suppress=world.keep_highest, item_ids=names[::-1])
    assert first == again
    assert files_of(sink.folder) == before


def test_catalogue_can_be_walked_and_validates(sink: FolderSink, shared_data: Path) -> None:
    names = _publish_quarters(sink, 0)
    fold(sink, world.event(), suppress=world.keep_highest)
    root = pystac.Catalog.from_file(str(sink.folder / "catalog.json"))
    children = list(root.get_children())
    assert [child.id for child in children] == ["us2000h8ty"]
    items = list(root.get_items(recursive=True))
    assert sorted(item.id for item in items) == sorted(names)
    for item in items:
        assert item.get_collection() is children[0]
        for asset in item.assets.values():
            assert Path(asset.get_absolute_href() or "").exists()
    for path in ("catalog.json", "collections/us2000h8ty/collection.json"):
        document = json.loads(sink.read_bytes(path), parse_constant=pytest.fail)
        validate_document(document, shared_data / "stac-schemas")
    collection = children[0]
    assert isinstance(collection, pystac.Collection)
    west, south, east, north = collection.extent.spatial.bboxes[0]
    for item in items:
        assert item.bbox is not None
        assert west <= item.bbox[0] < item.bbox[2] <= east
        assert south <= item.bbox[1] < item.bbox[3] <= north
    assert collection.summaries.get_list("sat:relative_orbit") == [46]
    table = json.loads((sink.folder / "collections/us2000h8ty/detections.geojson").read_text())
    assert len(table["features"]) == collection.assets["detections"].extra_fields["table:row_count"]


def test_tracks_are_settled_apart(sink: FolderSink) -> None:
    other = replace(world.track(), relative_orbit=68, orbit_state="ascending")
    _publish_quarters(sink, 0)
    _publish_quarters(sink, 1, other)
    result = fold(sink, world.event(), suppress=world.keep_highest)
    merged = _merged(sink)
    assert (merged["track"] == "T046D").sum() == len(_expected(0))
    assert (merged["track"] == "T068A").sum() == len(_expected(1))
    assert merged["track"].is_monotonic_increasing
    assert result.by_track["T068A"]["detections"] == len(_expected(1))
    picture = draw_event(sink, "us2000h8ty", gpd.GeoSeries([world.event().area], crs=4326))
    assert picture == draw_event(sink, "us2000h8ty", gpd.GeoSeries([world.event().area], crs=4326))
    size = Image.open(io.BytesIO(picture)).size
    assert size[0] > 1.3 * size[1], "two panels side by side"


def test_vv_beside_vv_and_vh(sink: FolderSink) -> None:
    other = replace(world.track(), relative_orbit=68, orbit_state="ascending")
    both = world.result(high=0.5)
    alone = world.result(recipe=Recipe(tile_px=256, polarisations=("VV",)), high=0.5)
    alone = replace(alone, track=other, detections=alone.detections.assign(track="T068A"))
    both.publish(sink)
    alone.publish(sink)
    fold(sink, world.event(), suppress=world.keep_highest)
    merged = _merged(sink)
    assert merged.loc[merged["track"] == "T068A", "diff_vh_mean"].isna().all()
    assert merged.loc[merged["track"] == "T046D", "diff_vh_mean"].notna().any()
    assert merged["diff_vh_mean"].dtype == np.float32


def test_a_new_version_takes_the_place_of_the_old_one(sink: FolderSink) -> None:
    old = world.result(high=0.3).publish(sink)
    way = world.track()
    late = replace(way.post[0], id="23022", datetime=way.post[0].datetime + timedelta(days=12))
    newer = replace(way, post=(*way.post, late))
    new = world.result(
        seed=9, track=newer, provenance=world.provenance(version="0a", job_id="job-2")
    ).publish(sink)
    result = fold(sink, world.event(), suppress=world.keep_highest)
    assert result.items == tuple(sorted((old.id, new.id)))
    assert result.current == (new.id,)
    assert set(_merged(sink)["item"]) == {new.id}
    named = fold(sink, world.event(), suppress=world.keep_highest, item_ids=[old.id])
    assert named.current == (old.id,)
    assert set(_merged(sink)["item"]) == {old.id}
    with pytest.raises(CatalogError, match="only one of them can be current"):
        fold(sink, world.event(), suppress=world.keep_highest, item_ids=[old.id, new.id])


def test_order_of_versions_does_not_hang_on_the_order_of_reading() -> None:
    def document(name: str, end: str, n_post: int) -> dict[str, Any]:
        return {"id": name, "properties": {
            "sarlra:tile": "t", "sarlra:track": "T", "end_datetime": end,
            "sarlra:n_pre": 5, "sarlra:n_post": n_post,
        }}  # fmt: skip

    documents = [
        document("c", "2018-09-06T00:00:00Z", 1),
        document("a", "2018-09-06T00:00:00.5Z", 1),
        document("b", "2018-09-06T00:00:00.5Z", 2),
        document("d", "2018-09-06T00:00:00Z", 1),
    ]
    for order in (documents, documents[::-1]):
        ids = [d["id"] for d in lineages(order, None)["t", "T"]]
        assert ids == ["c", "d", "a", "b"]
        ids = [d["id"] for d in lineages(order, ["d"])["t", "T"]]
        assert ids == ["c", "a", "b", "d"]


def test_other_events_stay_apart(sink: FolderSink) -> None:
    world.result(high=0.3).publish(sink)
    longer = world.event(id="us2000h8ty_32654", title="Another")
    world.result(event=longer, high=0.3).publish(sink)
    first = fold(sink, world.event(), suppress=world.keep_highest)
    second = fold(sink, longer, suppress=world.keep_highest)
    assert len(first.items) == len(second.items) == 1
    root = pystac.Catalog.from_file(str(sink.folder / "catalog.json"))
    assert {child.title for child in root.get_children()} == {
        "Possible landslides: Another", f"Possible landslides: {world.event().title}"
    }  # fmt: skip


def test_damaged_items_are_left_out_and_named(sink: FolderSink) -> None:
    good, cut = _publish_quarters(sink, 0)[:2]
    path = sink.folder / "items" / cut / "scores.tif"
    path.write_bytes(path.read_bytes()[:100])
    sink.put_bytes(item_path("us2000h8ty_bad"), b"{")
    result = fold(sink, world.event(), suppress=world.keep_highest)
    assert good in result.items
    assert cut not in result.items
    assert [name for name, _ in result.rejected] == sorted([cut, "us2000h8ty_bad"])
    assert "scores.tif has 100 bytes" in dict(result.rejected)[cut]
    before = files_of(sink.folder)
    for wanted, message in ((cut, "scores.tif has 100 bytes"), ("us2000h8ty_no", "no such item")):
        with pytest.raises(CatalogError, match=message):
            fold(sink, world.event(), suppress=world.keep_highest, item_ids=[good, wanted])
    assert files_of(sink.folder) == before


def test_unreadable_scores_of_the_right_size_are_named(sink: FolderSink) -> None:
    item = world.result(high=0.3).publish(sink)
    path = sink.folder / "items" / item.id / "scores.tif"
    path.write_bytes(b"\0" * path.stat().st_size)
    with pytest.raises(CatalogError, match=r"cannot read .*scores\.tif"):
        fold(sink, world.event(), suppress=world.keep_highest)


def test_nothing_found_and_no_items_at_all(sink: FolderSink, shared_data: Path) -> None:
    fold(sink, world.event(), suppress=world.keep_highest)
    document = json.loads(sink.read_bytes("collections/us2000h8ty/collection.json"))
    validate_document(document, shared_data / "stac-schemas")
    np.testing.assert_allclose(document["extent"]["spatial"]["bbox"], [world.event().area.bounds])
    assert len(_merged(sink)) == 0
    with pytest.raises(CatalogError, match="no items to draw"):
        draw_event(sink, "us2000h8ty")
    world.result(high=0.0).publish(sink)
    result = fold(sink, world.event(), suppress=world.keep_highest)
    assert (result.detections, len(result.items)) == (0, 1)
    merged = _merged(sink)
    for name in (*vector.REQUIRED, *vector.PLACE, "diff_vh_p95", "item"):
        assert name in merged
    assert merged["score"].dtype == np.float32
    assert draw_event(sink, "us2000h8ty")
