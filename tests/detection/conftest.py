"""Small networks with random weights, whose scores spread over [0, 1]."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sarlra.models.info import ModelInfo
from sarlra.models.registry import find_model
from sarlra.models.scoring import Scorer, load_scorer


def _small(bands: int, folder: Path) -> ModelInfo:
    from sarlra.models.cnn import build_cnn
    from sarlra.models.packing import pack_network

    post = bands // 2
    mean, variance = [-9.0] * post + [0.0] * post, [4.0] * post + [2.0] * post
    network = build_cnn(bands, 2, 0.5, mean, variance)
    rng = np.random.default_rng(bands)
    weights = [rng.normal(0, 0.4, w.shape).astype(np.float32) for w in network.get_weights()]
    for variable, array in zip(network.weights, weights, strict=True):
        if variable.name == "moving_variance":
            array[:] = 1.0
    network.set_weights(weights)
    file = folder / f"small-{bands}.keras"
    file.write_bytes(pack_network(network))
    return find_model(str(file))


@pytest.fixture(scope="session")
def small_model(tmp_path_factory: pytest.TempPathFactory) -> ModelInfo:
    """VV_VH, two filters."""
    return _small(4, tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="session")
def small_vv_model(tmp_path_factory: pytest.TempPathFactory) -> ModelInfo:
    """VV, two filters."""
    return _small(2, tmp_path_factory.mktemp("small-vv"))


@pytest.fixture(scope="session")
def scorer(small_model: ModelInfo) -> Scorer:
    return load_scorer(small_model)
