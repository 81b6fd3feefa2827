"""Study areas of a dataset, from what a person writes."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from sarlra.errors import InputError
from sarlra.events.area import parse_area
from sarlra.events.cases import find_case
from sarlra.events.event import Event
from sarlra.events.resolve import resolve_event
from sarlra.inventories.inventory import Inventory
from sarlra.inventories.read import read_inventory
from sarlra.inventories.study_case import Role, inventory_file, reference
from sarlra.jobs.plan import BOTH
from sarlra.jobs.relief import choose_terrain
from sarlra.scenes.model import OrbitState
from sarlra.scenes.sources import Source, open_source
from sarlra.terrain.choice import TerrainChoice

#: What a folder of a case holds; a simulated world is one.
EVENT, ITEMS, INVENTORY, DEM = "event.geojson", "items.json", "inventory.gpkg", "dem.tif"


@dataclass(frozen=True, slots=True)
class Case:
    """An earthquake with its acquisitions and its inventory.

    ``role`` ``unseen`` keeps all of its patches out of training, validation and test.
    """

    event: Event
    source: Source
    inventory: Inventory
    terrain: TerrainChoice
    role: Role = "train"

    @property
    def name(self) -> str:
        """The event's id: names the case in a dataset."""
        return self.event.id


@dataclass(frozen=True, slots=True)
class Given:
    """What a person gives beside the names of cases.

    ``inventory``, ``mapped``, ``unmapped`` and ``aoi`` are for one case; ``inventories`` is the
    folder of those of study cases, None for the user's own.
    """

    source: str = "planetary-computer"
    inventory: str | None = None
    mapped: str | None = None
    unmapped: str | None = None
    aoi: str | None = None
    inventories: Path | None = None
    dem: str = "auto"
    orbits: frozenset[OrbitState] = BOTH
    unseen: frozenset[str] = frozenset()


def open_cases(names: list[str], given: Given) -> tuple[Case, ...]:
    """Open cases: folders with ``event.geojson``, ``items.json`` and ``inventory.gpkg`` (such as a
    simulated world), study cases whose inventory the user has put in place, or one event with its
    inventory given.

    Returns
    -------
    By name: the order in which they are written does not matter.

    Raises
    ------
    InputError
        One of its kinds. Of a study case without its inventory the message says from where to get
        it and where to put it.
    """
    if not names:
        raise InputError(
            "no case is given",
            hint="name folders of simulated worlds, study cases, or an event with --inventory",
        )
    single = [given.inventory, given.mapped, given.unmapped, given.aoi]
    if len(names) > 1 and any(value is not None for value in single):
        raise InputError(
            "--inventory, --mapped, --unmapped and --aoi go with one case",
            hint="build the datasets of the cases one by one",
        )
    cases = sorted((_open(name, given) for name in names), key=lambda case: case.name)
    for before, after in pairwise(cases):
        if before.name == after.name:
            raise InputError(
                f"case {after.name} is given twice",
                hint="two simulated worlds of one seed are one event; take other seeds",
            )
    return tuple(cases)


def _open(text: str, given: Given) -> Case:
    folder = Path(text).expanduser()
    if folder.is_dir():
        return _of_folder(folder, given)
    area = None if given.aoi is None else parse_area(given.aoi)
    study = find_case(text)
    role: Role = "train"
    if study is not None:
        role = reference(study.id).role
        event = study.event(area)
    else:
        event = resolve_event(text, aoi=area)
    if given.inventory is not None:
        file: Path | str = given.inventory
    elif study is not None:
        file = inventory_file(study.id, given.inventories)
    else:
        raise InputError(
            f"event {event.id} has no inventory",
            hint="give --inventory FILE, or the folder of a simulated world",
        )
    source = open_source(given.source)
    return Case(
        event,
        source,
        read_inventory(file, mapped=given.mapped, unmapped=given.unmapped),
        choose_terrain(given.dem, None, None, source, given.orbits),
        _role(event.id, text, role, given),
    )


def _of_folder(folder: Path, given: Given) -> Case:
    file: Path | str = folder / INVENTORY if given.inventory is None else given.inventory
    needed = (EVENT, ITEMS) if given.inventory is not None else (EVENT, ITEMS, INVENTORY)
    missing = [name for name in needed if not (folder / name).is_file()]
    if missing:
        raise InputError(
            f"folder {folder} is no case: it has no {' and no '.join(missing)}",
            hint="make one with sarlra simulate, or give an event with --source and --inventory",
        )
    area = None if given.aoi is None else parse_area(given.aoi)
    event = resolve_event(str(folder / EVENT), aoi=area)
    source = open_source(str(folder / ITEMS))
    own_dem = folder / DEM
    dem = str(own_dem) if given.dem == "auto" and own_dem.is_file() else given.dem
    return Case(
        event,
        source,
        read_inventory(file, mapped=given.mapped, unmapped=given.unmapped),
        choose_terrain(dem, None, None, source, given.orbits),
        _role(event.id, str(folder), "train", given),
    )


def _role(event: str, text: str, role: Role, given: Given) -> Role:
    named = {event, text, text.rstrip("/")}
    return "unseen" if named & given.unseen else role
