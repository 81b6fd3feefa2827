"""Shares observed, distorted and without data: one track, and both together."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import catalog_world as world
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pyproj import Transformer
from shapely import MultiPolygon

from sarlra.catalog.coverage import pixels_of, shares_of
from sarlra.catalog.folder import FolderSink
from sarlra.catalog.names import asset_path, collection_path
from sarlra.errors import CatalogError

CODES = hnp.arrays(np.uint8, 30, elements=st.sampled_from([0, 1, 2, 3, 4, 255]))


@given(CODES, hnp.arrays(np.bool_, 30))
def test_shares_add_up(codes: np.ndarray, data: np.ndarray) -> None:
    found = shares_of(codes, data)
    observed, distorted, empty = (
        found[f"{name}_share"] for name in ("observed", "distorted", "no_data")
    )
    assert observed + distorted + empty == pytest.approx(1.0, abs=2e-6)
    bad = [d and 1 <= c <= 4 for c, d in zip(codes.tolist(), data.tolist(), strict=True)]
    assert distorted == pytest.approx(sum(bad) / 30, abs=1e-6)
    assert found["visibility_unknown_share"] <= observed + 1e-6


def test_nothing_has_no_share() -> None:
    assert set(shares_of(np.empty(0, np.uint8), np.empty(0, bool)).values()) == {None}


def test_two_tracks_see_more_than_one(tmp_path: Path) -> None:
    sink = FolderSink(tmp_path)
    world.prepare(sink)
    tile = world.TILE
    left, bottom, right, top = tile.bounds
    half = shapely.box(left, bottom, (left + right) / 2, top)
    to_degrees = Transformer.from_crs(tile.epsg, 4326, always_xy=True)
    area = MultiPolygon([shapely.transform(half.segmentize(50.0), to_degrees.transform,
                                           interleaved=False)])  # fmt: skip
    event = world.event(area=area)
    first, second = world.composite(seed=1), world.composite(seed=2)
    other = replace(world.track(), relative_orbit=141, orbit_state="ascending")
    for image, track in ((first, world.track()), (second, other)):
        plain = world.result(high=0.3)
        replace(plain, event=event, composite=image, track=track).publish(sink)
    from sarlra.catalog.collection import fold

    fold(sink, event, suppress=world.keep_highest)
    document = json.loads(sink.read_bytes(collection_path(event.id)))
    found = document["sarlra:statistics"]["coverage"]
    columns = slice(0, tile.size_px // 2)
    seen, data = [], []
    for image in (first, second):
        codes = image["visibility"].values[:, columns]
        valid = (image["n_pre"].values > 0) & (image["n_post"].values > 0)
        data.append(valid[:, columns])
        seen.append(data[-1] & ((codes == 0) | (codes == 255)))
    assert found["pixels"] == tile.size_px**2 // 2
    tracks = [found["tracks"][t.id]["observed_share"] for t in (world.track(), other)]
    assert tracks == pytest.approx([mask.mean() for mask in seen], abs=1e-6)
    together = found["together"]
    assert together["observed_share"] == pytest.approx((seen[0] | seen[1]).mean(), abs=1e-6)
    assert together["no_data_share"] == pytest.approx(1 - (data[0] | data[1]).mean(), abs=1e-6)
    assert together["observed_share"] > max(tracks)
    assert sum(together[f"{n}_share"] for n in ("observed", "distorted", "no_data")) == (
        pytest.approx(1.0, abs=1e-5)
    )
    (name,) = [n for n in sink.list_items() if world.track().id in n]
    path = sink.folder / asset_path(name, "visibility")
    path.write_bytes(bytes(path.stat().st_size))
    with pytest.raises(CatalogError, match=r"visibility\.tif"):
        fold(sink, event, suppress=world.keep_highest)


def test_an_area_beside_the_grid_leaves_all_pixels() -> None:
    from affine import Affine

    transform = Affine(10, 0, 500_000, 0, -10, 5_000_000)
    assert pixels_of(shapely.box(0, 0, 1, 1), 32632, transform, (4, 5)).all()
