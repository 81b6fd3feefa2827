"""The paper's CNN, the variant of the published weights, and the parts that networks share.

All networks take windows of ``(n, 64, 64, bands)`` float32 in dB, bands in the order of
:attr:`sarlra.recipe.Recipe.bands`, and give ``(n, 1)`` scores in [0, 1].
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sarlra.models.engine import import_keras

WINDOW_PX = 64
#: Side to which the features of all three modules are brought before they are concatenated.
FEATURE_PX = 16


def build_cnn(
    bands: int,
    filters: int,
    dropout: float,
    mean: Sequence[float],
    variance: Sequence[float],
    momentum: float = 0.9,
) -> Any:
    """Build the CNN of the paper.

    Three modules of 3x3 convolution (same padding, ReLU), batch normalisation and 2x2 max pooling;
    the features of each module, bilinearly brought to 16x16 and concatenated, are pooled to 8x8,
    dropped out, flattened, and classified by a dense layer of ``8 * filters`` and a sigmoid.

    Parameters
    ----------
    bands
        2 (VV) or 4 (VV_VH).
    filters
        Filters of every convolution; 32 or 64 in the paper.
    dropout
        Share of the concatenated features dropped in training.
    mean, variance
        Per band, dB and dB^2: the network's first layer standardises with them.
    momentum
        Of the batch normalisations. Keras' 0.99 needs thousands of steps; 0.9 serves short runs.

    Returns
    -------
    keras.Model
        Not compiled. Source: Nava et al. 2026, section 2.3.
    """
    keras = import_keras()
    layers = keras.layers
    inputs = layers.Input((WINDOW_PX, WINDOW_PX, bands), name="windows")
    x = standardise(inputs, mean, variance)
    features = []
    for number in (1, 2, 3):
        x = convolve(x, number, filters, momentum)
        features.append(x)
        if number < 3:
            x = layers.MaxPooling2D(name=f"pooling_{number}")(x)
    return keras.Model(inputs, classify(join_levels(features), filters, dropout), name="cnn")


def convolve(x: Any, number: int, filters: int, momentum: float) -> Any:
    """The 3x3 convolution of module ``number``, with ReLU and batch normalisation."""
    layers = import_keras().layers
    x = layers.Conv2D(filters, 3, padding="same", activation="relu", name=f"convolution_{number}")(
        x
    )
    return layers.BatchNormalization(momentum=momentum, name=f"normalisation_{number}")(x)


def standardise(inputs: Any, mean: Sequence[float], variance: Sequence[float]) -> Any:
    """Bring each band of dB to mean 0 and variance 1, inside the network."""
    layers = import_keras().layers
    return layers.Normalization(mean=list(mean), variance=list(variance), name="standardise")(
        inputs
    )


def join_levels(features: Sequence[Any]) -> Any:
    """The features of all modules at 16x16, one behind the other, pooled to 8x8."""
    layers = import_keras().layers
    levels = [_to_feature_size(x, number) for number, x in enumerate(features, start=1)]
    x = layers.Concatenate(name="all_levels")(levels)
    return layers.MaxPooling2D(name="pooling_3")(x)


def classify(x: Any, filters: int, dropout: float) -> Any:
    """Dropout, a dense layer of ``8 * filters`` and the sigmoid of the score, ``(n, 1)``."""
    layers = import_keras().layers
    x = layers.Dropout(dropout, name="dropout")(x)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(8 * filters, activation="relu", name="dense")(x)
    return layers.Dense(1, activation="sigmoid", name="score")(x)


def _to_feature_size(x: Any, number: int) -> Any:
    if x.shape[1] == FEATURE_PX:
        return x
    return import_keras().layers.Resizing(FEATURE_PX, FEATURE_PX, name=f"resized_{number}")(x)


def build_sar_lra_v1(filters: int, bands: int = 4) -> Any:
    """Build the variant to which the published SAR-LRA V1 weights belong.

    It differs from :func:`build_cnn` in that the concatenation repeats the third module's features
    three times instead of joining three levels, and in that nothing standardises the input: it
    takes Earth Engine's S1_GRD decibels as they are. Batch normalisation has Keras' defaults.

    Parameters
    ----------
    filters
        32 (ascending) or 64 (descending) in the published files.
    bands
        4: post VV, post VH, diff VV, diff VH.

    Returns
    -------
    keras.Model
        Not compiled; its layers with weights are, in order, those of the published files.
    """
    keras = import_keras()
    layers = keras.layers
    inputs = layers.Input((WINDOW_PX, WINDOW_PX, bands), name="windows")
    x = inputs
    for number in (1, 2, 3):
        x = layers.Conv2D(
            filters, 3, padding="same", activation="relu", name=f"convolution_{number}"
        )(x)
        x = layers.BatchNormalization(epsilon=1e-3, name=f"normalisation_{number}")(x)
        if number < 3:
            x = layers.MaxPooling2D(name=f"pooling_{number}")(x)
    x = layers.Concatenate(name="third_level_thrice")([x, x, x])
    x = layers.MaxPooling2D(name="pooling_3")(x)
    x = layers.Dropout(0.7, name="dropout")(x)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(8 * filters, activation="relu", name="dense")(x)
    return keras.Model(
        inputs, layers.Dense(1, activation="sigmoid", name="score")(x), name="sar_lra_v1"
    )
