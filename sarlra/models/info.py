"""A model on this machine, with what its card says; a file without a card by its network."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from sarlra.errors import ModelError
from sarlra.models.card import Card, parse_card
from sarlra.models.files import read_bounded, sha256

if TYPE_CHECKING:
    from sarlra.scenes.model import OrbitState

logger = logging.getLogger(__name__)

#: Bands of a composite, in the order in which a network takes them.
BANDS: Mapping[str, tuple[str, ...]] = {
    "VV": ("post_vv", "diff_vv"),
    "VV_VH": ("post_vv", "post_vh", "diff_vv", "diff_vh"),
}
#: A card is a page of JSON; no larger one is read.
MAX_CARD_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A model on this machine, with what its card says.

    ``sha256`` is of the file at ``path`` and was checked against the card when the model was
    found; it is checked again when the model is loaded. ``threshold`` is None where the model has
    none of its own. ``card`` holds plain JSON values.
    """

    name: str
    path: Path
    sha256: str
    combination: Literal["VV", "VV_VH"]
    architecture: str
    filters: int
    threshold: float | None
    orbit_states: tuple[OrbitState, ...]
    radiometry: Literal["gamma0", "sigma0e"]
    card: Mapping[str, Any]

    @property
    def bands(self) -> tuple[str, ...]:
        """The bands that the network takes, in its order."""
        return BANDS[self.combination]


def read_info(path: Path, *, unpack: bool = True) -> ModelInfo:
    """The model in a file, with the card beside it.

    Without ``unpack`` what the file holds is not looked into if its card names it.

    Raises
    ------
    ModelError
        It cannot be read, is no plain Keras network, or is not the file that its card names.
    """
    data = read_bounded(path)
    digest = sha256(data)
    card_path = path.with_suffix(".json")
    carded = card_path.is_file()
    config: dict[str, Any] = {}
    if unpack or not carded:
        from sarlra.models.keras_file import check_keras_file

        config = check_keras_file(data, str(path))
    if carded:
        card = parse_card(read_bounded(card_path, MAX_CARD_BYTES), str(card_path))
        if card.sha256 != digest:
            raise ModelError(
                f"{path}: is not the file that its card {card_path.name} names: sha256 {digest}, "
                f"the card says {card.sha256}",
                hint="fetch or import the model again",
            )
    else:
        card = _card_of_bare_file(path, digest, config)
    return ModelInfo(
        name=card.name,
        path=path.resolve(),
        sha256=digest,
        combination=card.combination,
        architecture=card.architecture,
        filters=card.filters,
        threshold=card.threshold,
        orbit_states=card.orbit_states,
        radiometry=card.radiometry,
        card=card.model_dump(mode="json"),
    )


def _card_of_bare_file(path: Path, digest: str, config: dict[str, Any]) -> Card:
    bands, filters = _bands_and_filters(config)
    combinations: dict[int, Literal["VV", "VV_VH"]] = {2: "VV", 4: "VV_VH"}
    if bands not in combinations:
        raise ModelError(
            f"{path}: takes {bands} bands", hint="a model takes 2 bands (VV) or 4 (VV_VH)"
        )
    name = re.sub(r"[^a-z0-9._-]", "-", path.stem.lower()).strip("-._")[:64]
    logger.warning("%s has no card beside it: taken for gamma0, both directions", path)
    return Card(
        name=name or "model",
        sha256=digest,
        combination=combinations[bands],
        orbit_states=("ascending", "descending"),
        architecture="unknown",
        filters=filters,
        radiometry="gamma0",
        threshold=None,
        licence="unknown",
        description="A file without a card; taken for gamma0 and both directions.",
    )


def _bands_and_filters(config: dict[str, Any]) -> tuple[int, int]:
    """Of the first layers that state them; 0 where none does."""
    bands = filters = 0
    inner = config.get("config")
    layers = inner.get("layers") if isinstance(inner, dict) else None
    for layer in layers if isinstance(layers, list) else []:
        choices = layer.get("config") if isinstance(layer, dict) else None
        if not isinstance(choices, dict):
            continue
        match choices:
            case {"batch_shape": [*_, int(last)]} if not bands:
                bands = last
            case {"filters": int(number)} if not filters:
                filters = number
    return bands, filters
