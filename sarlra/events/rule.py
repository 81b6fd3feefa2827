"""The rule by which earthquakes are watched: data in ``catalogs/watch/rule.json``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sarlra.catalogs import catalogs_folder
from sarlra.errors import EventError
from sarlra.events.feed import Quake

Days = Annotated[int, Field(ge=1, le=3660)]
Share = Annotated[float, Field(ge=0, le=1)]


class Rule(BaseModel):
    """What ``rule.json`` says; the file explains itself."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    min_magnitude: Annotated[float, Field(ge=0, le=10)]
    depth_limits: tuple[tuple[float, float], ...]
    alerts_kept: tuple[str, ...]
    least_mmi: Annotated[float, Field(ge=1, le=12)]
    least_relief_m: Annotated[float, Field(ge=0, le=5000)]
    relief_cell_m: Annotated[float, Field(ge=200, le=50_000)]
    least_land_share: Share
    lookback_days: Days
    pre_days: Days
    post_days: Days
    settle_days: Days
    aftershock_days: Days
    aftershock_margin: Annotated[float, Field(ge=0, le=5)]
    area_change: Share


def read_rule(path: Path | None = None) -> Rule:
    """The rule of the catalogue, or of a file of the same form.

    Raises
    ------
    EventError
        The file is none.
    """
    file = path or catalogs_folder() / "watch" / "rule.json"
    try:
        return Rule.model_validate(json.loads(file.read_text(encoding="utf-8")))
    except OSError as error:
        raise EventError(f"the rule {file} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise EventError(f"the rule {file}: {name}: {first['msg']}") from error
    except ValueError as error:
        raise EventError(f"the rule {file} is no JSON: {error}") from error


def why_not(quake: Quake, rule: Rule, landslide_alert: str | None = None) -> str | None:
    """Why an earthquake is not watched; None where it is.

    What is not known speaks for the earthquake, but for its magnitude.
    """
    if quake.deleted:
        return "it was deleted"
    if quake.kind != "earthquake":
        return f"it is of type {quake.kind}"
    if landslide_alert in rule.alerts_kept:
        return None
    if quake.magnitude is None:
        return "its magnitude is not known yet"
    if quake.magnitude < rule.min_magnitude:
        return f"magnitude {quake.magnitude:g} is under {rule.min_magnitude:g}"
    limit = next((km for most, km in rule.depth_limits if quake.magnitude <= most), None)
    shallow = quake.depth_km is None or limit is None or quake.depth_km <= limit
    if not shallow:
        return f"{quake.depth_km:g} km is too deep for magnitude {quake.magnitude:g}"
    return None
