"""Where the inventory of a study case is to be had, and where it is looked for.

Inventories are the work of others under their own licences: none comes with the package, and none
is fetched. The user downloads it once and puts it into one folder.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from platformdirs import user_data_dir

from sarlra.catalogs import catalogs_folder
from sarlra.errors import EventError, InputError
from sarlra.events.files import read_json_file

Role = Literal["train", "unseen"]

_ENDINGS = (".gpkg", ".shp", ".geojson", ".json", ".parquet", ".geoparquet")


@dataclass(frozen=True, slots=True)
class Reference:
    """What is known of a study case's inventory.

    ``address`` is the publication's or the data's DOI, None where there is none; ``where`` says in
    words how to get it; ``role`` whether the paper trained on the case or kept it unseen.
    """

    case: str
    citation: str
    address: str | None
    where: str
    role: Role


def inventories_folder() -> Path:
    """Where inventories of study cases are looked for; it may not exist yet.

    ``SARLRA_INVENTORIES`` names another folder than the platform's data folder.
    """
    given = os.environ.get("SARLRA_INVENTORIES")
    return Path(given) if given else Path(user_data_dir("sarlra")) / "inventories"


def reference(case: str) -> Reference:
    """The reference of a study case's inventory, by the case's id.

    Raises
    ------
    EventError
        The case is unknown or its file in the catalogue is damaged.
    """
    path = catalogs_folder() / "study-cases" / "items" / f"{case}.json"
    item: Any = read_json_file(path, EventError)
    try:
        properties = item["properties"]
        role = properties["sarlra:role"]
        if role not in get_args(Role):
            raise ValueError(f"role {role!r}")
        return Reference(
            case,
            str(properties["sarlra:inventory"]),
            properties.get("sarlra:inventory_address"),
            str(properties["sarlra:inventory_where"]),
            role,
        )
    except (KeyError, TypeError, ValueError) as cause:
        raise EventError(f"study case {case} in the catalogue is damaged: {cause!r}") from cause


def inventory_file(case: str, folder: Path | None = None) -> Path:
    """The file of a study case's inventory: ``FOLDER/CASE.gpkg``, or another known ending.

    Raises
    ------
    InputError
        It is not there; the message says from where to get it, the hint where to put it.
    """
    place = inventories_folder() if folder is None else folder
    for ending in _ENDINGS:
        for file in (place / f"{case}{ending}", place / case / f"{case}{ending}"):
            if file.is_file():
                return file
    known = reference(case)
    address = "" if known.address is None else f" ({known.address})"
    raise InputError(
        f"the inventory of study case {case} has to be downloaded by hand: "
        f"{known.citation}{address}. {known.where}",
        hint=f"put its polygons into {place / case}.gpkg (or .shp, .geojson, .parquet)",
    )
