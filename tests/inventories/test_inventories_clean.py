"""What of an inventory a track sees: shares against counted pixels."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from sarlra.errors import EventError, InputError, TerrainError
from sarlra.events.cases import study_cases
from sarlra.inventories.clean import SHARE, UNKNOWN, subtract_visibility
from sarlra.inventories.inventory import Inventory
from sarlra.inventories.read import read_inventory
from sarlra.inventories.study_case import inventory_file, reference

UTM = 32653
X, Y, R = 700_000.0, 4_130_000.0, 10.0


def write_mask(path: Path, codes: NDArray[np.uint8], crs: int | None = UTM) -> Path:
    with rasterio.open(path, "w", driver="GTiff", dtype=codes.dtype.name, count=1,
                       height=codes.shape[0], width=codes.shape[1], nodata=255,
                       crs=None if crs is None else f"EPSG:{crs}",
                       transform=Affine(R, 0, X, 0, -R, Y)) as raster:  # fmt: skip
        raster.write(codes, 1)
    return path


def inventory(*pixels: tuple[int, int, int, int]) -> Inventory:
    """Boxes as (row0, row1, col0, col1) in pixels of the mask."""
    shapes = [shapely.box(X + c0 * R, Y - r1 * R, X + c1 * R, Y - r0 * R)
              for r0, r1, c0, c1 in pixels]  # fmt: skip
    frame = gpd.GeoDataFrame({"n": range(len(shapes))}, geometry=shapes, crs=UTM).to_crs(4326)
    return Inventory(frame)


def test_shares_that_stay(tmp_path: Path) -> None:
    codes = np.zeros((50, 50), dtype=np.uint8)
    codes[10:20, 10:15] = 1
    codes[30:40, 30:40] = 4
    codes[0:10, 40:45] = 255
    boxes = ((10, 20, 10, 20), (30, 40, 30, 40), (0, 5, 0, 5), (0, 10, 40, 50), (0, 10, 45, 55))
    given_ = inventory(*boxes)
    found = subtract_visibility(given_, write_mask(tmp_path / "v.tif", codes))
    rows = found.landslides.set_index("n")
    assert rows.index.tolist() == [0, 2, 3, 4]
    np.testing.assert_allclose(rows[SHARE], [0.5, 1, 1, 1], atol=1e-6)
    np.testing.assert_allclose(rows[UNKNOWN], [0, 0, 0.5, 0.5], atol=1e-6)
    left = rows.geometry.to_crs(UTM)[0]
    wanted = shapely.box(X + 150, Y - 200, X + 200, Y - 100)
    assert left.symmetric_difference(wanted).area < 0.1
    # What is not touched stays to the bit.
    assert rows.geometry[2].wkb == given_.landslides.geometry[2].wkb
    assert any("1 of 5 landslides lie wholly" in note for note in found.notes)
    assert len(given_) == 5


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.tuples(st.integers(0, 10), st.integers(1, 10), st.integers(0, 10), st.integers(1, 10)),
)
def test_share_is_the_share_of_pixels_seen(
    tmp_path_factory: pytest.TempPathFactory, seed: int, at: tuple[int, int, int, int]
) -> None:
    rng = np.random.default_rng(seed)
    codes = rng.choice(
        np.array([0, 1, 2, 3, 4, 255], np.uint8), (20, 20), p=[0.5, 0.1, 0.1, 0.1, 0.1, 0.1]
    )
    r0, h, c0, w = at
    box = (r0, r0 + h, c0, c0 + w)
    inside = codes[r0 : r0 + h, c0 : c0 + w]
    hidden = np.isin(inside, [1, 2, 3, 4]).mean()
    mask = write_mask(tmp_path_factory.mktemp("mask") / "v.tif", codes)
    if hidden == 1:
        with pytest.raises(InputError, match="nothing is left"):
            subtract_visibility(inventory(box), mask)
        return
    found = subtract_visibility(inventory(box), mask).landslides.iloc[0]
    assert found[SHARE] == pytest.approx(1 - hidden, abs=1e-6)
    assert found[UNKNOWN] == pytest.approx((inside == 255).mean(), abs=1e-6)


def test_masks_that_cannot_be_used(tmp_path: Path) -> None:
    some = inventory((0, 5, 0, 5))
    zeros = np.zeros((20, 20), dtype=np.uint8)
    with pytest.raises(TerrainError, match="cannot be read"):
        subtract_visibility(some, tmp_path / "absent.tif")
    with pytest.raises(TerrainError, match="float32, not one of uint8"):
        subtract_visibility(some, write_mask(tmp_path / "f.tif", zeros.astype(np.float32)))
    with pytest.raises(TerrainError, match="coordinate reference system"):
        subtract_visibility(some, write_mask(tmp_path / "c.tif", zeros, crs=None))
    with pytest.raises(TerrainError, match="the value 7"):
        subtract_visibility(some, write_mask(tmp_path / "s.tif", zeros + np.uint8(7)))
    with pytest.raises(InputError, match="lies on the visibility layer"):
        subtract_visibility(inventory((900, 905, 0, 5)), write_mask(tmp_path / "a.tif", zeros))
    with pytest.raises(InputError, match="nothing is left"):
        subtract_visibility(some, write_mask(tmp_path / "h.tif", zeros + np.uint8(3)))


def test_the_real_inventory_under_stripes(tmp_path: Path, shared_data: Path) -> None:
    """Every second kilometre hidden, in a CRS of its own: areas add up, nothing else changes."""
    real = read_inventory(shared_data / "inventories" / "noto2024.gpkg")
    bounds = real.landslides.to_crs(UTM).total_bounds
    left, top = np.floor(bounds[0] / 1000) * 1000, np.ceil(bounds[3] / 1000) * 1000
    cols, rows = int((bounds[2] - left) // 100) + 12, int((top - bounds[1]) // 100) + 12
    codes = np.zeros((rows, cols), dtype=np.uint8)
    codes[:, (np.arange(cols) // 10) % 2 == 1] = 2
    mask = tmp_path / "v.tif"
    with rasterio.open(
        mask,
        "w",
        driver="GTiff",
        dtype="uint8",
        count=1,
        height=rows,
        width=cols,
        crs=f"EPSG:{UTM}",
        transform=Affine(100, 0, left, 0, -100, top),
    ) as raster:
        raster.write(codes, 1)  # fmt: skip
    found = subtract_visibility(real, mask)
    utm = real.landslides.to_crs(UTM).geometry
    stripes = shapely.union_all([
        shapely.box(left + k * 1000, top - rows * 100, left + (k + 1) * 1000, top)
        for k in range(1, cols // 10 + 1, 2)
    ])  # fmt: skip
    seen = shapely.area(shapely.difference(np.asarray(utm), stripes))
    after = found.landslides.to_crs(UTM).area
    assert after.sum() == pytest.approx(seen.sum(), rel=1e-6)
    assert len(found) == int((seen > 1e-3).sum())
    assert list(found.landslides.columns)[:3] == ["district", "source", "area_m2"]
    assert found.landslides[SHARE].between(0, 1, inclusive="right").all()


def test_every_study_case_says_where_its_inventory_is(tmp_path: Path) -> None:
    known = [reference(case.id) for case in study_cases()]
    assert len(known) == 11
    assert {r.case for r in known if r.role == "unseen"} == {"haiti", "sumatra"}
    for one in known:
        assert one.where.endswith(".")
        assert one.address is None or one.address.startswith("https://doi.org/10.")
        with pytest.raises(InputError) as caught:
            inventory_file(one.case, tmp_path)
        assert one.where in caught.value.message
        assert str(tmp_path / one.case) in str(caught.value.hint)
    (tmp_path / "luding.shp").write_bytes(b"")
    assert inventory_file("luding", tmp_path) == tmp_path / "luding.shp"
    with pytest.raises(EventError):
        reference("atlantis")


def test_the_study_cases_are_valid_stac() -> None:
    import pystac

    from sarlra.catalogs import catalogs_folder

    collection = pystac.Collection.from_file(catalogs_folder() / "study-cases" / "collection.json")
    collection.validate()
    items = list(collection.get_items())
    assert len(items) == 11
    for item in items:
        item.validate()
        start, end = collection.extent.temporal.intervals[0]
        assert start <= item.datetime <= end
