"""The architectures that can be trained, by name: one builder each, the same contract."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from sarlra.models.cbam import build_cbam
from sarlra.models.cnn import build_cnn
from sarlra.models.resnet import build_resnet

Architecture = Literal["cnn", "cbam", "resnet"]

#: Each takes (bands, filters, dropout, mean, variance, momentum) and gives a network of windows
#: ``(n, 64, 64, bands)`` in dB to scores ``(n, 1)`` in [0, 1], not compiled.
BUILDERS: Mapping[Architecture, Callable[..., Any]] = {
    "cnn": build_cnn,
    "cbam": build_cbam,
    "resnet": build_resnet,
}
#: What the cards say of them.
TITLES: Mapping[Architecture, str] = {
    "cnn": "The CNN of the paper",
    "cbam": "The CNN of the paper with attention (CBAM)",
    "resnet": "A residual network",
}
