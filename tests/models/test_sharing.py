"""The kernels against Keras, and one window's score wherever it is computed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sarlra.models.keras_file import check_keras_file, load_network
from sarlra.models.layered import LayeredCnn, read_layered
from sarlra.models.packing import pack_network
from sarlra.models.registry import DEFAULT_MODELS, find_model
from sarlra.models.scoring import load_scorer
from sarlra.models.sharing import score_image, score_windows


def _read(data: bytes) -> LayeredCnn | None:
    return read_layered(data, check_keras_file(data, "network"), "network")


def _layered(data: bytes) -> LayeredCnn:
    network = _read(data)
    assert network is not None
    return network


def _image(bands: int, rows: int, columns: int, seed: int = 2) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    blocks = rng.normal(0, 4, (bands, rows // 32 + 1, columns // 32 + 1))
    level = blocks.repeat(32, axis=1).repeat(32, axis=2)[:, :rows, :columns]
    noise = rng.normal(0, 2, (bands, rows, columns))
    centre = np.array([-10.5, -17.0, 0.0, 0.0][:: 1 if bands == 4 else 2])[:, None, None]
    return list((centre + level + noise).astype(np.float32))


def _cut(image: list[np.ndarray], positions: np.ndarray) -> np.ndarray:
    stacked = np.stack(image, axis=-1)
    return np.stack([stacked[r : r + 64, c : c + 64] for r, c in positions])


def _lattice(rows: int, columns: int) -> np.ndarray:
    return np.array([(r, c) for r in range(0, rows - 63, 32) for c in range(0, columns - 63, 32)])


@pytest.mark.parametrize("name", sorted(DEFAULT_MODELS.values()))
def test_scores_of_shipped_models_are_those_of_keras(name: str) -> None:
    info = find_model(name)
    data = info.path.read_bytes()
    image = _image(len(info.bands), 320, 288)
    positions = _lattice(320, 288)
    expected = load_network(data, name).predict(_cut(image, positions), verbose=0)[:, 0]
    found = score_image(_layered(data), image, positions, 2)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)
    assert np.ptp(found) > 0.1


@pytest.mark.parametrize("filters", [5, 32, 64])
def test_scores_of_other_sizes_are_those_of_keras(filters: int) -> None:
    from sarlra.models.cnn import build_cnn, build_sar_lra_v1

    positions = _lattice(160, 192)
    image = _image(4, 160, 192)
    for network in (
        build_cnn(4, filters, 0.5, [-10.0, -17.0, 0.0, 0.0], [20.0, 20.0, 7.0, 7.0]),
        build_sar_lra_v1(filters),
    ):
        _spread(network)
        expected = network.predict(_cut(image, positions), verbose=0)[:, 0]
        found = score_image(_layered(pack_network(network)), image, positions, 1)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)
        assert np.ptp(found) > 0.01


def _spread(network: Any) -> None:
    """Make every weight matter, normalisations included."""
    rng = np.random.default_rng(3)
    for variable in network.weights:
        if "kernel" in variable.name:
            variable.assign(variable * 1.5)
            continue
        values = rng.normal(0, 0.3, variable.shape)
        variable.assign(np.abs(values) + 0.5 if "variance" in variable.name else values)


@pytest.fixture(scope="module")
def network(network_bytes: bytes) -> LayeredCnn:
    return _layered(network_bytes)


def test_a_window_has_one_score_in_an_image_and_alone(network: LayeredCnn) -> None:
    image = _image(4, 672, 640)
    positions = _lattice(672, 640)
    whole = score_image(network, image, positions, 2)
    np.testing.assert_array_equal(score_windows(network, _cut(image, positions), 1), whole)
    np.testing.assert_array_equal(score_image(network, image, positions, 1), whole)
    assert np.ptp(whole) > 0.01


@settings(max_examples=20, deadline=None)
@given(st.data())
def test_any_windows_in_any_order_have_the_scores_that_they_have_alone(
    network: LayeredCnn, data: st.DataObject
) -> None:
    step = data.draw(st.sampled_from([1, 2, 8, 32, 40]))
    place = st.tuples(*(st.integers(0, (300 - 64) // step),) * 2)
    positions = np.array(data.draw(st.lists(place, min_size=1, max_size=40))) * step
    image = _image(4, 300, 300)
    np.testing.assert_array_equal(
        score_image(network, image, positions, 2),
        score_windows(network, _cut(image, positions), 2),
    )


def test_what_lies_outside_of_a_window_does_not_touch_it(network: LayeredCnn) -> None:
    image = _image(4, 192, 192)
    positions = np.array([(0, 0), (0, 64), (32, 32), (64, 64)])
    before = score_image(network, image, positions, 2)
    for band in image:
        band[128:] = np.nan
        band[:, 128:] = np.inf
    np.testing.assert_array_equal(score_image(network, image, positions, 2), before)


@pytest.mark.parametrize("kind", ["cbam", "resnet"])
def test_other_architectures_are_left_to_keras(kind: Any, tmp_path: Path) -> None:
    from sarlra.models.architectures import BUILDERS

    network = BUILDERS[kind](4, 8, 0.5, [-10.0, -17.0, 0.0, 0.0], [20.0, 20.0, 7.0, 7.0])
    data = pack_network(network)
    assert _read(data) is None
    (tmp_path / "other.keras").write_bytes(data)
    scorer = load_scorer(find_model(str(tmp_path / "other.keras")))
    image, positions = _image(4, 128, 192), _lattice(128, 192)
    expected = network.predict(_cut(image, positions), verbose=0)[:, 0]
    found = scorer.score_image(image, positions)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)
    np.testing.assert_array_equal(found, scorer.score(_cut(image, positions)))


def _changes() -> dict[str, Any]:
    """What would be computed wrongly, were it not seen."""
    from sarlra.models.engine import import_keras

    layers = import_keras().layers

    def build(activation: str = "relu", pool: Any = layers.MaxPooling2D, kernel: int = 3,
              resize: str = "bilinear", twice: bool = False) -> Any:  # fmt: skip
        inputs = x = layers.Input((64, 64, 4))
        levels = []
        for number in range(3):
            x = layers.Conv2D(4, kernel, padding="same", activation=activation)(x)
            x = layers.BatchNormalization()(x)
            if twice:
                x = layers.ReLU()(x)
            levels.append(x)
            x = pool(2)(x) if number < 2 else x
        levels[:2] = [layers.Resizing(16, 16, interpolation=resize)(y) for y in levels[:2]]
        x = layers.MaxPooling2D()(layers.Concatenate()(levels))
        x = layers.Dense(8, activation="relu")(layers.Flatten()(layers.Dropout(0.5)(x)))
        return import_keras().Model(inputs, layers.Dense(1, activation="sigmoid")(x))

    return {
        "as it should be": build(),
        "activation": build(activation="elu"),
        "mean": build(pool=layers.AveragePooling2D),
        "kernel": build(kernel=5),
        "nearest": build(resize="nearest"),
        "more layers": build(twice=True),
    }


def test_a_network_that_differs_anywhere_is_not_taken_for_the_papers() -> None:
    taken = {name: _read(pack_network(model)) is not None for name, model in _changes().items()}
    assert taken == {name: name == "as it should be" for name in taken}


def test_a_window_beyond_the_image_is_refused(network_bytes: bytes, tmp_path: Path) -> None:
    (tmp_path / "small.keras").write_bytes(network_bytes)
    scorer = load_scorer(find_model(str(tmp_path / "small.keras")))
    for position in ((0, 65), (-1, 0)):
        with pytest.raises(IndexError, match="within the image"):
            scorer.score_image(_image(4, 128, 128), np.array([position]))


def test_scoring_by_a_shipped_model_starts_without_tensorflow() -> None:
    code = (
        "import sys\n"
        "import numpy as np\n"
        "from sarlra.models.registry import default_model\n"
        "from sarlra.models.scoring import load_scorer\n"
        "windows = np.zeros((1, 64, 64, 4), np.float32)\n"
        "print(load_scorer(default_model('VV_VH', 'ascending')).score(windows).shape)\n"
        "print('tensorflow' in sys.modules or 'keras' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["(1,)", "False"]
