"""The other networks against a plain NumPy reading of their papers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sarlra.models.architectures import BUILDERS, TITLES
from sarlra.models.cbam import build_cbam
from sarlra.models.keras_file import load_network
from sarlra.models.packing import pack_network
from sarlra.models.resnet import build_resnet
from tests.models.plain_layers import bilinear_to_16, convolve, normalise, pool

Array = np.ndarray
Weights = dict[str, list[Array]]
MEAN, VARIANCE = [-9.0, 0.5], [4.0, 2.25]


def _random(network: Any, seed: int) -> Weights:
    """Random weights, also as arrays by layer."""
    rng = np.random.default_rng(seed)
    for layer in network.layers:
        if layer.name == "standardise":
            continue
        layer.set_weights([rng.normal(0, 0.3, w.shape) for w in layer.get_weights()])
        if layer.name.startswith("normalisation"):
            values = layer.get_weights()
            layer.set_weights([*values[:3], np.abs(values[3]) + 0.5])
    # Scores off the sigmoid's ends.
    last = network.get_layer("score")
    last.set_weights([w * 0.2 for w in last.get_weights()])
    return {layer.name: [np.float64(w) for w in layer.get_weights()] for layer in network.layers}


def _sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def _classify(x: Array, w: Weights) -> float:
    dense, dense_bias = w["dense"]
    last, last_bias = w["score"]
    hidden = np.maximum(x.reshape(-1) @ dense + dense_bias, 0)
    return float(_sigmoid(hidden @ last + last_bias)[0])


def _cbam(window: Array, w: Weights) -> float:
    x, features = (window - np.array(MEAN)) / np.sqrt(VARIANCE), []
    for n in (1, 2, 3):
        x = np.maximum(convolve(x, *w[f"convolution_{n}"]), 0)
        x = normalise(x, *w[f"normalisation_{n}"])
        (a, b), (c, d) = w[f"channel_narrow_{n}"], w[f"channel_wide_{n}"]
        pooled = [x.mean(axis=(0, 1)), x.max(axis=(0, 1))]
        x = x * _sigmoid(sum(np.maximum(p @ a + b, 0) @ c + d for p in pooled))
        both = np.stack([x.mean(axis=-1), x.max(axis=-1)], axis=-1)
        x = x * _sigmoid(convolve(both, *w[f"spatial_weight_{n}"]))
        features.append(bilinear_to_16(x))
        if n < 3:
            x = pool(x)
    return _classify(pool(np.concatenate(features, axis=-1)), w)


def _resnet(window: Array, w: Weights) -> float:
    x = (window - np.array(MEAN)) / np.sqrt(VARIANCE)
    x = np.maximum(normalise(convolve(x, *w["convolution_0"]), *w["normalisation_0"]), 0)
    for n in (1, 2, 3):
        x = pool(x)
        y = normalise(convolve(x, *w[f"convolution_{n}a"]), *w[f"normalisation_{n}a"])
        y = np.maximum(y, 0)
        y = normalise(convolve(y, *w[f"convolution_{n}b"]), *w[f"normalisation_{n}b"])
        x = np.maximum(x + y, 0)
    return _classify(x, w)


@pytest.mark.parametrize(("build", "by_hand"), [(build_cbam, _cbam), (build_resnet, _resnet)])
def test_a_network_is_what_its_paper_says(build: Any, by_hand: Any) -> None:
    network = build(2, 3, 0.5, MEAN, VARIANCE)
    weights = _random(network, 4)
    rng = np.random.default_rng(5)
    level, contrast = rng.normal(-4, 6, (2, 3, 1, 1, 2))
    windows = (level + contrast * rng.normal(0, 1, (3, 64, 64, 2))).astype(np.float32)
    expected = [by_hand(window, weights) for window in windows]
    assert np.ptp(expected) > 0.01
    np.testing.assert_allclose(network.predict(windows, verbose=0)[:, 0], expected, atol=2e-5)


@pytest.mark.parametrize("name", list(BUILDERS))
@pytest.mark.parametrize("bands", [2, 4])
def test_all_networks_keep_one_contract_and_load_in_safe_mode(name: Any, bands: int) -> None:
    network = BUILDERS[name](bands, 8, 0.5, [0.0] * bands, [1.0] * bands, 0.9)
    loaded = load_network(pack_network(network), name)
    assert loaded.input_shape == (None, 64, 64, bands)
    assert loaded.output_shape == (None, 1)
    assert loaded.get_layer("standardise")
    windows = np.random.default_rng(0).normal(size=(4, 64, 64, bands)).astype(np.float32)
    scores = loaded.predict(windows, verbose=0)
    np.testing.assert_array_equal(scores, network.predict(windows, verbose=0))
    assert ((scores >= 0) & (scores <= 1)).all()
    assert TITLES[name]
