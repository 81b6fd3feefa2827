"""A small residual network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sarlra.models.cnn import WINDOW_PX, classify, standardise
from sarlra.models.engine import import_keras

BLOCKS = 3


def build_resnet(
    bands: int,
    filters: int,
    dropout: float,
    mean: Sequence[float],
    variance: Sequence[float],
    momentum: float = 0.9,
) -> Any:
    """Build the residual network: a convolution, then blocks with max pooling between them.

    A block is two 3x3 convolutions, each with batch normalisation, around which its input goes.
    Three poolings bring 64 pixels to 8; the classifier is that of the CNN.

    Parameters
    ----------
    bands, filters, dropout, mean, variance, momentum
        As of :func:`sarlra.models.cnn.build_cnn`.

    Returns
    -------
    keras.Model
        Not compiled. Sources: Nava et al. 2026, section 2.3; K. He, X. Zhang, S. Ren & J. Sun,
        Deep Residual Learning for Image Recognition, CVPR 2016.
    """
    keras = import_keras()
    layers = keras.layers
    inputs = layers.Input((WINDOW_PX, WINDOW_PX, bands), name="windows")
    x = standardise(inputs, mean, variance)
    x = layers.Conv2D(filters, 3, padding="same", name="convolution_0")(x)
    x = layers.BatchNormalization(momentum=momentum, name="normalisation_0")(x)
    x = layers.ReLU(name="relu_0")(x)
    for number in range(1, BLOCKS + 1):
        x = layers.MaxPooling2D(name=f"pooling_{number}")(x)
        x = _block(x, number, momentum)
    return keras.Model(inputs, classify(x, filters, dropout), name="resnet")


def _block(x: Any, number: int, momentum: float) -> Any:
    layers = import_keras().layers
    y = x
    for part in ("a", "b"):
        name = f"{number}{part}"
        y = layers.Conv2D(x.shape[-1], 3, padding="same", name=f"convolution_{name}")(y)
        y = layers.BatchNormalization(momentum=momentum, name=f"normalisation_{name}")(y)
        if part == "a":
            y = layers.ReLU(name=f"relu_{name}")(y)
    y = layers.Add(name=f"sum_{number}")([x, y])
    return layers.ReLU(name=f"relu_{number}")(y)
