"""Bringing published Keras 2 weights into a network and onto the user's shelf."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sarlra.errors import ModelError
from sarlra.models.card import Card, parse_card
from sarlra.models.cnn import build_sar_lra_v1
from sarlra.models.files import read_bounded, sha256
from sarlra.models.folders import user_folder
from sarlra.models.info import ModelInfo
from sarlra.models.keep import check_name_is_free, store_model
from sarlra.models.keras2_weights import Weights, read_keras2_weights
from sarlra.models.packing import pack_network
from sarlra.scenes.model import OrbitState

#: Architectures whose published weights can be imported.
IMPORTABLE = ("sar-lra-v1",)
_BOTH: tuple[OrbitState, ...] = ("ascending", "descending")
_LIMITS = (
    "Expects Earth Engine S1_GRD decibels (sigma0 on the ellipsoid) at 10 m: on terrain-corrected "
    "gamma0 its scores are shifted.",
    "Scores are no probabilities.",
)


def import_weights(
    file: Path,
    *,
    name: str,
    filters: int,
    architecture: str = "sar-lra-v1",
    orbit_states: tuple[OrbitState, ...] = _BOTH,
    threshold: float | None = None,
    licence: str = "not stated",
) -> ModelInfo:
    """Import a weights file that Keras 2 wrote with ``save_weights``.

    Parameters
    ----------
    file
        HDF5, such as the published ``*.hdf5`` of SAR-LRA V1.
    name
        Under which the model is found afterwards.
    filters
        Of each convolution: 32 in the published ascending file, 64 in the descending one.
    architecture
        One of ``IMPORTABLE``.
    orbit_states
        Directions that the weights were trained on.
    threshold
        The model's own; None where it has none.
    licence
        What is known of the weights' licence.

    Returns
    -------
    ModelInfo
        Of the ``.keras`` file written to :func:`sarlra.models.folders.user_folder`.

    Raises
    ------
    ModelError
        The file is not of this format, or does not fit the architecture with so many filters, or
        the name is taken; nothing is written then.
    OutputError
        The user's model folder cannot be written to.
    """
    if architecture not in IMPORTABLE:
        raise ModelError(
            f"weights of the architecture {architecture!r} cannot be imported",
            hint=f"known: {', '.join(IMPORTABLE)}",
        )
    if not 1 <= filters <= 512:
        raise ModelError(f"{filters} filters: there must be 1 to 512")
    check_name_is_free(name, user_folder(), same=_earlier(name, data := read_bounded(file)))
    weights = read_keras2_weights(data, str(file))
    if (found := weights[0][1].shape[-1:]) != (filters,):  # before anything large is built
        raise ModelError(
            f"{file}: its first layer has {found[0] if found else 'no'} filters, not {filters}",
            hint="is the number of filters right?",
        )
    model = build_sar_lra_v1(filters)
    load_into(model, weights, str(file))
    packed = pack_network(model)
    card = Card(
        name=name,
        sha256=sha256(packed),
        combination="VV_VH",
        orbit_states=orbit_states,
        architecture=architecture,
        filters=filters,
        radiometry="sigma0e",
        threshold=threshold,
        licence=licence,
        description=f"Weights of {file.name}, imported into the network of SAR-LRA V1.",
        limits=_LIMITS,
        imported_from={"file": file.name, "sha256": sha256(data), "size": len(data)},
        parameters=int(model.count_params()),
    )
    return store_model(packed, card, user_folder())


def load_into(model: Any, weights: Weights, label: str) -> None:
    """Put weights into a network, position by position, after comparing every shape and role.

    Raises
    ------
    ModelError
        Another number of weights, or one of another shape or role; the network is unchanged.
    """
    variables = model.weights
    if len(weights) != len(variables):
        raise ModelError(
            f"{label}: holds {len(weights)} weights, this architecture has {len(variables)}"
        )
    for (name, array), variable in zip(weights, variables, strict=True):
        role = name.split("/")[-1].split(":")[0]
        if role != variable.name or array.shape != tuple(variable.shape):
            raise ModelError(
                f"{label}: {name} is {array.shape}, expected {variable.path} of "
                f"{tuple(variable.shape)}",
                hint="is the number of filters right?",
            )
    model.set_weights([array for _, array in weights])


def _earlier(name: str, data: bytes) -> str | None:
    """The sha256 of the user's model of that name, if it was imported from these very bytes."""
    card = user_folder() / f"{name}.json"
    if not card.is_file():
        return None
    held = parse_card(read_bounded(card), str(card))
    same = (held.imported_from or {}).get("sha256") == sha256(data)
    return held.sha256 if same else None
