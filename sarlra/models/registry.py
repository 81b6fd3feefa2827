"""Finding a model: by name among the shipped and the user's, or as a file."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from sarlra.errors import ModelError
from sarlra.models.card import NAME_PATTERN, Card, card_bytes, parse_card
from sarlra.models.files import read_bounded, sha256, write_atomically
from sarlra.models.folders import registered_folder, shipped_folder, user_folder

if TYPE_CHECKING:
    from sarlra.scenes.model import OrbitState

logger = logging.getLogger(__name__)

#: The models that ship with the package, by combination and direction.
DEFAULT_MODELS: Mapping[tuple[str, str], str] = {
    ("VV_VH", "ascending"): "sim-cnn32-vv-vh-ascending",
    ("VV_VH", "descending"): "sim-cnn32-vv-vh-descending",
    ("VV", "ascending"): "sim-cnn32-vv-ascending",
    ("VV", "descending"): "sim-cnn32-vv-descending",
}
#: Bands of a composite, in the order in which a network takes them.
BANDS: Mapping[str, tuple[str, ...]] = {
    "VV": ("post_vv", "diff_vv"),
    "VV_VH": ("post_vv", "post_vh", "diff_vv", "diff_vh"),
}
_MAX_CARD_BYTES = 2**20


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
        return _read_file(path)
    if not re.fullmatch(NAME_PATTERN, name_or_file):
        raise ModelError(f"{name_or_file!r} is neither a model's name nor a .keras file")
    for folder in (shipped_folder(), user_folder()):
        if (folder / f"{name_or_file}.json").is_file():
            return _read_file(folder / f"{name_or_file}.keras")
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
                info = _read_file(card.with_suffix(".keras"), unpack=False)
            except ModelError as error:
                logger.warning("model left out: %s", error)
                continue
            found.setdefault(info.name, info)
    return tuple(found.values())


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
    return _read_file(folder / f"{card.name}.keras")


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
    card = parse_card(read_bounded(path, _MAX_CARD_BYTES), str(path))
    changed = card.model_copy(update={"metrics": {**(card.metrics or {}), name: dict(figures)}})
    write_atomically(path, card_bytes(changed))
    return _read_file(info.path)


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
            held = parse_card(read_bounded(card, _MAX_CARD_BYTES), str(card))
            if held.sha256 != same:
                raise ModelError(
                    f"there is already a model {name!r} at {place}", hint="choose another name"
                )


def _read_file(path: Path, *, unpack: bool = True) -> ModelInfo:
    """A model; without ``unpack`` what its file holds is not looked into if its card names it."""
    data = read_bounded(path)
    digest = sha256(data)
    card_path = path.with_suffix(".json")
    carded = card_path.is_file()
    config: dict[str, Any] = {}
    if unpack or not carded:
        from sarlra.models.keras_file import check_keras_file

        config = check_keras_file(data, str(path))
    if carded:
        card = parse_card(read_bounded(card_path, _MAX_CARD_BYTES), str(card_path))
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
