import geopandas as gpd
import numpy as np
import pytest
import shapely
from rasterio import features

from sarlra.simulation.ground import make_ground
from sarlra.simulation.landslides import draw_areas
from sarlra.simulation.layout import DEFAULT_CENTRE, DEFAULT_EPSG, make_layout
from sarlra.simulation.noise import stream


def _tail_exponent(areas, low, high):
    """Maximum likelihood exponent of a power law cut at both ends (bisection on the score)."""
    logs = np.log(areas[(areas >= low) & (areas <= high)] / low)
    span = np.log(high / low)
    a, b = 0.05, 6.0
    for _ in range(80):
        k = (a + b) / 2
        expected = 1 / k - span / np.expm1(k * span)
        a, b = (a, k) if expected < logs.mean() else (k, b)
    return a + 1


def test_tail_of_the_areas_is_a_power_law():
    areas = draw_areas(stream(1, "t"), 400_000)
    assert areas.min() >= 800
    assert areas.max() <= 350_000
    assert _tail_exponent(areas, 60_000, 350_000) == pytest.approx(2.4, abs=0.12)
    # Small ones roll over: fewer than the tail's continuation would have.
    assert _tail_exponent(areas, 1_000, 4_000) < 1.6


def test_areas_have_the_published_density():
    from scipy import stats

    areas = draw_areas(stream(2, "t"), 50_000)
    law = stats.invgamma(1.40, loc=-132.0, scale=5120.0)
    low, high = law.cdf([800.0, 350_000.0])
    assert stats.kstest(areas, lambda a: (law.cdf(a) - low) / (high - low)).pvalue > 0.001


def test_placed_slides_keep_their_areas_and_do_not_overlap(sim_ground):
    slides = sim_ground.landslides
    assert 20 <= len(slides.polygons) <= 60
    assert all(p.is_valid for p in slides.polygons)
    tree = shapely.STRtree(slides.polygons)
    pairs = tree.query(slides.polygons, predicate="overlaps")
    assert pairs.shape[1] == 0
    pixels = np.bincount(slides.label.ravel())[1:] * 100.0
    large = slides.areas > 5000
    assert np.abs(pixels[large] / slides.areas[large] - 1).max() < 0.15
    assert pixels.sum() == pytest.approx(slides.areas.sum(), rel=0.03)


def test_slides_start_on_steep_ground_and_run_down(sim_ground):
    slides, terrain = sim_ground.landslides, sim_ground.terrain
    assert np.median(terrain.slope[slides.zone == 1]) > 24
    drops = []
    for number in range(1, len(slides.polygons) + 1):
        here = slides.label == number
        source, deposit = here & (slides.zone == 1), here & (slides.zone == 2)
        if source.sum() > 5 and deposit.sum() > 5:
            drops.append(terrain.elevation[source].mean() - terrain.elevation[deposit].mean())
    assert len(drops) > 10
    assert min(drops) > 0


def test_inventory_lies_where_the_slides_are(sim_world, sim_ground):
    frame = gpd.read_file(sim_world.inventory, layer="landslides")
    assert frame.crs.to_epsg() == 4326
    assert list(frame.columns) == ["id", "area_m2", "kind", "geometry"]
    assert set(frame["kind"]) == {"visible", "not"}
    assert (frame["kind"] == "visible").sum() == sim_world.n_visible
    assert len(frame) == sim_world.n_landslides == len(sim_ground.landslides.polygons)
    layout = sim_ground.layout
    back = frame.to_crs(layout.epsg)
    assert np.allclose(back.area, frame["area_m2"], rtol=1e-3)
    drawn = features.rasterize(
        zip(back.geometry, back["id"], strict=True),
        (layout.size_px, layout.size_px),
        transform=layout.transform,
        dtype="int32",
    )
    differing = (drawn != sim_ground.landslides.label).sum()
    # Rounding of the reprojection may move a pixel centre over an edge.
    assert differing <= 0.002 * (drawn > 0).sum() + 2


@pytest.mark.slow
def test_the_default_world_has_the_promised_landslides():
    ground = make_ground(1, make_layout(2048, DEFAULT_EPSG, DEFAULT_CENTRE))
    slides = ground.landslides
    assert 300 <= len(slides.polygons) <= 600
    share = (slides.label > 0).reshape(32, 64, 32, 64).mean(axis=(1, 3))
    assert 0.05 <= (share > 0.05).mean() <= 0.12
    left, top = ground.layout.left, ground.layout.top
    middle = np.array([p.centroid.coords[0] for p in slides.polygons])
    distance = np.hypot(*(middle - ground.epicentre).T)
    yy, xx = np.mgrid[top - 5 : top - 20475 : -200, left + 5 : left + 20475 : 200]
    anywhere = np.hypot(xx - ground.epicentre[0], yy - ground.epicentre[1])
    assert np.median(distance) < 0.8 * np.median(anywhere)
