"""Keeping a model: its file and its card in a folder, and what is measured of it later."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sarlra.errors import ModelError
from sarlra.models.card import NAME_PATTERN, Card, card_bytes, parse_card
from sarlra.models.files import read_bounded, sha256, write_atomically
from sarlra.models.folders import shipped_folder, user_folder

if TYPE_CHECKING:
    pass
from sarlra.models.info import MAX_CARD_BYTES, ModelInfo, read_info


def store_model(packed: bytes, card: Card, folder: Path) -> ModelInfo:
    """Write a model's file and then its card.

    Parameters
    ----------
    packed
        From :func:`sarlra.models.packing.pack_network`.
    card
        Its ``sha256`` is of ``packed``.
    folder
        Where ``NAME.keras`` and ``NAME.json`` go.

    Raises
    ------
    ModelError
        Another model of that name exists, or the sum is not the card's.
    OutputError
        The folder cannot be written to.
    """
    if sha256(packed) != card.sha256:
        raise ModelError(f"the card of {card.name!r} names another sha256 than its file has")
    check_name_is_free(card.name, folder, card.sha256)
    write_atomically(folder / f"{card.name}.keras", packed)
    write_atomically(folder / f"{card.name}.json", card_bytes(card))
    return read_info(folder / f"{card.name}.keras")


def note_metrics(info: ModelInfo, name: str, figures: Mapping[str, Any]) -> ModelInfo:
    """Write what was measured of a model after its training into its card, as ``metrics.NAME``.

    Raises
    ------
    ModelError
        The model has no card beside it.
    OutputError
        The card cannot be written.
    """
    path = info.path.with_suffix(".json")
    if not path.is_file():
        raise ModelError(f"{info.path}: has no card {path.name} beside it")
    card = parse_card(read_bounded(path, MAX_CARD_BYTES), str(path))
    changed = card.model_copy(update={"metrics": {**(card.metrics or {}), name: dict(figures)}})
    write_atomically(path, card_bytes(changed))
    return read_info(info.path)


def check_name_is_free(name: str, folder: Path, same: str | None = None) -> None:
    """Refuse a name that a model in a folder has, unless that model's sha256 is ``same``.

    Shipped models are found before the user's, so their names are taken in the user's folder too.

    Raises
    ------
    ModelError
        The name is taken, or is no name for a model.
    """
    if not re.fullmatch(NAME_PATTERN, name):
        raise ModelError(
            f"{name!r} is no name for a model",
            hint="lower-case letters, digits, '.', '-' and '_', at most 64",
        )
    places = [folder] if folder != user_folder() else [folder, shipped_folder()]
    for place in places:
        card = place / f"{name}.json"
        if card.is_file():
            held = parse_card(read_bounded(card, MAX_CARD_BYTES), str(card))
            if held.sha256 != same:
                raise ModelError(
                    f"there is already a model {name!r} at {place}", hint="choose another name"
                )
