"""The ``.keras`` file: what may be in one from outside.

Keras' own ``safe_mode`` refuses Lambda layers but lets a file name any importable class. Here a
file may name only the plain layers below, hold only the three members that Keras writes, and lead
nowhere outside itself. Ours are written by :mod:`sarlra.models.packing`.
"""

from __future__ import annotations

import io
import json
import tempfile
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sarlra.errors import ModelError
from sarlra.models.engine import import_keras
from sarlra.models.files import MAX_BYTES
from sarlra.models.hdf5 import open_checked

#: The members of a file.
CONFIG, METADATA, WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
_MAX_JSON_BYTES = 2**20
#: No side of any array in a network of this kind is longer; it keeps a file from taking all memory.
_MAX_SIDE = 2**16

_LAYERS = (
    "Activation", "Add", "AveragePooling2D", "BatchNormalization", "Concatenate", "Conv2D",
    "Dense", "Dropout", "Flatten", "GlobalAveragePooling2D", "GlobalMaxPooling2D", "InputLayer",
    "MaxPooling2D", "Multiply", "Normalization", "ReLU", "Rescaling", "Reshape", "Resizing",
    "ZeroPadding2D",
)  # fmt: skip
_INITIALIZERS = (
    "Constant", "GlorotNormal", "GlorotUniform", "HeNormal", "HeUniform", "Ones", "Zeros",
)  # fmt: skip
#: Class to the modules under which a file may name it.
_ALLOWED: Mapping[str, tuple[str | None, ...]] = {
    **dict.fromkeys(_LAYERS, ("keras.layers",)),
    **dict.fromkeys(_INITIALIZERS, ("keras.initializers",)),
    "L2": ("keras.regularizers",),
    "DTypePolicy": ("keras",),
    "Functional": ("keras", "keras.models", "keras.src.models.functional"),
    "Sequential": ("keras", "keras.models", "keras.src.models.sequential"),
    "__keras_tensor__": (None,),
}


def check_keras_file(data: bytes, label: str) -> dict[str, Any]:
    """Check the bytes of a ``.keras`` file without building anything from them.

    Parameters
    ----------
    data
        The file's bytes.
    label
        What errors call the file.

    Returns
    -------
    dict
        The network's configuration, without what belongs to its compilation.

    Raises
    ------
    ModelError
        The file is no ``.keras`` archive, is damaged, holds other members than Keras writes,
        unpacks to more than ``MAX_BYTES``, or names a layer that is not on the list.
    """
    members = read_members(data, label)
    try:
        config = json.loads(members[CONFIG])
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{label}: its {CONFIG} is no JSON: {error}") from error
    if not isinstance(config, dict) or config.get("class_name") not in ("Functional", "Sequential"):
        raise ModelError(f"{label}: its {CONFIG} describes no network")
    config.pop("compile_config", None)
    _check_classes(config, label)
    with open_checked(members[WEIGHTS], f"{label}: {WEIGHTS}"):
        pass
    return config


def read_members(data: bytes, label: str) -> dict[str, bytes]:
    """The three members of a ``.keras`` file by their names, unpacked.

    Raises
    ------
    ModelError
        The file is no archive, is damaged, holds other members than Keras writes, or unpacks to
        more than ``MAX_BYTES``.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            infos = archive.infolist()
            if sorted(i.filename for i in infos) != sorted((CONFIG, METADATA, WEIGHTS)):
                names = ", ".join(sorted(i.filename for i in infos)[:8])
                raise ModelError(
                    f"{label}: holds {names or 'nothing'}, not what Keras writes",
                    hint=f"a .keras file holds {CONFIG}, {METADATA} and {WEIGHTS}",
                )
            return {i.filename: _read_member(archive, i, label) for i in infos}
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError) as error:
        raise ModelError(
            f"{label}: is no .keras file, or a damaged one: {error}",
            hint="a file of Keras 2 weights is brought in with `sarlra models import`",
        ) from error


def _read_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, label: str) -> bytes:
    limit = MAX_BYTES if info.filename == WEIGHTS else _MAX_JSON_BYTES
    try:
        with archive.open(info) as stream:
            content = stream.read(limit + 1)
    except zlib.error as error:
        raise ModelError(f"{label}: its {info.filename} is damaged: {error}") from error
    if len(content) > limit:
        raise ModelError(f"{label}: its {info.filename} unpacks to more than {limit:,} bytes")
    return content


def _check_classes(config: Any, label: str) -> None:
    waiting = [config]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            if "class_name" in value or "module" in value:
                _check_class(value, label)
            waiting.extend(v for k, v in value.items() if k != "shared_object_id")
        elif isinstance(value, list):
            waiting.extend(value)
        elif isinstance(value, int) and abs(value) > _MAX_SIDE:
            raise ModelError(f"{label}: asks for a layer of {value:,}, too large for a model")


def _check_class(value: dict[str, Any], label: str) -> None:
    name, module, registered = (value.get(k) for k in ("class_name", "module", "registered_name"))
    known = isinstance(name, str) and module in _ALLOWED.get(name, ())
    if not known or registered not in (None, name):
        raise ModelError(
            f"{label}: names {module or registered or '?'}.{name}, which is not a layer that is "
            "loaded from a file",
            hint="only networks of plain Keras layers, without code of their own, are loaded",
        )


def load_network(data: bytes, label: str) -> Any:
    """Build the network of a checked ``.keras`` file.

    Returns
    -------
    keras.Model
        Not compiled; input ``(n, 64, 64, bands)``, output ``(n, 1)``.

    Raises
    ------
    ModelError
        As :func:`check_keras_file`, or Keras cannot build it, or its shapes are others.
    """
    check_keras_file(data, label)
    keras = import_keras()
    with tempfile.TemporaryDirectory(prefix="sarlra-model-") as folder:
        path = Path(folder) / "model.keras"
        path.write_bytes(data)
        try:
            model = keras.saving.load_model(path, compile=False, safe_mode=True)
        except Exception as error:  # Keras raises whatever its layers raise
            reason = str(error).strip().splitlines()[:1] or [type(error).__name__]
            raise ModelError(f"{label}: Keras cannot build its network: {reason[0]}") from error
    shapes = (getattr(model, "input_shape", None), getattr(model, "output_shape", None))
    match shapes:
        case ((None, 64, 64, int()), (None, 1)):
            return model
    raise ModelError(
        f"{label}: takes {shapes[0]} and gives {shapes[1]}, "
        "not windows of (n, 64, 64, bands) and scores of (n, 1)"
    )
