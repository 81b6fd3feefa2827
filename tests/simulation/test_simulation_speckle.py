import numpy as np
import pytest
from scipy import stats

from sarlra.simulation.noise import smooth_noise, stream
from sarlra.simulation.speckle import speckle

SHAPE = (1024, 1024)


@pytest.mark.parametrize("looks", [1.0, 4.4, 16.0])
def test_looks_measured_are_those_asked_for(looks):
    grain = speckle(stream(1, "t"), SHAPE, looks=looks).astype(float)
    assert grain.mean() == pytest.approx(1.0, rel=0.01)
    assert grain.mean() ** 2 / grain.var() == pytest.approx(looks, rel=0.05)


def test_marginal_is_gamma():
    grain = speckle(stream(2, "t"), SHAPE).astype(float)
    far = grain[::12, ::12].ravel()  # far enough apart to be independent
    assert stats.kstest(far, stats.gamma(4.4, scale=1 / 4.4).cdf).pvalue > 0.001


def test_neighbours_are_correlated_and_distant_pixels_are_not():
    grain = speckle(stream(3, "t"), SHAPE)
    near = np.corrcoef(grain[:, 1:].ravel(), grain[:, :-1].ravel())[0, 1]
    far = np.corrcoef(grain[:, 8:].ravel(), grain[:, :-8].ravel())[0, 1]
    assert 0.6 < near < 0.8  # exp(-1 / (4 * 0.85^2)) = 0.71
    assert abs(far) < 0.02


def test_stretched_slopes_keep_their_looks_but_share_cells_along_rows():
    everywhere = np.ones(SHAPE, dtype=bool)
    grain = speckle(stream(4, "t"), SHAPE, stretched=everywhere).astype(float)
    assert grain.mean() ** 2 / grain.var() == pytest.approx(4.4, rel=0.08)
    along = np.corrcoef(grain[:, 2:].ravel(), grain[:, :-2].ravel())[0, 1]
    across = np.corrcoef(grain[2:].ravel(), grain[:-2].ravel())[0, 1]
    assert along > 0.5 > 0.3 > across


def test_streams_depend_on_seed_name_and_index_alone():
    first = stream(1, "a", 2).random(4)
    assert np.array_equal(first, stream(1, "a", 2).random(4))
    others = [stream(2, "a", 2), stream(1, "b", 2), stream(1, "a", 3)]
    assert not any(np.array_equal(first, other.random(4)) for other in others)


def test_smooth_noise_has_unit_variance_and_the_scale_asked_for():
    noise = smooth_noise(stream(5, "t"), SHAPE, 16.0)
    assert noise.std() == pytest.approx(1.0, abs=0.05)
    assert abs(noise.mean()) < 0.1
    near = np.corrcoef(noise[:, 4:].ravel(), noise[:, :-4].ravel())[0, 1]
    far = np.corrcoef(noise[:, 64:].ravel(), noise[:, :-64].ravel())[0, 1]
    assert near > 0.7
    assert abs(far) < 0.2
