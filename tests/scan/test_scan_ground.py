"""Tiles of open sea and without relief, on the real DEM of a steep island in the sea."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import rasterio
from pyproj import Transformer
from typer.testing import CliRunner

from sarlra.cli.app import app
from sarlra.errors import AreaError, RecipeError
from sarlra.events.area import box_area
from sarlra.grid import Tile
from sarlra.recipe import make_recipe
from sarlra.scan.ask import scan_requests
from sarlra.scan.cells import Cell, plan_cells
from sarlra.scan.ground import Selection, make_selection, select
from sarlra.scan.plan import plan_scan
from sarlra.scenes.search import open_search
from sarlra.scenes.sources import Source
from sarlra.terrain.choice import DemSource, TerrainChoice
from tests.servers.items import make_item, write_items

AREA = "6.2,0.05,6.9,0.6"
RECIPE = make_recipe(tile_px=1024)


@pytest.fixture
def dem(shared_data: Path) -> Path:
    return next((shared_data / "dem").glob("*.tif"))


def cells() -> Iterator[Cell]:
    return plan_cells(box_area(*(float(v) for v in AREA.split(","))), RECIPE)


def heights_in(tile: Tile, path: Path) -> np.ndarray:
    """The DEM's own pixels in a tile, at full resolution."""
    left, bottom, right, top = tile.bounds
    lon, lat = Transformer.from_crs(tile.epsg, 4326, always_xy=True).transform(
        [left, right, left, right], [bottom, bottom, top, top]
    )
    with rasterio.open(path) as dataset:
        window = rasterio.windows.from_bounds(
            max(lon[0], lon[2]), max(lat[0], lat[1]), min(lon[1], lon[3]), min(lat[2], lat[3]),
            dataset.transform,
        )  # fmt: skip
        return dataset.read(1, window=window)


def test_sea_is_left_out_and_land_is_not(dem: Path) -> None:
    choice = TerrainChoice(DemSource(file=dem))
    kept, left = [], []
    for cell in cells():
        rest, out = select(cell, Selection(skip_sea=True), choice)
        kept += [w.tile for w in rest.tiles]
        left += [one.tile.tile for one in out]
        assert {one.reason for one in out} <= {"open sea"}
    assert len(left) > 20
    assert len(kept) > 5
    assert len(kept) + len(left) == sum(len(cell.tiles) for cell in cells())
    assert not any((heights_in(tile, dem) != 0).any() for tile in left)
    assert sum((heights_in(tile, dem) != 0).any() for tile in kept) >= len(kept) - 2


def test_relief_is_that_of_the_dem(dem: Path) -> None:
    choice = TerrainChoice(DemSource(file=dem))
    for least in (300.0,):
        for cell in cells():
            rest, out = select(cell, Selection(min_relief=least), choice)
            for windows in rest.tiles:
                assert np.ptp(heights_in(windows.tile, dem)) > least * 0.9
            for one in out:
                # What overviews smooth away is little beside the relief asked for.
                assert np.ptp(heights_in(one.tile.tile, dem)) < least * 1.15 + 30
                assert one.reason == "open sea" or f"under {least:g} m" in one.reason


def test_a_source_without_items_there_has_sea_there(dem: Path, tmp_path: Path) -> None:
    lon, lat = (5.9998611, 6.9998611), (0.0001389, 1.0001389)
    ring = [[lon[0], lat[0]], [lon[1], lat[0]], [lon[1], lat[1]], [lon[0], lat[1]]]
    item = {
        "type": "Feature", "stac_version": "1.0.0", "id": dem.stem, "collection": "cop-dem-glo-30",
        "stac_extensions": [], "links": [], "bbox": [lon[0], lat[0], lon[1], lat[1]],
        "geometry": {"type": "Polygon", "coordinates": [[*ring, ring[0]]]},
        "properties": {"datetime": "2021-04-22T00:00:00Z", "proj:epsg": 4326,
                       "proj:shape": [3600, 3600],
                       "proj:transform": [1 / 3600, 0, lon[0], 0, -1 / 3600, lat[1]]},
        "assets": {"data": {"href": str(dem), "type": "image/tiff"}},
    }  # fmt: skip
    items = write_items(tmp_path / "dem.json", [item])
    source = Source("dem", "file", str(items), collections=("cop-dem-glo-30",))
    stac, file = TerrainChoice(DemSource(source=source)), TerrainChoice(DemSource(file=dem))
    far = list(plan_cells(box_area(8.1, 0.1, 8.3, 0.3), RECIPE))
    for cell in far:
        assert select(cell, Selection(skip_sea=True), stac)[0].tiles == ()
        # A file that does not reach there says nothing, and so the tiles stay.
        assert select(cell, Selection(skip_sea=True), file) == (cell, ())
    for cell in cells():
        found = [[one.tile.tile for one in select(cell, Selection(min_relief=500.0), c)[1]]
                 for c in (stac, file)]  # fmt: skip
        assert found[0] == found[1]


def _source(tmp_path: Path) -> Path:
    from datetime import UTC, datetime, timedelta

    import shapely

    start = datetime(2023, 12, 1, tzinfo=UTC)
    items = [make_item(start + timedelta(days=d), orbit=50000 + d, datatake=str(d),
                       footprint=shapely.box(5, -1, 8, 2)) for d in (0, 12, 24)]  # fmt: skip
    return write_items(tmp_path / "items.json", items)


def test_the_command_and_its_table(dem: Path, tmp_path: Path) -> None:
    options = ["scan", "--aoi", AREA, "--origin", "2023-12-20T00:00:00Z", "--out",
               str(tmp_path / "out"), "--source", str(_source(tmp_path)), "--tile", "1024",
               "--dem", str(dem), "--dry-run", "--json"]  # fmt: skip
    counts = []
    for more in ([], ["--skip-sea"], ["--min-relief", "200"]):
        done = CliRunner().invoke(app, [*options, *more])
        assert done.exit_code == 0, done.output
        counts.append(json.loads(done.stdout)["jobs"])
    everything, land, relief = counts
    assert everything["skipped"] == 0
    assert land["new"] + land["skipped"] == everything["new"] == relief["new"] + relief["skipped"]
    assert 0 < relief["new"] <= land["new"] < everything["new"] / 3
    requests = scan_requests(out=str(tmp_path / "out"), source=str(_source(tmp_path)), aoi=AREA,
                             origin=("2023-12-20T00:00:00Z",), dem=str(dem), tile=1024)  # fmt: skip
    search = open_search(requests[0].source)
    with plan_scan(requests, search, selection=Selection(min_relief=200.0)) as plan:
        rows = pq.read_table(plan.table).to_pylist()
    assert len(rows) == everything["new"]
    assert {r["reason"] is None for r in rows if r["status"] == "new"} == {True}
    out = [r for r in rows if r["status"] == "skipped"]
    assert len(out) == relief["skipped"]
    assert all(r["track"] is None and r["reason"] and not r["bytes_in"] for r in out)
    with pytest.raises(AreaError, match="open sea or without relief"):
        plan_scan(requests, search, selection=Selection(min_relief=5000.0))


def test_what_cannot_be_meant_is_refused() -> None:
    for relief in (-1.0, 1e6, float("nan")):
        with pytest.raises(RecipeError, match="min-relief"):
            make_selection(skip_sea=False, min_relief=relief, terrain=TerrainChoice())
    with pytest.raises(RecipeError, match="--dem"):
        make_selection(skip_sea=True, min_relief=0.0, terrain=TerrainChoice())
