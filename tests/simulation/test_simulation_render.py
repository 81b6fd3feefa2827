import numpy as np
import pytest

from sarlra.simulation.backscatter import make_backdrop
from sarlra.simulation.parameters import Cover
from sarlra.simulation.render import Moment, render
from sarlra.simulation.views import make_views

DAYS = (-57.0, -45.0, -33.0, -21.0, -9.0, 3.0)


@pytest.fixture(scope="module")
def views(sim_ground):
    return make_views(sim_ground)


@pytest.fixture(scope="module")
def series(sim_ground, views):
    """dB of six acquisitions by direction, (6, 2, rows, columns)."""
    found = {}
    for state, view in views.items():
        backdrop = make_backdrop(sim_ground, view)
        images = [
            render(sim_ground, view, Moment(day, 248 + day, k), backdrop=backdrop)
            for k, day in enumerate(DAYS)
        ]
        found[state] = 10 * np.log10(np.stack(images))
    return found


def _clear(view):
    return view.seen & ~view.layover & ~view.shadow & (view.local_incidence > 28)


def test_images_are_positive_and_repeatable_in_any_order(sim_ground, views):
    view = views["ascending"]
    late = render(sim_ground, view, Moment(3.0, 251.0, 5))
    early = render(sim_ground, view, Moment(-9.0, 239.0, 4))
    assert late.dtype == np.float32
    assert late.shape == (2, 512, 512)
    assert (late > 0).all()
    assert np.isfinite(late).all()
    again = render(sim_ground, view, Moment(-9.0, 239.0, 4))
    assert again.tobytes() == early.tobytes()


@pytest.mark.parametrize("state", ["ascending", "descending"])
def test_levels_are_those_of_the_covers(sim_ground, views, series, state):
    forest = (sim_ground.cover.classes == Cover.FOREST) & _clear(views[state])
    water = (sim_ground.cover.classes == Cover.WATER) & _clear(views[state])
    calm = series[state][:5].mean(axis=0)
    assert -10 < calm[0][forest].mean() < -7
    assert -15.5 < calm[1][forest].mean() < -12
    assert calm[0][water].mean() < calm[0][forest].mean() - 5


@pytest.mark.parametrize("state", ["ascending", "descending"])
def test_noise_of_the_change_is_that_of_five_and_one_looks(sim_ground, views, series, state):
    """method.md: with ENL 4.4, the dB change for (5, 1) has a standard deviation of 2.5."""
    still = (sim_ground.landslides.label == 0) & (sim_ground.confusers.label == 0)
    still &= (sim_ground.cover.classes == Cover.FOREST) & _clear(views[state])
    change = series[state][5] - np.median(series[state][:5], axis=0)
    for pol in range(2):
        assert 2.3 < change[pol][still].std() < 2.8
        assert abs(change[pol][still].mean()) < 1.5


@pytest.mark.parametrize("state", ["ascending", "descending"])
def test_slides_change_as_physics_has_it(sim_ground, views, series, state):
    slides, cover = sim_ground.landslides, sim_ground.cover.classes
    view = views[state]
    clear = _clear(view) & (cover == Cover.FOREST)
    change = series[state][5] - np.median(series[state][:5], axis=0)
    rest = clear & (slides.label == 0) & (sim_ground.confusers.label == 0)
    change = change - change[:, rest].mean(axis=1)[:, None, None]
    seen = np.concatenate([[False], slides.visible])[slides.label] & clear
    scar, deposit = seen & (slides.zone == 1), seen & (slides.zone == 2)
    assert change[1][scar].mean() < -3.0  # the canopy's volume is gone
    assert change[1][scar].mean() < change[1][deposit].mean() - 1.0  # debris is rough
    away = scar & (view.local_incidence > 50)
    facing = scar & (view.local_incidence < 38)
    if min(away.sum(), facing.sum()) > 100:
        assert change[0][away].mean() < change[0][facing].mean() - 1.0
    hidden = (slides.label > 0) & ~np.concatenate([[False], slides.visible])[slides.label] & clear
    if hidden.sum() > 100:
        assert abs(change[1][hidden].mean()) < 0.8


def test_landslides_come_with_the_earthquake(sim_ground, views):
    view = views["descending"]
    backdrop = make_backdrop(sim_ground, view)
    # The same weather and speckle a moment before and after: all else is equal.
    before = render(sim_ground, view, Moment(-1e-6, 248.0, 9), backdrop=backdrop)
    after = render(sim_ground, view, Moment(0.0, 248.0, 9), backdrop=backdrop)
    changed = (before != after).any(axis=0)
    assert not changed[sim_ground.landslides.label == 0].any()
    assert changed[sim_ground.landslides.label > 0].mean() > 0.8


def test_confusers_change_outside_slides_and_in_their_time(sim_ground):
    changes = sim_ground.confusers
    assert (changes.label[sim_ground.landslides.label > 0] == 0).all()
    assert changes.label.max() <= changes.start.size
    assert (changes.start < changes.end).all()
    assert not changes.active(-1e6).any()
    first = int(np.argmin(changes.start))
    assert changes.active(float(changes.start[first]))[first + 1]
    kinds = set(changes.target.tolist())
    assert {-1, int(Cover.CLEARCUT), int(Cover.FLOOD), int(Cover.GRAVEL)} <= kinds


def test_distorted_pixels_carry_no_usable_signal(sim_ground, views, series):
    view = views["descending"]
    poor = (view.layover | view.shadow) & view.seen
    spread = series["descending"][:5].std(axis=0)[0]
    assert poor.sum() > 500
    assert spread[poor].mean() > 1.4 * spread[_clear(view)].mean()
    slid = poor & (sim_ground.landslides.label > 0)
    backdrop = make_backdrop(sim_ground, view)
    flat = np.isin(backdrop.slid, np.flatnonzero(slid.ravel()))
    before = backdrop.before.reshape(2, -1)[:, backdrop.slid[flat]]
    assert np.allclose(before, backdrop.after[:, flat], atol=1e-3)
