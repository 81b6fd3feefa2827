"""What a .keras file from a stranger may hold."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from pathlib import Path
from typing import Any

import h5py
import pytest

from sarlra.errors import ModelError
from sarlra.models.keras_file import check_keras_file, load_network
from sarlra.models.packing import pack_network
from tests.models.archives import members_of


def _zip(members: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return packed.getvalue()


def _with_config(data: bytes, change: Any) -> bytes:
    members = members_of(data)
    config = json.loads(members["config.json"])
    change(config)
    return _zip(members | {"config.json": json.dumps(config).encode()})


def test_a_lambda_layer_from_a_stranger_is_refused(tmp_path: Path) -> None:
    import keras

    inputs = keras.layers.Input((64, 64, 4))
    x = keras.layers.Lambda(lambda t: t * 2)(inputs)
    x = keras.layers.Dense(1)(keras.layers.Flatten()(x))
    keras.Model(inputs, x).save(tmp_path / "evil.keras")
    with pytest.raises(ModelError, match=r"evil: names keras\.layers\.Lambda"):
        load_network((tmp_path / "evil.keras").read_bytes(), "evil")


@pytest.mark.parametrize(
    ("module", "name", "registered"),
    [
        ("keras.layers", "TFSMLayer", None),
        ("keras.src.utils.file_utils", "get_file", None),
        ("os", "system", "function"),
        ("builtins", "function", "function"),
        ("subprocess", "Dense", None),
        ("keras.layers", "Dense", "mine>Dense"),
        ("keras.layers", ["Dense"], None),
        (["keras.layers"], "Dense", None),
    ],
)
def test_any_class_off_the_list_is_refused(
    network_bytes: bytes, module: Any, name: Any, registered: Any
) -> None:
    def change(config: dict[str, Any]) -> None:
        layer = config["config"]["layers"][2]
        layer |= {"module": module, "class_name": name, "registered_name": registered}

    with pytest.raises(ModelError, match="not a layer that is loaded from a file"):
        check_keras_file(_with_config(network_bytes, change), "evil")


def test_a_layer_that_would_take_all_memory_is_refused(network_bytes: bytes) -> None:
    def change(config: dict[str, Any]) -> None:
        config["config"]["layers"][2]["config"]["filters"] = 10**9

    with pytest.raises(ModelError, match="asks for a layer of 1,000,000,000"):
        check_keras_file(_with_config(network_bytes, change), "evil")


def test_a_class_hidden_in_a_layer_s_choices_is_refused(network_bytes: bytes) -> None:
    def change(config: dict[str, Any]) -> None:
        config["config"]["layers"][2]["config"]["activation"] = {
            "module": "builtins", "class_name": "function", "config": "os.system",
            "registered_name": "function",
        }  # fmt: skip

    with pytest.raises(ModelError, match="not a layer that is loaded from a file"):
        check_keras_file(_with_config(network_bytes, change), "evil")


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ({"assets/x.txt": b"x"}, "holds assets/x.txt"),
        ({"../../evil": b"x"}, "not what Keras writes"),
        ({"config.json": b"{"}, "is no JSON"),
        ({"config.json": b"[" * 100_000}, "is no JSON"),
        ({"config.json": b"[]"}, "describes no network"),
        ({"config.json": b" " * 2**21}, "unpacks to more than"),
        ({"model.weights.h5": b"\0" * (2**28 + 1)}, "unpacks to more than"),
        ({"model.weights.h5": pickle.dumps([1])}, "no HDF5 file"),
    ],
)
def test_other_members_than_keras_writes_are_refused(
    network_bytes: bytes, extra: dict[str, bytes], message: str
) -> None:
    with pytest.raises(ModelError, match=message):
        check_keras_file(_zip(members_of(network_bytes) | extra), "evil")


def test_weights_that_lead_out_of_the_file_are_refused(network_bytes: bytes) -> None:
    members = members_of(network_bytes)
    stream = io.BytesIO(members["model.weights.h5"])
    with h5py.File(stream, "a") as file:
        file["layers/elsewhere"] = h5py.ExternalLink("/etc/passwd", "/x")
    members["model.weights.h5"] = stream.getvalue()
    with pytest.raises(ModelError, match="link out of its place"):
        check_keras_file(_zip(members), "evil")


@pytest.mark.parametrize("keep", [0, 10, 200, -100, -1])
def test_a_truncated_file_is_refused(network_bytes: bytes, keep: int) -> None:
    with pytest.raises(ModelError, match="cut"):
        check_keras_file(network_bytes[:keep], "cut")


def test_damage_inside_is_noticed(network_bytes: bytes) -> None:
    damaged = bytearray(network_bytes)
    middle = len(damaged) // 2
    damaged[middle : middle + 64] = bytes(64)
    with pytest.raises(ModelError, match="damaged"):
        check_keras_file(bytes(damaged), "network")


def test_a_pickle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no \.keras file"):
        check_keras_file(pickle.dumps({"a": 1}), "weights.pkl")


def test_a_network_of_other_shapes_is_refused(tmp_path: Path) -> None:
    import keras

    inputs = keras.layers.Input((32, 32, 4))
    network = keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Flatten()(inputs)))
    with pytest.raises(ModelError, match="not windows of"):
        load_network(pack_network(network), "small")


def test_what_keras_cannot_build_is_a_model_error(network_bytes: bytes) -> None:
    def change(config: dict[str, Any]) -> None:
        config["config"]["layers"][2]["config"]["filters"] = 3

    with pytest.raises(ModelError, match="Keras cannot build"):
        load_network(_with_config(network_bytes, change), "odd")
