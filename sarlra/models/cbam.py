"""The CNN with attention: what to look at (channels), and where (pixels)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sarlra.models.cnn import WINDOW_PX, classify, convolve, join_levels, standardise
from sarlra.models.engine import import_keras

#: By how much the dense layer of the channel attention narrows (Woo et al. 2018, section 3.1: 16;
#: with 32 filters that leaves two numbers, so 8 here).
REDUCTION = 8
SPATIAL_PX = 7


def build_cbam(
    bands: int,
    filters: int,
    dropout: float,
    mean: Sequence[float],
    variance: Sequence[float],
    momentum: float = 0.9,
) -> Any:
    """Build the paper's CNN with a convolutional block attention module in each of its modules.

    Only plain layers are used, so that the file loads where code of its own is refused.

    Parameters
    ----------
    bands, filters, dropout, mean, variance, momentum
        As of :func:`sarlra.models.cnn.build_cnn`.

    Returns
    -------
    keras.Model
        Not compiled. Sources: Nava et al. 2026, section 2.3; S. Woo, J. Park, J.-Y. Lee & I. S.
        Kweon, CBAM: Convolutional Block Attention Module, ECCV 2018.
    """
    keras = import_keras()
    layers = keras.layers
    inputs = layers.Input((WINDOW_PX, WINDOW_PX, bands), name="windows")
    x = standardise(inputs, mean, variance)
    features = []
    for number in (1, 2, 3):
        x = convolve(x, number, filters, momentum)
        x = _attend_to_channels(x, number)
        x = _attend_to_pixels(x, number)
        features.append(x)
        if number < 3:
            x = layers.MaxPooling2D(name=f"pooling_{number}")(x)
    return keras.Model(inputs, classify(join_levels(features), filters, dropout), name="cbam")


def _attend_to_channels(x: Any, number: int) -> Any:
    """Weigh channels by their mean and maximum over the window, through one shared dense pair."""
    layers = import_keras().layers
    filters = x.shape[-1]
    narrow = layers.Dense(
        max(1, filters // REDUCTION), activation="relu", name=f"channel_narrow_{number}"
    )
    wide = layers.Dense(filters, name=f"channel_wide_{number}")
    mean = layers.GlobalAveragePooling2D(name=f"channel_mean_{number}")(x)
    most = layers.GlobalMaxPooling2D(name=f"channel_max_{number}")(x)
    weight = layers.Add(name=f"channel_sum_{number}")([wide(narrow(mean)), wide(narrow(most))])
    weight = layers.Activation("sigmoid", name=f"channel_weight_{number}")(weight)
    weight = layers.Reshape((1, 1, filters), name=f"channel_shape_{number}")(weight)
    return layers.Multiply(name=f"channel_attention_{number}")([x, weight])


def _attend_to_pixels(x: Any, number: int) -> Any:
    """Weigh pixels by mean and maximum over the channels, through one 7x7 convolution.

    Pooling over channels is written as pooling over an image of (pixels, channels).
    """
    layers = import_keras().layers
    rows, columns, filters = x.shape[1:]
    flat = layers.Reshape((rows * columns, filters, 1), name=f"spatial_flat_{number}")(x)
    mean = layers.AveragePooling2D((1, filters), name=f"spatial_mean_{number}")(flat)
    most = layers.MaxPooling2D((1, filters), name=f"spatial_max_{number}")(flat)
    both = layers.Concatenate(name=f"spatial_both_{number}")([mean, most])
    both = layers.Reshape((rows, columns, 2), name=f"spatial_image_{number}")(both)
    weight = layers.Conv2D(
        1, SPATIAL_PX, padding="same", activation="sigmoid", name=f"spatial_weight_{number}"
    )(both)
    return layers.Multiply(name=f"spatial_attention_{number}")([x, weight])
