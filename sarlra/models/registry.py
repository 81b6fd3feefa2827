"""Finding a model: by name among the shipped and the user's, or as a file."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from sarlra.errors import ModelError
from sarlra.models.card import NAME_PATTERN
from sarlra.models.files import read_bounded, sha256
from sarlra.models.folders import registered_folder, shipped_folder, user_folder

if TYPE_CHECKING:
    pass
from sarlra.models.info import ModelInfo, read_info

logger = logging.getLogger(__name__)

#: The models that ship with the package, by combination and direction.
DEFAULT_MODELS: Mapping[tuple[str, str], str] = {
    ("VV_VH", "ascending"): "sim-cnn32-vv-vh-ascending",
    ("VV_VH", "descending"): "sim-cnn32-vv-vh-descending",
    ("VV", "ascending"): "sim-cnn32-vv-ascending",
    ("VV", "descending"): "sim-cnn32-vv-descending",
}


def find_model(name_or_file: str) -> ModelInfo:
    """Find a model by its name or by the path of its ``.keras`` file.

    A file's card lies beside it (``x.keras``, ``x.json``). A file without one is taken with what
    its network tells: bands by the number of its inputs, both directions, no threshold of its own.

    Raises
    ------
    ModelError
        Unknown, unreadable, not a plain Keras network, or not the file that its card names.
    """
    path = Path(name_or_file)
    if path.suffix == ".keras" or path.is_file() or "/" in name_or_file:
        return read_info(path)
    if not re.fullmatch(NAME_PATTERN, name_or_file):
        raise ModelError(f"{name_or_file!r} is neither a model's name nor a .keras file")
    for folder in (shipped_folder(), user_folder()):
        if (folder / f"{name_or_file}.json").is_file():
            return read_info(folder / f"{name_or_file}.keras")
    if (registered_folder() / f"{name_or_file}.json").is_file():
        raise ModelError(
            f"the model {name_or_file!r} is registered but not on this machine",
            hint=f"fetch it with `sarlra models pull {name_or_file}`",
        )
    raise ModelError(
        f"there is no model {name_or_file!r}",
        hint="`sarlra models list` lists them; a file is given by its path, ending in .keras",
    )


def default_model(combination: str, orbit_state: str) -> ModelInfo:
    """The shipped model for a combination of bands and a direction.

    Raises
    ------
    ModelError
        No shipped model fits, or its file is damaged.
    """
    name = DEFAULT_MODELS.get((combination, orbit_state))
    if name is None:
        raise ModelError(
            f"no model takes the combination {combination!r} of {orbit_state} passes",
            hint="VV or VV_VH; ascending or descending",
        )
    info = find_model(name)
    if info.combination != combination or orbit_state not in info.orbit_states:
        raise ModelError(
            f"the model {name!r} does not fit {combination} of {orbit_state} passes",
            hint="choose one with --model",
        )
    return info


def list_models() -> tuple[ModelInfo, ...]:
    """All models on this machine, shipped ones first, by name; broken ones are logged and left.

    A file is checked to be the one that its card names; what it holds, once it is found or loaded.
    """
    found: dict[str, ModelInfo] = {}
    for folder in (shipped_folder(), user_folder()):
        for card in sorted(folder.glob("*.json")):
            try:
                info = read_info(card.with_suffix(".keras"), unpack=False)
            except ModelError as error:
                logger.warning("model left out: %s", error)
                continue
            found.setdefault(info.name, info)
    return tuple(found.values())


def read_model(info: ModelInfo) -> bytes:
    """The file of a model, if it is still the one that was found.

    Raises
    ------
    ModelError
        It cannot be read, or has changed.
    """
    data = read_bounded(info.path)
    if (found := sha256(data)) != info.sha256:
        raise ModelError(
            f"{info.path}: has changed: sha256 {found}, expected {info.sha256}",
            hint="fetch or import the model again",
        )
    return data
