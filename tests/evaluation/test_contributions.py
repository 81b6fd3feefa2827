"""Contributions of pixels: they add up, are what an analytic case says, and agree with shap."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.special import expit

from sarlra.errors import InputError, ModelError
from sarlra.evaluation.contributions import STEPS, TOLERANCE, Explainer
from sarlra.models.cnn import build_cnn
from sarlra.models.engine import import_keras


def _windows(number: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    windows = rng.normal(0, 1, (number, 64, 64, 2)).astype(np.float32)
    windows[..., 0] -= 9
    return windows


@pytest.fixture(scope="module")
def network() -> Any:
    """The CNN with random weights that let its scores differ."""
    network = build_cnn(2, 4, 0.5, [-9.0, 0.0], [1.0, 1.0])
    rng = np.random.default_rng(1)
    for layer in network.layers:
        if layer.name.startswith(("convolution", "dense", "score")):
            layer.set_weights([rng.normal(0, 0.15, w.shape) for w in layer.get_weights()])
    return network


def _linear() -> Any:
    """Only the change band counts, and only in the upper left quarter."""
    keras = import_keras()
    inputs = keras.layers.Input((64, 64, 2))
    x = keras.layers.Flatten()(inputs)
    network = keras.Model(inputs, keras.layers.Dense(1, activation="sigmoid")(x))
    weight = np.zeros((64, 64, 2), np.float32)
    weight[:32, :32, 1] = 0.02
    network.layers[-1].set_weights([weight.reshape(-1, 1), np.array([-1.0], np.float32)])
    return network


def test_a_linear_network_s_contributions_are_known() -> None:
    background, windows = _windows(6, 2), _windows(3, 3)
    windows[0, :32, :32, 1] += 2
    found = Explainer(_linear(), background).explain(windows)
    weight = np.zeros((64, 64, 2))
    weight[:32, :32, 1] = 0.02
    odds = (windows * weight).sum(axis=(1, 2, 3)) - 1
    base = (background * weight).sum(axis=(1, 2, 3)) - 1
    for n in range(3):
        factor = (expit(odds[n]) - expit(base)) / (odds[n] - base)
        expected = ((windows[n] - background) * weight * factor[:, None, None, None]).mean(axis=0)
        np.testing.assert_allclose(found.values[n], expected, atol=1e-6)
    np.testing.assert_allclose(found.score, expit(odds), atol=1e-5)
    assert found.base == pytest.approx(expit(base).mean(), abs=1e-5)
    np.testing.assert_allclose(found.residual, 0, atol=1e-4)
    assert not found.values[..., 0].any()
    assert found.values[0][:32, :32, 1].sum() > 0
    np.testing.assert_allclose(found.mean_over_bands, found.values.mean(axis=-1))


def test_contributions_of_the_cnn_add_up_and_depend_on_the_window_alone(network: Any) -> None:
    explainer = Explainer(network, _windows(8, 4))
    windows = _windows(4, 5)
    windows[:2, 20:44, 20:44, 1] += 3
    found = explainer.explain(windows)
    assert np.abs(found.residual).max() <= TOLERANCE
    np.testing.assert_allclose(found.score, network.predict(windows, verbose=0)[:, 0], atol=1e-5)
    alone = explainer.explain(windows[2:3])
    np.testing.assert_array_equal(alone.values[0], found.values[2])
    again = Explainer(network, _windows(8, 4)).explain(windows)
    np.testing.assert_array_equal(again.values, found.values)


def test_more_steps_come_nearer_to_the_integral(network: Any) -> None:
    explainer = Explainer(network, _windows(8, 4))
    window = _windows(1, 5)
    window[:, 20:44, 20:44, 1] += 3
    exact = explainer.explain(window, tolerance=0, most_steps=64)
    assert exact.gradients.tolist() == [8 * 64]
    missed = []
    for steps in (STEPS, 4 * STEPS):
        found = explainer.explain(window, tolerance=0, most_steps=steps)
        assert found.gradients.tolist() == [8 * steps]
        missed.append(float(np.abs(found.values - exact.values).sum()))
    assert missed[1] < 0.6 * missed[0]
    # Halving goes on from the steps that were made: as if they had been made at once.
    odds = explainer.log_odds_contributions(window[0], steps=64)
    near = np.corrcoef(odds.ravel(), exact.values.ravel())[0, 1]
    assert near > 0.9


def test_steps_agree_with_the_sampling_of_shap(network: Any) -> None:
    explainer = Explainer(network, _windows(6, 6))
    window = _windows(1, 7)[0]
    window[10:40, 10:40, 1] += 3
    exact = explainer.log_odds_contributions(window)
    sampled = explainer.explain_with_shap(window, samples=1200, seed=1)
    blocks = [a.reshape(8, 8, 8, 8, 2).sum(axis=(1, 3)).ravel() for a in (exact, sampled)]
    assert np.corrcoef(blocks[0], blocks[1])[0, 1] > 0.9
    state = np.random.get_state()[1].copy()  # the caller's generator is left alone
    explainer.explain_with_shap(window, samples=20)
    np.testing.assert_array_equal(np.random.get_state()[1], state)


def test_what_cannot_be_explained_is_refused(network: Any) -> None:
    with pytest.raises(InputError, match="the background has windows"):
        Explainer(network, np.zeros((4, 32, 32, 2), np.float32))
    keras = import_keras()
    inputs = keras.layers.Input((64, 64, 2))
    other = keras.Model(inputs, keras.layers.Dense(1)(keras.layers.Flatten()(inputs)))
    with pytest.raises(ModelError, match="ends in Dense with linear"):
        Explainer(other, np.zeros((4, 64, 64, 2), np.float32))
