"""The lattice of windows is the same however an area is cut, and every place has one owner."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Transformer
from shapely import MultiPolygon

from sarlra.errors import AreaError
from sarlra.events.geometry import to_utm
from sarlra.jobs.tiles import plan_tiles, zone_epsg
from sarlra.recipe import Recipe, make_recipe


def _area(west: float, south: float, east: float, north: float) -> MultiPolygon:
    return MultiPolygon([shapely.box(west, south, east, north)])


def _windows(area: MultiPolygon, recipe: Recipe) -> set[tuple[int, float, float]]:
    """(epsg, x, y) of the upper left corner of every wanted window."""
    found = set()
    step = recipe.stride_px * recipe.resolution
    for planned in plan_tiles(area, recipe):
        left, _, _, top = planned.tile.bounds
        for row, col in np.argwhere(planned.active):
            key = (planned.tile.epsg, left + col * step, top - row * step)
            assert key not in found
            found.add(key)
    return found


@settings(max_examples=15, deadline=None)
@given(
    west=st.floats(-179.0, 178.0), south=st.floats(-70.0, 70.0),
    width=st.floats(0.001, 0.3), height=st.floats(0.001, 0.3),
)  # fmt: skip
def test_tile_size_does_not_change_the_windows(
    west: float, south: float, width: float, height: float
) -> None:
    area = _area(west, south, west + width, south + height)
    small = _windows(area, make_recipe(tile_px=1024))
    large = _windows(area, make_recipe(tile_px=4096))
    assert small == large
    assert large


def test_wanted_windows_are_those_that_touch_the_area() -> None:
    area = _area(9.1, 46.0, 9.25, 46.1)
    recipe = make_recipe()
    shape = to_utm(area, 32632)
    left, bottom, right, top = shape.bounds
    expected = set()
    for i in range(int(left // 320) - 3, int(right // 320) + 3):
        for j in range(int(bottom // 320) - 3, int(top // 320) + 3):
            x, y = i * 320.0, j * 320.0
            if shape.intersects(shapely.box(x, y - 640, x + 640, y)):
                expected.add((32632, x, y))
    assert _windows(area, recipe) == expected


def test_box_holds_every_wanted_window_and_reaches_into_the_halo() -> None:
    recipe = make_recipe(tile_px=1024)
    for planned in plan_tiles(_area(9.0, 46.0, 9.4, 46.3), recipe):
        rows, cols = np.nonzero(planned.active)
        assert planned.box.row0 == rows.min() * 32
        assert planned.box.row1 == rows.max() * 32 + 64
        assert planned.box.col1 == cols.max() * 32 + 64 <= 1024 + recipe.halo_px


def test_zone_edge_and_equator_have_one_owner() -> None:
    found = _windows(_area(5.95, -0.05, 6.05, 0.05), make_recipe())
    assert {epsg for epsg, _, _ in found} == {32631, 32632, 32731, 32732}
    for epsg, x, y in found:
        centre = Transformer.from_crs(epsg, 4326, always_xy=True).transform(x + 320, y - 320)
        assert zone_epsg(*centre) == epsg


def test_antimeridian_area_is_planned_on_both_sides() -> None:
    area = MultiPolygon(
        [shapely.box(179.9, -17.1, 180.0, -17.0), shapely.box(-180, -17.1, -179.9, -17)]
    )
    found = _windows(area, make_recipe())
    assert {epsg for epsg, _, _ in found} == {32760, 32701}
    # 0.2 x 0.1 degrees at 17 S is 21.3 x 11.1 km: about that many cells of 320 m, and the rims.
    assert (21300 / 320) * (11100 / 320) < len(found) < (21300 / 320 + 5) * (11100 / 320 + 4)


@pytest.mark.parametrize("area", [_area(0, 85, 1, 86), MultiPolygon()])
def test_areas_outside_utm_are_refused(area: MultiPolygon) -> None:
    with pytest.raises(AreaError, match="empty"):
        plan_tiles(area, make_recipe())


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([768, 1024, 4096]))
def test_blocks_find_the_windows_that_one_by_one_tests_find(seed: int, tile_px: int) -> None:
    rng = np.random.default_rng(seed)
    points = rng.uniform((11.3, 44.9), (12.4, 45.4), (40, 2))  # over an edge between zones
    ring = points[np.argsort(np.arctan2(*(points - points.mean(axis=0)).T))]
    star = shapely.make_valid(
        shapely.difference(shapely.Polygon(ring), shapely.box(11.7, 45, 12, 45.2))
    )
    area = MultiPolygon([p for p in shapely.get_parts(star) if p.geom_type == "Polygon"])
    recipe = make_recipe(tile_px=tile_px)
    found = _windows(area, recipe)
    for epsg in (32632, 32633):
        shape, back = to_utm(area, epsg), Transformer.from_crs(epsg, 4326, always_xy=True)
        left, bottom, right, top = shape.bounds
        for _ in range(400):
            x, y = (320.0 * rng.integers(a // 320 - 2, b // 320 + 2)
                    for a, b in ((left, right), (bottom, top)))  # fmt: skip
            met = shape.intersects(shapely.box(x, y - 640, x + 640, y))
            owned = zone_epsg(*back.transform(x + 320, y - 320)) == epsg
            assert ((epsg, x, y) in found) == (met and owned)
