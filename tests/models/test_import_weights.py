"""The published format of weights: what is right is taken, everything else refused."""

from __future__ import annotations

import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from sarlra.errors import ModelError
from sarlra.models.import_hdf5 import import_weights
from sarlra.models.info import ModelInfo
from sarlra.models.keras2_weights import read_keras2_weights
from sarlra.models.registry import find_model
from sarlra.models.scoring import load_scorer


@pytest.fixture
def weights_file(shared_data: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "ascending.hdf5"
    shutil.copy(shared_data / "reference" / "ascending.hdf5", copy)
    return copy


def test_imported_weights_give_the_public_tool_s_scores(
    reference_model: ModelInfo, shared_data: Path
) -> None:
    with np.load(shared_data / "reference" / "ascending.npz", allow_pickle=False) as reference:
        image, scores, locations = (reference[k] for k in ("composite", "scores", "locs"))
    windows = np.stack([image[y0:y1, x0:x1] for x0, y0, x1, y1 in locations])
    np.testing.assert_allclose(load_scorer(reference_model).score(windows), scores, atol=1e-5)


def test_the_reference_file_is_read_in_the_order_of_its_layers(weights_file: Path) -> None:
    weights = read_keras2_weights(weights_file.read_bytes(), "file")
    assert weights_file.stat().st_size == 6_411_928
    assert len(weights) == 3 * 6 + 4
    assert sum(array.size for _, array in weights) == 1_593_441
    with h5py.File(weights_file) as file:
        kernel = file["conv2d_1/conv2d_1/kernel:0"][()]
    assert weights[6][0] == "conv2d_1/kernel:0"
    np.testing.assert_array_equal(weights[6][1], kernel)


def test_an_import_is_found_by_name_and_repeats_itself(
    weights_file: Path, user_models: Path
) -> None:
    first = import_weights(weights_file, name="mine", filters=32)
    again = import_weights(weights_file, name="mine", filters=32)
    assert first == again == find_model("mine")
    assert first.radiometry == "sigma0e"
    assert first.card["imported_from"]["size"] == 6_411_928
    assert sorted(p.name for p in user_models.iterdir()) == ["mine.json", "mine.keras"]


def test_byte_string_names_are_read_too(weights_file: Path, user_models: Path) -> None:
    with h5py.File(weights_file, "a") as file:
        file.attrs["layer_names"] = np.array([n.encode() for n in file.attrs["layer_names"]])
    assert import_weights(weights_file, name="mine", filters=32).filters == 32


def test_a_taken_name_is_refused(weights_file: Path, user_models: Path) -> None:
    import_weights(weights_file, name="mine", filters=32)
    with h5py.File(weights_file, "a") as file:
        file["dense/dense/bias:0"][0] += 1
    with pytest.raises(ModelError, match="already a model 'mine'"):
        import_weights(weights_file, name="mine", filters=32)


def _set(path: str, value: Any) -> Callable[[Any], None]:
    def change(file: Any) -> None:
        file[path][...] = value

    return change


def _replace(path: str, make: Callable[[Any, str], Any]) -> Callable[[Any], None]:
    def change(file: Any) -> None:
        del file[path]
        make(file, path)

    return change


def _attribute(value: Any) -> Callable[[Any], None]:
    def change(file: Any) -> None:
        del file.attrs["layer_names"]
        if value is not None:
            file.attrs["layer_names"] = value

    return change


def _huge(file: Any, path: str) -> None:
    file.create_dataset(path, (2**31,), "f4", chunks=(2**20,))  # takes no room on disk


def _virtual(file: Any, path: str) -> None:
    layout = h5py.VirtualLayout((32,), "f4")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", (32,))
    file.create_virtual_dataset(path, layout)


_BIAS = "conv2d/conv2d/bias:0"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_set(_BIAS, np.nan), "not all finite"),
        (_set("batch_normalization/batch_normalization/moving_variance:0", -1.0), "below zero"),
        (_replace(_BIAS, lambda f, p: None), "listed but missing"),
        (_replace(_BIAS, lambda f, p: f.create_dataset(p, (31,), "f4")), "expected"),
        (_replace(_BIAS, lambda f, p: f.create_dataset(p, (32,), "i4")), "not floating point"),
        (_replace(_BIAS, lambda f, p: f.create_dataset(p, data=b"x")), "not of numbers"),
        (_replace(_BIAS, _huge), "more than"),
        (_replace(_BIAS, _virtual), "another file"),
        (
            _replace(_BIAS, lambda f, p: f.__setitem__(p, h5py.ExternalLink("/etc/passwd", "x"))),
            "link out of its place",
        ),
        (_replace("dense", lambda f, p: None), "listed but missing"),
        (_attribute(None), "no attribute 'layer_names'"),
        (_attribute(np.arange(3)), "no list of names"),
        (_attribute(np.array(["dense", "dense"], dtype="S")), "no list of names"),
        (_attribute(np.array(["flatten"], dtype="S")), "lists no weights"),
        (_attribute(np.array(["conv2d"], dtype="S")), "holds 2 weights"),
        (_attribute(np.array(["dense"], dtype="S")), "first layer has 256 filters"),
    ],
)
def test_a_file_that_is_not_as_published_is_refused(
    weights_file: Path, user_models: Path, change: Callable[[Any], None], message: str
) -> None:
    with h5py.File(weights_file, "a") as file:
        change(file)
    with pytest.raises(ModelError, match=message) as caught:
        import_weights(weights_file, name="mine", filters=32)
    assert weights_file.name in str(caught.value)
    assert not user_models.exists()


def test_swapped_gamma_and_beta_do_not_slip_through(weights_file: Path, user_models: Path) -> None:
    with h5py.File(weights_file, "a") as file:
        names = list(file["batch_normalization"].attrs["weight_names"])
        names[0], names[1] = names[1], names[0]
        file["batch_normalization"].attrs["weight_names"] = np.array(names, dtype="S")
    with pytest.raises(ModelError, match="beta"):
        import_weights(weights_file, name="mine", filters=32)


def test_the_wrong_number_of_filters_names_the_weights(
    weights_file: Path, user_models: Path
) -> None:
    with pytest.raises(ModelError, match="is the number of filters right"):
        import_weights(weights_file, name="mine", filters=64)
    assert not user_models.exists()


@pytest.mark.parametrize("keep", [0, 4, 100, 5_000, 3_000_000, 6_411_000])
def test_a_truncated_file_is_refused(weights_file: Path, user_models: Path, keep: int) -> None:
    weights_file.write_bytes(weights_file.read_bytes()[:keep])
    with pytest.raises(ModelError, match=weights_file.name):
        import_weights(weights_file, name="mine", filters=32)
    assert not user_models.exists()


def test_a_pickle_is_not_opened(tmp_path: Path, user_models: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (tmp_path / "sprung",))

    file = tmp_path / "weights.hdf5"
    file.write_bytes(pickle.dumps(Trap()))
    with pytest.raises(ModelError, match="no HDF5 file"):
        import_weights(file, name="mine", filters=32)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"architecture": "resnet"}, "cannot be imported"),
        ({"filters": 0}, "1 to 512"),
        ({"name": "../evil"}, "no name for a model"),
        ({"name": "Upper"}, "no name for a model"),
    ],
)
def test_choices_that_cannot_be_are_refused(
    weights_file: Path, user_models: Path, choices: dict[str, Any], message: str
) -> None:
    with pytest.raises(ModelError, match=message):
        import_weights(weights_file, **({"name": "mine", "filters": 32} | choices))


def test_a_missing_file_is_named(tmp_path: Path, user_models: Path) -> None:
    with pytest.raises(ModelError, match=r"nothing\.hdf5: no such file"):
        import_weights(tmp_path / "nothing.hdf5", name="mine", filters=32)
