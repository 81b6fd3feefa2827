"""The networks against a plain NumPy reading of the paper, and against the published files."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sarlra.models.cnn import build_cnn, build_sar_lra_v1
from tests.models.plain_layers import bilinear_to_16, convolve, normalise, pool


def _random_weights(network: Any, seed: int) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    weights = [rng.normal(0, 0.3, w.shape).astype(np.float32) for w in network.get_weights()]
    names = [w.name for w in network.weights]
    weights = [
        np.abs(w) + 0.5 if n == "moving_variance" else w
        for w, n in zip(weights, names, strict=True)
    ]
    network.set_weights(weights)
    return weights


def _forward(window: np.ndarray, weights: list[np.ndarray], levels: bool) -> float:
    features, x, left = [], window.astype(np.float64), [w.astype(np.float64) for w in weights]
    for number in range(3):
        kernel, bias, gamma, beta, mean, variance, *left = left
        x = normalise(np.maximum(convolve(x, kernel, bias), 0), gamma, beta, mean, variance)
        features.append(bilinear_to_16(x))
        if number < 2:
            x = pool(x)
    joined = np.concatenate(features if levels else [features[2]] * 3, axis=-1)
    dense, dense_bias, last, last_bias = left
    hidden = np.maximum(pool(joined).reshape(-1) @ dense + dense_bias, 0)
    return float(1 / (1 + np.exp(-(hidden @ last + last_bias)[0])))


def _windows(number: int, bands: int) -> np.ndarray:
    """Of different levels and contrasts, so that their scores differ."""
    rng = np.random.default_rng(bands)
    level, contrast = rng.normal(-4, 6, (2, number, 1, 1, bands))
    noise = rng.normal(0, 1, (number, 64, 64, bands))
    return np.asarray(level + contrast * noise, dtype=np.float32)


def test_the_paper_s_cnn_is_what_the_paper_says() -> None:
    mean, variance = [-9.0, 0.5], [4.0, 2.25]
    network = build_cnn(2, 2, 0.5, mean, variance)
    weights = _random_weights(network, 1)
    weights[-2] *= 0.5  # keep the sigmoid off its ends
    network.set_weights(weights)
    windows = _windows(3, 2)
    standard = (windows - np.array(mean)) / np.sqrt(variance)
    expected = [_forward(w, weights, levels=True) for w in standard]
    scores = network.predict(windows, verbose=0)[:, 0]
    assert np.ptp(expected) > 0.01
    np.testing.assert_allclose(scores, expected, atol=1e-5)


def test_the_published_variant_repeats_the_third_level() -> None:
    network = build_sar_lra_v1(2)
    weights = _random_weights(network, 3)
    weights[-2] *= 0.2
    network.set_weights(weights)
    windows = _windows(3, 4)
    expected = [_forward(w, weights, levels=False) for w in windows]
    assert np.ptp(expected) > 0.01
    np.testing.assert_allclose(network.predict(windows, verbose=0)[:, 0], expected, atol=1e-5)


@pytest.mark.parametrize(("filters", "published_bytes"), [(32, 6_412_304), (64, 25_516_560)])
def test_the_variant_has_the_size_of_the_published_files(
    filters: int, published_bytes: int
) -> None:
    # HDF5 adds a little that does not depend on the number of filters.
    numbers = 4 * build_sar_lra_v1(filters).count_params()
    assert 30_000 < published_bytes - numbers < 50_000


def test_flattened_features_of_both_networks() -> None:
    for network in (build_cnn(4, 32, 0.5, [0.0] * 4, [1.0] * 4), build_sar_lra_v1(32)):
        assert network.get_layer("flatten").output.shape == (None, 8 * 8 * 3 * 32)
        assert network.get_layer("dense").output.shape == (None, 8 * 32)
