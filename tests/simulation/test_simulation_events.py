import json

import numpy as np
import pyogrio
import pytest
import rasterio

from sarlra.errors import InputError
from sarlra.simulation.event_worlds import GAP_PX, WORLD_PX, plan_worlds, simulate_event
from sarlra.simulation.events_table import CALIFORNIA, DEFAULT, EVENTS, find_profile
from sarlra.simulation.faults import Fault, fringe, shifted
from sarlra.simulation.ground import make_ground
from sarlra.simulation.layout import make_layout
from sarlra.simulation.noise import stream
from sarlra.simulation.parameters import Cover
from sarlra.simulation.render import Moment, render
from sarlra.simulation.world import make_views, simulate


def _ground(name, size=512, seed=1):
    kind = find_profile(name)
    return make_ground(seed, make_layout(size, kind.epsg, kind.centre), kind)


def test_six_to_learn_from_and_two_unseen():
    roles = [p.role for p in EVENTS]
    assert roles.count("train") == 6
    assert roles.count("unseen") == 2
    everything = (DEFAULT, *EVENTS, CALIFORNIA)
    assert len({p.name for p in everything}) == len({p.number for p in everything}) == 10


def test_events_have_from_hundreds_to_tens_of_thousands_of_landslides():
    expected = []
    for profile in EVENTS:
        km2 = profile.worlds[0] * profile.worlds[1] * (WORLD_PX / 100) ** 2
        expected.append(profile.failure.per_km2 * km2 * (1 - profile.relief.drowned))
    assert min(expected) < 1_000
    assert max(expected) > 10_000


def test_unseen_events_lie_outside_what_is_learned_from():
    learned = [p for p in EVENTS if p.role == "train"]

    def outside(value, take):
        values = [take(p) for p in learned]
        return not min(values) <= value <= max(values)

    takes = (
        lambda p: p.failure.rho,
        lambda p: p.failure.ratio,
        lambda p: p.radar.descending_incidence,
        lambda p: p.failure.aspect,
        lambda p: p.weather.wet_chance,
        lambda p: p.weather.wet_mean,
        lambda p: p.relief.limit_deg,
    )
    for profile in (p for p in EVENTS if p.role == "unseen"):
        assert sum(outside(take(profile), take) for take in takes) >= 3, profile.name


def test_worlds_of_events_are_legal_places_apart_and_share_no_seed():
    seeds = []
    for profile in EVENTS:
        boxes = []
        for plan in plan_worlds(profile):
            boxes.append(make_layout(WORLD_PX, profile.epsg, plan.centre).bounds)
            seeds.append(plan.seed)
        for k, one in enumerate(boxes):
            for other in boxes[k + 1 :]:
                gap_x = max(one[0], other[0]) - min(one[2], other[2])
                gap_y = max(one[1], other[1]) - min(one[3], other[3])
                assert max(gap_x, gap_y) >= GAP_PX * 10
    seeds += [plan.seed for p in EVENTS for plan in plan_worlds(p, draw=1)]
    assert len(set(seeds)) == len(seeds)


def test_an_event_can_be_made_larger_than_the_table_has_it():
    plans = plan_worlds("conifer-hills", worlds=(5, 6))
    assert len({plan.seed for plan in plans}) == len({plan.centre for plan in plans}) == 30
    step = (WORLD_PX + GAP_PX) * 10
    assert plans[1].centre[0] - plans[0].centre[0] == step
    assert plans[0].centre[1] - plans[6].centre[1] == step
    for plan in plans:
        make_layout(WORLD_PX, 32654, plan.centre)  # refuses what leaves the zone
    with pytest.raises(InputError, match="11 x 10 worlds"):
        plan_worlds("conifer-hills", worlds=(11, 10))
    with pytest.raises(InputError, match="no draw 99"):
        plan_worlds("conifer-hills", 99)


@pytest.mark.parametrize("profile", EVENTS, ids=lambda p: p.name)
def test_each_event_is_what_its_profile_says(profile):
    ground = _ground(profile.name)
    classes = ground.cover.classes
    land = ~ground.terrain.sea
    slopes = land & (ground.terrain.slope > 12)
    assert (classes[slopes] == profile.greenery.slopes).mean() > 0.25
    assert ground.terrain.sea.mean() == pytest.approx(profile.relief.drowned, abs=0.06)
    assert (classes == Cover.SEA).sum() == ground.terrain.sea.sum()
    assert len(ground.landslides.polygons) >= 8
    assert not (ground.landslides.label[ground.terrain.sea] > 0).any()
    view = make_views(ground)["descending"]
    image = render(ground, view, Moment(3.0, 200.0, 5))
    assert image.shape == (len(profile.radar.polarisations), 512, 512)
    assert np.isfinite(image).all()
    assert (image > 0).all()


def test_slides_follow_the_aspect_of_the_profile():
    from dataclasses import replace

    profile = find_profile("conifer-hills")
    layout = make_layout(512, profile.epsg, profile.centre)
    facing = []
    for aspect in (0.0, 180.0):
        failure = replace(profile.failure, aspect=aspect, aspect_gain=30.0)
        ground = make_ground(3, layout, replace(profile, failure=failure))
        source = ground.landslides.zone == 1
        terrain = ground.terrain
        facing.append((-terrain.north)[source].mean())  # positive on slopes that face north
    assert facing[0] > facing[1] + 0.1


def test_wet_snow_darkens_the_heights_at_times():
    ground = _ground("alpine-gorges")
    view = make_views(ground)["descending"]
    high = ground.terrain.elevation > np.quantile(ground.terrain.elevation, 0.93)
    high &= ~view.layover & ~view.shadow
    level = []
    for number in range(12):
        image = 10 * np.log10(render(ground, view, Moment(-5.0, 300.0, number))[0])
        level.append(image[high].mean() - image[~high].mean())
    assert max(level) - min(level) > 1.5


def test_a_vv_archive_has_no_vh(tmp_path):
    world = simulate(1, tmp_path / "w", size_px=256, pre_days=12, profile="monsoon-terraces")
    features = json.loads(world.items.read_text())["features"]
    scenes = [f for f in features if f["collection"].startswith("sentinel-1")]
    for item in scenes:
        assert "_1SSV_" in item["id"]
        assert item["properties"]["sar:polarizations"] == ["VV"]
        assert all(name.endswith("vv") for name in item["assets"])
    assert not list((tmp_path / "w").rglob("*vh*"))
    # Before 2018: zeros, and values near zero, along the borders.
    path = next((tmp_path / "w" / "rtc").rglob("*.tiff"))
    with rasterio.open(path) as raster:
        image = raster.read(1)
    held = image != -32768
    assert (image[held] == 0).mean() > 0.005
    assert ((image[held] > 0) & (image[held] < 1e-4)).mean() > 0.002
    assert np.median(image[held]) > 0.01
    assert pyogrio.read_info(world.inventory, layer="landslides")["features"] == world.n_landslides


def test_faults_touch_their_acquisition_alone(tmp_path):
    faults = (
        Fault("shift", "descending", 2, (1.5, -2.0)),
        Fault("stripes", "descending", 1),
        Fault("fringe", "ascending", 1),
    )
    simulate(3, tmp_path / "good", size_px=256, pre_days=24)
    simulate(3, tmp_path / "bad", size_px=256, pre_days=24, faults=faults)
    differing = {}
    for path in sorted((tmp_path / "good" / "rtc").rglob("iw-vv.rtc.tiff")):
        name = path.relative_to(tmp_path / "good")
        with rasterio.open(path) as one, rasterio.open(tmp_path / "bad" / name) as other:
            good, bad = one.read(1), other.read(1)
        assert np.array_equal(good == -32768, bad == -32768)
        if not np.array_equal(good, bad):
            differing.setdefault(name.parts[1][17:25], []).append((good, bad))
    assert len(differing) == 3
    pairs = [pair for group in differing.values() for pair in group]
    brighter = [(bad >= good - 1e-9).all() and (bad > good).any() for good, bad in pairs]
    zeros = [(bad[good > 0] == 0).any() for good, bad in pairs]
    assert any(brighter)
    assert any(zeros)


def test_a_shift_moves_down_and_right():
    image = np.zeros((1, 9, 9), dtype=np.float32)
    image[0, 4, 4] = 1.0
    moved = shifted(image, (2.0, -1.0))
    assert moved[0, 6, 3] == pytest.approx(1.0)
    half = shifted(image, (0.5, 0.0))
    assert half[0, 4, 4] == pytest.approx(0.5)
    assert half[0, 5, 4] == pytest.approx(0.5)


def test_fringes_stay_within_eight_pixels_of_the_border():
    mask = np.zeros((120, 120), dtype=bool)
    mask[20:100, 10:90] = True
    zero, low = fringe(mask, stream(1, "t"))
    assert zero.any()
    assert (low & ~zero).any()
    assert (zero <= low).all()
    assert (low <= mask).all()
    assert not low[28:92, 18:82].any()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"profile": "atlantis"}, "atlantis"),
        ({"faults": (Fault("shift", "ascending", 0),)}, "shift"),
        ({"faults": (Fault("shift", "ascending", 0, (float("nan"), 1.0)),)}, "shift"),
        ({"faults": (Fault("smoke", "ascending", 0),)}, "smoke"),
    ],
)
def test_bad_events_and_faults_are_named(tmp_path, arguments, words):
    with pytest.raises(InputError, match=words):
        simulate(1, tmp_path / "w", size_px=256, **arguments)
    assert not (tmp_path / "w").exists()


@pytest.mark.slow
def test_an_event_is_made_world_by_world(tmp_path):
    worlds = simulate_event("caldera-slopes", tmp_path)
    first = next(worlds)
    assert [p.name for p in tmp_path.iterdir()] == [str(first.seed)]
    second = next(worlds)
    assert first.origin == second.origin
    assert first.n_landslides + second.n_landslides > 300
    assert next(worlds, None) is None
