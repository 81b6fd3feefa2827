import numpy as np
import pytest

from sarlra.simulation.cover import make_cover
from sarlra.simulation.drainage import evolve, fill_pits
from sarlra.simulation.parameters import Cover
from sarlra.simulation.terrain import make_terrain


@pytest.fixture(scope="module")
def drainage():
    rng = np.random.default_rng(5)
    shape = (40, 50)
    start = rng.random(shape) * 200
    full = np.full(shape, 80.0)
    return evolve(start, full, full / 230, np.full(shape, 0.6), 80.0, 120)


def test_all_water_reaches_the_base_level(drainage):
    rows, cols = drainage.elevation.shape
    place = np.arange(rows * cols)
    for _ in range(rows * cols):
        onward = drainage.receiver[place]
        if np.array_equal(onward, place):
            break
        place = onward
    assert (place // cols == rows - 1).all()
    # What drains through the outlets is the whole area, once.
    assert drainage.area[-cols:].sum() == pytest.approx(rows * cols * 80.0**2)


def test_water_runs_downhill_and_no_slope_passes_the_threshold(drainage):
    z, receiver = drainage.elevation.ravel(), drainage.receiver
    moving = receiver != np.arange(z.size)
    assert (z[moving] > z[receiver[moving]]).all()
    cols = drainage.elevation.shape[1]
    here = np.stack(np.divmod(np.arange(z.size), cols))
    there = np.stack(np.divmod(receiver, cols))
    distance = 80.0 * np.hypot(*(here - there))
    slope = (z - z[receiver])[moving] / distance[moving]
    # The last routing may differ from that of the last step by little.
    assert np.quantile(slope, 0.99) < 0.65


def test_steady_state_balances_uplift_and_incision(drainage):
    # U = K A^0.5 S away from threshold slopes, so S A^0.5 = U / K = 230.
    z, receiver, area = drainage.elevation.ravel(), drainage.receiver, drainage.area
    cols = drainage.elevation.shape[1]
    here = np.stack(np.divmod(np.arange(z.size), cols))
    there = np.stack(np.divmod(receiver, cols))
    distance = 80.0 * np.hypot(*(here - there))
    river = (area > 1e6) & (distance > 0)
    steepness = (z - z[receiver])[river] / distance[river] * np.sqrt(area[river])
    assert np.median(steepness) == pytest.approx(230, rel=0.05)


def test_pits_are_filled_and_nothing_else():
    z = np.full((7, 7), 10.0)
    z[3, 3] = 1.0
    z[-1] = 0.0
    base = np.zeros(z.shape, dtype=bool)
    base[-1] = True
    filled = fill_pits(z, base, rise=0.0)
    assert filled[3, 3] == 10.0
    filled[3, 3] = 1.0
    assert np.array_equal(filled, z)


def test_terrain_is_mountainous_and_repeatable():
    terrain = make_terrain(3, 320)
    assert terrain.elevation.shape == (320, 320)
    assert terrain.padded.shape == (448, 448)
    assert np.array_equal(terrain.padded[64:-64, 64:-64], terrain.elevation)
    assert np.isfinite(terrain.padded).all()
    assert terrain.elevation.min() >= 50
    assert np.ptp(terrain.elevation) > 300
    assert 20 < np.median(terrain.slope) < 38
    again = make_terrain(3, 320)
    assert again.padded.tobytes() == terrain.padded.tobytes()
    assert make_terrain(4, 320).padded.tobytes() != terrain.padded.tobytes()


def test_gradient_points_uphill(sim_ground):
    t = sim_ground.terrain
    rise = (t.elevation[:, 2:] - t.elevation[:, :-2]) / 20.0
    assert np.corrcoef(rise.ravel(), t.east[:, 1:-1].ravel())[0, 1] > 0.9
    rise = (t.elevation[:-2] - t.elevation[2:]) / 20.0  # row 0 is the northernmost
    assert np.corrcoef(rise.ravel(), t.north[1:-1].ravel())[0, 1] > 0.9


def test_rivers_run_low(sim_ground):
    t = sim_ground.terrain
    river = (t.river_distance < 20) & (t.river_area > 5e6)
    assert river.any()
    assert np.median(t.elevation[river]) < np.quantile(t.elevation, 0.35)
    assert np.median(t.slope[river]) < 15


def test_cover_follows_the_relief(sim_ground):
    classes, slope = sim_ground.cover.classes, sim_ground.terrain.slope
    assert 0.4 < (classes == Cover.FOREST).mean() < 0.85
    assert slope[classes == Cover.CROP].max() < 9
    assert np.median(slope[classes == Cover.ROCK]) > 42
    assert (sim_ground.terrain.river_distance[classes == Cover.WATER] < 120).all()
    assert {Cover.FOREST, Cover.GRASS, Cover.CROP, Cover.ROCK, Cover.WATER} <= set(
        np.unique(classes)
    )
    assert np.array_equal(sim_ground.cover.parcel > 0, classes == Cover.CROP)
    again = make_cover(sim_ground.seed, sim_ground.terrain)
    assert np.array_equal(again.classes, classes)
