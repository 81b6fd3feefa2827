"""Windows on the two sides of an edge between zones."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from sarlra.catalog.zone_edges import across_zone_edges


def table(rows: list[tuple[float, float, int, float, str]]) -> gpd.GeoDataFrame:
    """Rows of (longitude, latitude, zone, score, track), squares of 0.006 degrees."""
    lon, lat, zone, score, track = (np.array(v) for v in zip(*rows, strict=True))
    shapes = shapely.box(lon, lat, lon + 0.006, lat + 0.006)
    return gpd.GeoDataFrame(
        {"track": track, "epsg": zone.astype("int32"), "score": score.astype("float32"),
         "x": lon * 1e5, "y": lat * 1e5}, geometry=shapes, crs=4326,
    )  # fmt: skip


def test_of_a_pair_over_an_edge_the_higher_score_stays() -> None:
    found = across_zone_edges(
        table([
            (5.997, 45.0, 32631, 0.9, "T001A"), (5.999, 45.0, 32632, 0.8, "T001A"),
            (5.997, 46.0, 32631, 0.7, "T001A"), (5.999, 46.0, 32632, 0.8, "T001A"),
            (5.997, 47.0, 32631, 0.7, "T001A"), (5.999, 47.0, 32632, 0.8, "T002D"),
            (5.994, 48.0, 32631, 0.7, "T001A"), (5.9995, 48.0, 32632, 0.8, "T001A"),
            (5.997, 49.0, 32631, 0.8, "T001A"), (5.999, 49.0, 32632, 0.8, "T001A"),
            (5.997, 50.0, 32631, 0.8, "T001A"), (5.999, 50.0, 32631, 0.7, "T001A"),
        ]), 0.1,
    )  # fmt: skip
    kept = [(True, False), (False, True), (True, True), (True, True), (True, False), (True, True)]
    assert found.tolist() == [value for pair in kept for value in pair]


ROWS = st.tuples(
    st.integers(0, 12).map(lambda i: 5.98 + i * 0.003),
    st.integers(0, 4).map(lambda i: 45.0 + i * 0.003),
    st.sampled_from([32631, 32632]),
    st.sampled_from([0.5, 0.6, 0.7]),
    st.sampled_from(["T001A", "T002D"]),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(ROWS, min_size=1, max_size=25, unique_by=lambda r: (r[0], r[1], r[2], r[4])),
       st.randoms())  # fmt: skip
def test_what_stays_is_apart_and_the_order_of_rows_does_not_matter(rows, random) -> None:  # type: ignore[no-untyped-def]
    made = table(rows)
    keep = across_zone_edges(made, 0.1)
    shapes = made.geometry.to_numpy()

    def rivals(a: int, b: int) -> bool:
        common = shapes[a].intersection(shapes[b]).area
        union = shapes[a].area + shapes[b].area - common
        return rows[a][4] == rows[b][4] and rows[a][2] != rows[b][2] and common > 0.1 * union

    indices = range(len(rows))
    for a in indices:
        over = [b for b in indices if a != b and rivals(a, b)]
        if keep[a]:
            assert not any(keep[b] for b in over)
        else:
            assert any(keep[b] and rows[b][3] >= rows[a][3] for b in over)
    order = list(indices)
    random.shuffle(order)
    shuffled = across_zone_edges(table([rows[i] for i in order]), 0.1)
    assert {rows[i] for i, stays in zip(order, shuffled, strict=True) if stays} == {
        rows[i] for i in indices if keep[i]
    }
