"""One window, one score: alone, in company, from any thread."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sarlra.errors import ModelError
from sarlra.models.info import ModelInfo
from sarlra.models.registry import find_model
from sarlra.models.scoring import BATCH, Scorer, load_scorer


@pytest.fixture(scope="module")
def scorer(network_bytes: bytes, tmp_path_factory: pytest.TempPathFactory) -> Scorer:
    file = tmp_path_factory.mktemp("scoring") / "small.keras"
    file.write_bytes(network_bytes)
    return load_scorer(find_model(str(file)))


@pytest.fixture(scope="module")
def windows() -> np.ndarray:
    rng = np.random.default_rng(8)
    level = rng.normal(-6, 4, (2 * BATCH + 40, 1, 1, 4))
    return np.asarray(level + rng.normal(0, 2, (len(level), 64, 64, 4)), dtype=np.float32)


@pytest.fixture(scope="module")
def together(scorer: Scorer, windows: np.ndarray) -> np.ndarray:
    return scorer.score(windows)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_score_does_not_depend_on_the_neighbours(
    scorer: Scorer, windows: np.ndarray, together: np.ndarray, data: st.DataObject
) -> None:
    chosen = np.array(
        data.draw(st.lists(st.integers(0, len(windows) - 1), min_size=1, max_size=BATCH + 9))
    )
    np.testing.assert_array_equal(scorer.score(windows[chosen]), together[chosen])


def test_scores_of_the_published_size_do_not_depend_on_the_neighbours(
    reference_model: ModelInfo, windows: np.ndarray
) -> None:
    scorer = load_scorer(reference_model)
    some = windows[: BATCH + 5]
    scores = scorer.score(some)
    order = np.random.default_rng(1).permutation(len(some))
    np.testing.assert_array_equal(scorer.score(some[order]), scores[order])
    for n in (0, 17, BATCH - 1, BATCH + 4):
        np.testing.assert_array_equal(scorer.score(some[n : n + 1]), scores[n : n + 1])


def test_scores_are_those_of_keras(
    scorer: Scorer, windows: np.ndarray, together: np.ndarray, network_bytes: bytes
) -> None:
    from sarlra.models.keras_file import load_network

    network = load_network(network_bytes, "network")
    np.testing.assert_allclose(
        together, network.predict(windows, verbose=0)[:, 0], rtol=0, atol=1e-6
    )
    assert np.ptp(together) > 0.01
    assert together.dtype == np.float32


def test_threads_take_turns(scorer: Scorer, windows: np.ndarray, together: np.ndarray) -> None:
    parts = [slice(n, n + 60) for n in range(0, 480, 60)]
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda part: scorer.score(windows[part]), parts))
    np.testing.assert_array_equal(np.concatenate(results), together[:480])


def test_no_windows_have_no_scores(scorer: Scorer) -> None:
    assert scorer.score(np.empty((0, 64, 64, 4), np.float32)).shape == (0,)


def test_a_window_with_nan_spoils_no_other(
    scorer: Scorer, windows: np.ndarray, together: np.ndarray
) -> None:
    some = windows[:5].copy()
    some[2, 10, 10, 0] = np.nan
    scores = scorer.score(some)
    np.testing.assert_array_equal(scores[[0, 1, 3, 4]], together[[0, 1, 3, 4]])


@pytest.mark.parametrize("shape", [(3, 64, 64, 2), (3, 32, 64, 4), (64, 64, 4), (3, 64, 64)])
def test_windows_of_another_shape_are_refused(scorer: Scorer, shape: tuple[int, ...]) -> None:
    with pytest.raises(ModelError, match=r"takes windows of \(n, 64, 64, 4\)"):
        scorer.score(np.zeros(shape, np.float32))


def test_a_model_is_loaded_once(scorer: Scorer) -> None:
    with ThreadPoolExecutor(4) as pool:
        loaded = set(pool.map(lambda _: load_scorer(scorer.info), range(8)))
    assert loaded == {scorer}


def _changed(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"x")


@pytest.mark.parametrize(("change", "message"), [(_changed, "changed"), (Path.unlink, "no such")])
def test_a_file_that_changed_since_it_was_found_is_refused(
    tmp_path: Path, change: Callable[[Path], Any], message: str
) -> None:
    from sarlra.models.cnn import build_cnn
    from sarlra.models.packing import pack_network

    file = tmp_path / "mine.keras"
    file.write_bytes(pack_network(build_cnn(2, 2, 0.5, [0.0] * 2, [1.0] * 2)))
    info = find_model(str(file))
    change(file)
    with pytest.raises(ModelError, match=message):
        load_scorer(info)


def test_a_card_of_other_bands_is_refused(tmp_path: Path) -> None:
    from sarlra.models.card import Card, card_bytes
    from sarlra.models.files import sha256

    file = tmp_path / "liar.keras"
    from sarlra.models.cnn import build_cnn
    from sarlra.models.packing import pack_network

    other = pack_network(build_cnn(4, 3, 0.5, [0.0] * 4, [1.0] * 4))
    file.write_bytes(other)
    card = Card(
        name="liar",
        sha256=sha256(other),
        combination="VV",
        orbit_states=("ascending",),
        architecture="cnn",
        filters=3,
        radiometry="gamma0",
        threshold=None,
        licence="none",
        description="Says two bands, takes four.",
    )
    file.with_suffix(".json").write_bytes(card_bytes(card))
    with pytest.raises(ModelError, match="takes 4 bands, but its card says VV"):
        load_scorer(find_model(str(file)))


def test_a_forked_child_is_told_instead_of_hanging(scorer: Scorer) -> None:
    windows = np.zeros((1, 64, 64, 4), np.float32)
    child = os.fork()
    if child == 0:
        try:
            scorer.score(windows)
        except ModelError as error:
            os._exit(7 if "forked" in str(error) else 8)
        os._exit(9)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


def test_a_fresh_process_has_fixed_threads_and_the_right_backend() -> None:
    """Whatever the environment says: two threads within operations, TensorFlow behind Keras."""
    code = (
        "from sarlra.models.cnn import build_cnn\n"
        "from sarlra.models.engine import import_tensorflow\n"
        "build_cnn(2, 2, 0.5, [0.0, 0.0], [1.0, 1.0])\n"
        "threads = import_tensorflow().config.threading\n"
        "print(threads.get_intra_op_parallelism_threads(),\n"
        "      threads.get_inter_op_parallelism_threads())\n"
    )
    environment = os.environ | {"KERAS_BACKEND": "jax"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["2", "1"]


def test_the_package_does_not_import_tensorflow_by_itself() -> None:
    code = (
        "import sys\n"
        "import sarlra.detection.score_file, sarlra.models.training, sarlra.models.pull\n"
        "print('tensorflow' in sys.modules or 'keras' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
