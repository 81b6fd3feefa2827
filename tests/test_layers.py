"""Which folder of the package may import which: only those before it on the way of the data."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

#: The way of the data. Those in one line stand side by side and know nothing of each other.
WAY = (
    ("errors", "grid", "compiled"),
    ("catalogs", "recipe", "settings"),
    ("events",),
    ("scenes",),
    ("terrain",),
    ("composites", "inventories", "simulation"),
    ("samples",),
    ("models",),
    ("detection",),
    ("catalog",),
    ("evaluation",),
    ("jobs",),
    ("scan", "watch", "training"),
    ("serving",),
    ("library", "cli"),
    ("flows",),
)
FLOOR = {name: floor for floor, names in enumerate(WAY) for name in names}
#: All that a simulated world may take from the rest: it is made before there is anything to read.
OF_A_WORLD = {"sarlra", "sarlra.errors", "sarlra.terrain.sphere", "sarlra.terrain.slopes"}


def station(file: Path) -> str:
    """The folder of the package that a file lies in, or its own name beside the folders."""
    inside = file.relative_to(ROOT)
    return "flows" if inside.parts[0] == "flows" else inside.with_suffix("").parts[1]


def sources() -> list[Path]:
    return sorted([*ROOT.glob("sarlra/**/*.py"), *ROOT.glob("flows/*.py")])


def imports(file: Path) -> Iterator[str]:
    """Modules that a file imports, wherever in it; of names taken from a package, the package."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: a relative import"
            yield node.module or ""
            if node.module == "sarlra":
                yield from (f"sarlra.{alias.name}" for alias in node.names)


def inside(module: str) -> str | None:
    """The station that a module belongs to; None of all that is not this package's."""
    parts = module.split(".")
    if parts[0] == "flows":
        return "flows"
    return parts[1] if parts[0] == "sarlra" and len(parts) > 1 and parts[1] in FLOOR else None


def test_every_folder_has_its_place() -> None:
    found = {station(file) for file in sources()} - {"__init__"}
    assert found == set(FLOOR)


def test_a_station_imports_only_from_stations_before_it() -> None:
    back = [
        f"{file.relative_to(ROOT)} imports {module}"
        for file in sources()
        for module in imports(file)
        for other in [inside(module)]
        if other not in (None, station(file)) and FLOOR[other] >= FLOOR.get(station(file), -1)
    ]
    assert back == []


def test_a_simulated_world_is_made_of_formulas_alone() -> None:
    taken = {
        module
        for file in sorted((ROOT / "sarlra/simulation").glob("*.py"))
        for module in imports(file)
        if inside(module) not in (None, "simulation")
    }
    assert taken <= OF_A_WORLD


def test_no_module_imports_in_a_circle() -> None:
    """Imports for types alone count too: a circle of them says that a module is two."""
    names = {".".join(file.relative_to(ROOT).with_suffix("").parts): file for file in sources()}
    after = {name: [m for m in imports(file) if m in names] for name, file in names.items()}
    done: set[str] = set()

    def follow(name: str, way: tuple[str, ...]) -> None:
        if name in way:
            pytest.fail(" -> ".join((*way[way.index(name) :], name)))
        if name not in done:
            for other in after[name]:
                follow(other, (*way, name))
            done.add(name)

    for name in names:
        follow(name, ())
