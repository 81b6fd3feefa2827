"""Models for the tests: one folder each, TensorFlow loaded once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sarlra.models.import_hdf5 import import_weights
from sarlra.models.info import ModelInfo


@pytest.fixture
def user_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's model folder, empty and the test's own."""
    folder = tmp_path / "models"
    monkeypatch.setenv("SARLRA_MODELS", str(folder))
    return folder


@pytest.fixture(scope="session")
def reference_model(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> ModelInfo:
    """The reference weights, imported."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SARLRA_MODELS", str(tmp_path_factory.mktemp("reference")))
        file = shared_data / "reference" / "ascending.hdf5"
        return import_weights(file, name="reference", filters=32, orbit_states=("ascending",))


@pytest.fixture(scope="session")
def network_bytes() -> bytes:
    """A small network of four bands with random weights, as a .keras file."""
    from sarlra.models.cnn import build_cnn
    from sarlra.models.packing import pack_network

    network = build_cnn(4, 2, 0.5, [-9.0, -16.0, 0.0, 0.0], [4.0, 4.0, 2.0, 2.0])
    rng = np.random.default_rng(5)
    weights = [rng.normal(0, 0.3, w.shape).astype(np.float32) for w in network.get_weights()]
    for variable, array in zip(network.weights, weights, strict=True):
        if variable.name == "moving_variance":
            array[:] = 1.0
    network.set_weights(weights)
    return pack_network(network)
