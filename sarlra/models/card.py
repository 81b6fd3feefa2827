"""The card of a model: the JSON beside its file that says what it is."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from sarlra.errors import ModelError

Combination = Literal["VV", "VV_VH"]
Radiometry = Literal["gamma0", "sigma0e"]
NAME_PATTERN = r"^[a-z0-9][a-z0-9._-]{0,63}$"


Finite = Annotated[float, Field(allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class Calibration(BaseModel):
    """How a score becomes a probability: ``sigmoid(slope * logit(score) + intercept)``.

    It is the share of landslides among windows of such a score in the data it was fitted on, at
    that data's share of landslides; elsewhere it is as good as that data is like the place.
    Made and applied by :mod:`sarlra.models.calibration`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["logistic"] = "logistic"
    slope: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    """Not negative: a higher score never has a lower probability."""
    intercept: Finite
    fitted_on: str
    """Which data, in words."""
    brier_before: Share
    """Mean squared difference between score and truth on that data."""
    brier_after: Share
    """The same of the probability."""
    samples: Annotated[int, Field(ge=1)]
    """Windows of that data."""


class Domain(BaseModel):
    """What a model has seen in training; ranges are closed. Made and compared with scenes by
    :mod:`sarlra.models.domain`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    n_pre: tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=0)]]
    """Fewest and most acquisitions before the event."""
    n_post: tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=0)]]
    """Fewest and most acquisitions after it."""
    incidence: tuple[Finite, Finite] | None = None
    """Least and largest incidence angle on the ellipsoid, degrees; None where not known."""
    bands: dict[str, tuple[Finite, Finite]]
    """Per band of the composite the 0.5 and 99.5 % quantiles of the training windows' means, dB."""

    @model_validator(mode="after")
    def _low_before_high(self) -> Self:
        named = {"n_pre": self.n_pre, "n_post": self.n_post, "incidence": self.incidence}
        for name, pair in (named | self.bands).items():
            if pair is not None and pair[0] > pair[1]:
                raise ValueError(f"{name}: {pair[0]} is over {pair[1]}")
        return self


class Card(BaseModel):
    """What is known of a model; further facts may stand beside these.

    The same object is written by training, import and pull, and read by the registry.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    name: Annotated[str, Field(pattern=NAME_PATTERN)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    """Of the ``.keras`` file beside the card."""
    combination: Combination
    """VV: post and diff VV. VV_VH: post VV, post VH, diff VV, diff VH."""
    orbit_states: Annotated[
        tuple[Literal["ascending", "descending"], ...], Field(min_length=1, max_length=2)
    ]
    architecture: str
    filters: Annotated[int, Field(ge=0, le=4096)]
    """Of each convolution; 0 where not known."""
    radiometry: Radiometry
    """gamma0: radiometrically terrain corrected; sigma0e: on the ellipsoid (Earth Engine)."""
    threshold: Annotated[float, Field(ge=0, le=1)] | None
    """Scores over this are candidates; None where the model has none of its own."""
    licence: str
    description: str
    limits: tuple[str, ...] = ()
    """What the model must not be trusted with."""
    parameters: Annotated[int, Field(ge=0)] | None = None
    """Numbers in the network, those that are not trained included."""
    imported_from: dict[str, Any] | None = None
    """Name, sha256 and size of the weights file, where the model was imported."""
    training: dict[str, Any] | None = None
    """Data, choices and seed, where the model was trained here."""
    metrics: dict[str, Any] | None = None
    """Of the trained model at its threshold, per part of the data and per event."""
    calibration: Calibration | None = None
    """None where scores are no probabilities."""
    domain: Domain | None = None
    """None where it is not known what the model has seen."""


def parse_card(data: bytes, label: str) -> Card:
    """Read a card.

    Raises
    ------
    ModelError
        The bytes are no card; the message names the first fault.
    """
    try:
        return Card.model_validate(json.loads(data))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "card"
        raise ModelError(f"{label}: is no model card: {where}: {first['msg']}") from error
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{label}: is no JSON: {error}") from error


def card_bytes(card: Card) -> bytes:
    """The card as indented JSON, keys in the order above."""
    content: dict[str, Any] = card.model_dump(mode="json")
    return (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()
