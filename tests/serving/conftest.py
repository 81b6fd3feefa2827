from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import serving_world
import viewer_world

from sarlra.serving.place import open_place
from sarlra.serving.results import Results, read_results


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A catalogue that tests do not change."""
    folder = tmp_path_factory.mktemp("catalogue") / "out"
    serving_world.make(folder)
    return folder


@pytest.fixture(scope="session")
def results(made: Path) -> Results:
    return read_results(open_place(str(made)))


@pytest.fixture(scope="session")
def mapped_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A catalogue of two tracks and two moments with composites; tests do not change it."""
    folder = tmp_path_factory.mktemp("mapped") / "out"
    viewer_world.make(folder)
    return folder


@pytest.fixture(scope="session")
def mapped(mapped_folder: Path) -> Results:
    return read_results(open_place(str(mapped_folder)))


@pytest.fixture
def copy(made: Path, tmp_path: Path) -> Path:
    """A copy that a test may spoil."""
    return Path(shutil.copytree(made, tmp_path / "copy"))
