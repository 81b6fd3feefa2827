"""The paper's CNN read from its file and computed without Keras, whole images at once.

The networks of :mod:`sarlra.models.cnn` are recognised by their configuration; any other is left to
Keras. What overlapping windows share is computed once (:mod:`sarlra.models.places`), which is
exact: a window has the same score, to the last bit, alone or in an image. Nothing here needs
TensorFlow.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sarlra.models.hdf5 import open_checked
from sarlra.models.recognise import LEVELS, Chain, find_chain

F32 = NDArray[np.float32]
_KERNEL = (3, 3)
#: Places of the last pooling, times levels.
_FEATURES = 8 * 8 * LEVELS
#: Channels are padded with zeros to a multiple of this: ``GROUP`` of :mod:`sarlra.models.products`,
#: which is not imported here, as it takes its time.
_GROUP = 32


@dataclass(frozen=True, slots=True)
class Level:
    """A 3x3 convolution with ReLU and normalisation; see :func:`sarlra.models.kernels.convolve`."""

    weights: F32
    bias: F32
    scale: F32
    shift: F32


@dataclass(frozen=True, slots=True)
class LayeredCnn:
    """Weights, padded and in the order in which the kernels read them.

    ``joined`` are the levels whose features are concatenated, from 0.
    """

    mean: F32
    deviation: F32
    levels: tuple[Level, Level, Level]
    joined: tuple[int, int, int]
    dense: F32
    dense_bias: F32
    last: F32
    last_bias: float

    @property
    def bands(self) -> int:
        """Bands of the windows it takes."""
        return self.mean.size


def read_layered(data: bytes, config: Mapping[str, Any], label: str) -> LayeredCnn | None:
    """Read a network, if it is one that is computed here.

    Parameters
    ----------
    data
        The checked bytes of a ``.keras`` file.
    config
        Of :func:`sarlra.models.keras_file.check_keras_file`.
    label
        What errors call the file.

    Raises
    ------
    ModelError
        Its weights are damaged.
    """
    chain = find_chain(config)
    if chain is None:
        return None
    with zipfile.ZipFile(BytesIO(data)) as archive:
        stored = archive.read("model.weights.h5")
    try:
        with open_checked(stored, label) as file:
            weights = {name: _variables(file, group) for name, group in _groups(config).items()}
        return _pack(chain, weights)
    except (KeyError, ValueError):
        return None  # its weights are not those of its layers: Keras will say how


def _groups(config: Mapping[str, Any]) -> dict[str, str]:
    """The group of each layer's weights: Keras counts the layers of a class in their order."""
    counts: dict[str, int] = {}
    groups = {}
    for layer in config["config"]["layers"]:
        kind = _SNAKE.get(layer["class_name"])
        if kind is not None:
            number = counts[kind] = counts.get(kind, -1) + 1
            groups[layer["config"]["name"]] = (
                f"layers/{kind}_{number}" if number else f"layers/{kind}"
            )
    return groups


_SNAKE = {"Conv2D": "conv2d", "BatchNormalization": "batch_normalization", "Dense": "dense"}


def _variables(file: Any, group: str) -> list[F32]:
    """The arrays of a layer, in Keras' order."""
    stored = file[f"{group}/vars"]
    return [np.asarray(stored[str(n)], np.float32) for n in range(len(stored))]


def _pack(chain: Chain, weights: Mapping[str, list[F32]]) -> LayeredCnn:
    """Weights as the kernels read them; ValueError where shapes do not fit each other."""
    given, channels = chain.bands, chain.bands
    filters = weights[chain.convolutions[0]][1].size
    levels = []
    for conv, norm, epsilon in zip(
        chain.convolutions, chain.normalisations, chain.epsilons, strict=True
    ):
        kernel, bias = weights[conv]
        gamma, beta, mean, variance = weights[norm]
        _expect(kernel, (*_KERNEL, given, filters))
        for array in (bias, gamma, beta, mean, variance):
            _expect(array, (filters,))
        padded = np.zeros((*_KERNEL, channels, _padded(filters)), np.float32)
        padded[:, :, :given, :filters] = kernel
        scale = gamma / np.sqrt(variance + np.float32(epsilon))
        levels.append(Level(
            _in_groups(padded.reshape(9 * channels, -1)),
            _pad(bias), _pad(scale), _pad(beta - mean * scale),
        ))  # fmt: skip
        given, channels = filters, _padded(filters)
    kernel, bias = weights[chain.dense[0]]
    last, last_bias = weights[chain.dense[1]]
    _expect(kernel, (_FEATURES * filters, bias.size))
    _expect(last, (bias.size, 1))
    _expect(last_bias, (1,))
    dense = np.zeros((_FEATURES, channels, _padded(bias.size)), np.float32)
    dense[:, :filters, : bias.size] = kernel.reshape(_FEATURES, filters, bias.size)
    standardise = chain.standardise or (
        np.zeros(chain.bands, np.float32), np.ones(chain.bands, np.float32)
    )  # fmt: skip
    for array in standardise:
        _expect(array, (chain.bands,))
    one, two, three = levels
    return LayeredCnn(
        *standardise, (one, two, three), chain.joined,
        _in_groups(dense.reshape(_FEATURES * channels, -1)), _pad(bias), _pad(last[:, 0]),
        float(last_bias[0]),
    )  # fmt: skip


def _expect(array: F32, shape: tuple[int, ...]) -> None:
    if array.shape != shape:
        raise ValueError(f"{array.shape}, not {shape}")


def _padded(size: int) -> int:
    return -(-size // _GROUP) * _GROUP


def _pad(values: F32) -> F32:
    result = np.zeros(_padded(values.size), np.float32)
    result[: values.size] = values
    return result


def _in_groups(weights: F32) -> F32:
    """(sums, outputs) as (groups of outputs, sums, outputs of a group)."""
    split = weights.reshape(weights.shape[0], -1, _GROUP)
    return np.ascontiguousarray(split.transpose(1, 0, 2))
