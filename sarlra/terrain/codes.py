"""The values of a layer of visibility."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum


class Visibility(IntEnum):
    """Values of a layer of visibility."""

    VISIBLE = 0
    ACTIVE_LAYOVER = 1
    PASSIVE_LAYOVER = 2
    ACTIVE_SHADOW = 3
    PASSIVE_SHADOW = 4
    OUTSIDE = 255
    """Outside the DEM or the track, or not known."""


MEANINGS: Mapping[Visibility, str] = {
    Visibility.VISIBLE: "visible",
    Visibility.ACTIVE_LAYOVER: "active layover",
    Visibility.PASSIVE_LAYOVER: "passive layover",
    Visibility.ACTIVE_SHADOW: "active shadow",
    Visibility.PASSIVE_SHADOW: "passive shadow",
    Visibility.OUTSIDE: "outside or not known",
}
