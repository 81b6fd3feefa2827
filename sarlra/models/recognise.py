"""Recognises the paper's CNN in a network's configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sarlra.models.cnn import WINDOW_PX

F32 = NDArray[np.float32]
LEVELS = 3
#: What a layer has to be, beyond its class, for the kernels to compute it.
_CONVOLUTION = {
    "kernel_size": [3, 3], "strides": [1, 1], "padding": "same", "activation": "relu",
    "dilation_rate": [1, 1], "groups": 1, "use_bias": True, "data_format": "channels_last",
}  # fmt: skip
_NORMALISATION = {"axis": -1, "center": True, "scale": True}
_POOLING = {
    "pool_size": [2, 2], "strides": [2, 2], "padding": "valid", "data_format": "channels_last",
}  # fmt: skip
_RESIZING = {
    "height": 16, "width": 16, "interpolation": "bilinear", "crop_to_aspect_ratio": False,
    "pad_to_aspect_ratio": False, "antialias": False, "data_format": "channels_last",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Chain:
    """The layers that matter, by their names, and what of them is no weight."""

    bands: int
    standardise: tuple[F32, F32] | None
    convolutions: tuple[str, ...]
    normalisations: tuple[str, ...]
    epsilons: tuple[float, ...]
    joined: tuple[int, int, int]
    dense: tuple[str, str]


def find_chain(config: Mapping[str, Any]) -> Chain | None:
    """Follow the layers from the windows to the score; None where they are others."""
    try:
        return _follow(config)
    except (KeyError, IndexError, TypeError, ValueError):
        return None  # another network, written another way: Keras will say what it is


def _follow(config: Mapping[str, Any]) -> Chain | None:
    if config["class_name"] != "Functional":
        return None
    layers = {layer["config"]["name"]: layer for layer in config["config"]["layers"]}
    if any(len(layer["inbound_nodes"]) > 1 for layer in layers.values()):
        return None
    inputs = {name: _sources(layer) for name, layer in layers.items()}
    walk = _Walk(layers, inputs, config["config"]["input_layers"])
    _, rows, columns, bands = layers[walk.at]["config"]["batch_shape"]
    if (rows, columns) != (WINDOW_PX, WINDOW_PX):
        return None
    standardise = walk.normalised()
    outputs: list[str] = []
    convolutions, normalisations, epsilons = [], [], []
    for number in range(LEVELS):
        convolutions.append(walk.step("Conv2D", _CONVOLUTION))
        normalisations.append(walk.step("BatchNormalization", _NORMALISATION))
        epsilons.append(float(layers[normalisations[-1]]["config"]["epsilon"]))
        outputs.append(normalisations[-1])
        if number < LEVELS - 1:
            walk.step("MaxPooling2D", _POOLING)
    joined = walk.joined(outputs)
    walk.step("MaxPooling2D", _POOLING)
    walk.step("Dropout", {})
    walk.step("Flatten", {})
    dense = walk.step("Dense", {"activation": "relu", "use_bias": True})
    score = walk.step("Dense", {"activation": "sigmoid", "use_bias": True, "units": 1})
    if walk.left() or score not in str(config["config"]["output_layers"]):
        return None
    return Chain(
        int(bands), standardise, tuple(convolutions), tuple(normalisations), tuple(epsilons),
        joined, (dense, score),
    )  # fmt: skip


class _Walk:
    """From layer to layer; ValueError where there is another than expected."""

    def __init__(
        self, layers: Mapping[str, Any], inputs: Mapping[str, list[str]], first: Any
    ) -> None:
        self.layers, self.inputs = layers, inputs
        (self.at,) = [name for name, layer in layers.items() if layer["class_name"] == "InputLayer"]
        if self.at not in str(first):
            raise ValueError
        self.seen = {self.at}

    def step(self, kind: str, wanted: Mapping[str, Any]) -> str:
        """The one layer of a kind after the present one."""
        (name,) = [n for n, sources in self.inputs.items()
                   if sources == [self.at] and self.layers[n]["class_name"] == kind]  # fmt: skip
        self.check(name, wanted)
        self.at = name
        return name

    def check(self, name: str, wanted: Mapping[str, Any]) -> None:
        """That a layer is what the kernels compute, in float32."""
        own = self.layers[name]["config"]
        for key, value in wanted.items():
            if key in own and own[key] != value:
                raise ValueError(name)
        if "float32" not in str(own["dtype"]):
            raise ValueError(name)
        self.seen.add(name)

    def normalised(self) -> tuple[F32, F32] | None:
        """Mean and standard deviation of a first layer that standardises; None without one."""
        (after,) = [n for n, sources in self.inputs.items() if sources == [self.at]]
        if self.layers[after]["class_name"] != "Normalization":
            return None
        self.step("Normalization", {"axis": [-1], "invert": False})
        own = self.layers[after]["config"]
        mean, variance = (np.asarray(own[key], np.float32) for key in ("mean", "variance"))
        return mean, np.maximum(np.sqrt(variance), np.float32(1e-7))

    def joined(self, outputs: list[str]) -> tuple[int, int, int]:
        """Which levels are concatenated, each brought to 16 pixels by a layer of its own."""
        (name,) = [n for n, layer in self.layers.items() if layer["class_name"] == "Concatenate"]
        self.check(name, {"axis": -1})
        levels = []
        for source in self.inputs[name]:
            if self.layers[source]["class_name"] == "Resizing":
                self.check(source, _RESIZING)
                (source,) = self.inputs[source]
                if source == outputs[-1]:
                    raise ValueError(source)
            elif source != outputs[-1]:
                raise ValueError(source)
            levels.append(outputs.index(source))
        self.at = name
        one, two, three = levels
        return one, two, three

    def left(self) -> set[str]:
        """Layers that were not passed."""
        return set(self.layers) - self.seen


def _sources(layer: Mapping[str, Any]) -> list[str]:
    """The layers that a layer takes its input from."""
    if not layer["inbound_nodes"]:
        return []
    (given,) = layer["inbound_nodes"][0]["args"]
    tensors = given if isinstance(given, list) else [given]
    return [tensor["config"]["keras_history"][0] for tensor in tensors]
