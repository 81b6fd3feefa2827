"""Reading the weights files that Keras 2 wrote with ``save_weights`` to HDF5."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sarlra.errors import ModelError
from sarlra.models.hdf5 import open_checked

Weights = list[tuple[str, NDArray[np.float32]]]
_MAX_NAMES = 200


def read_keras2_weights(data: bytes, label: str) -> Weights:
    """Read all weights of a file, in the order of its layers.

    The format: the root attribute ``layer_names`` lists the groups, each group's attribute
    ``weight_names`` lists the datasets in it.

    Parameters
    ----------
    data
        The file's bytes.
    label
        What errors call the file.

    Returns
    -------
    list of (name, array)
        float32, finite; variances are not negative.

    Raises
    ------
    ModelError
        The bytes are no such file, are damaged, or hold numbers that cannot be weights.
    """
    with open_checked(data, label) as file:
        weights: Weights = []
        for layer in _names(file, "layer_names", label):
            if layer not in file:
                raise ModelError(f"{label}: layer {layer!r} is listed but missing")
            group = file[layer]
            for name in _names(group, "weight_names", label):
                weights.append((name, _array(group, name, label)))
    if not weights:
        raise ModelError(f"{label}: lists no weights")
    return weights


def _names(group: Any, attribute: str, label: str) -> list[str]:
    if attribute not in group.attrs:
        raise ModelError(
            f"{label}: {group.name} has no attribute {attribute!r}",
            hint="only files of Keras 2 save_weights are read",
        )
    values = np.atleast_1d(np.asarray(group.attrs[attribute]))
    if values.ndim != 1 or len(values) > _MAX_NAMES:
        raise ModelError(f"{label}: attribute {attribute!r} of {group.name} is no list of names")
    if not len(values):
        return []
    names = [v.decode("utf-8", "replace") if isinstance(v, bytes) else v for v in values.tolist()]
    if not all(isinstance(name, str) for name in names) or len(set(names)) != len(names):
        raise ModelError(f"{label}: attribute {attribute!r} of {group.name} is no list of names")
    return names


def _array(group: Any, name: str, label: str) -> NDArray[np.float32]:
    if name not in group or not hasattr(group[name], "dtype"):
        raise ModelError(f"{label}: weights {name!r} are listed but missing")
    if group[name].dtype.kind != "f":
        raise ModelError(f"{label}: weights {name!r} are {group[name].dtype}, not floating point")
    array = np.asarray(group[name][()], dtype=np.float32)
    if not np.isfinite(array).all():
        raise ModelError(f"{label}: weights {name!r} are not all finite numbers")
    if name.split("/")[-1].startswith("moving_variance") and (array < 0).any():
        raise ModelError(f"{label}: weights {name!r} are variances below zero")
    return array
