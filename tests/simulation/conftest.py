"""One small world for all tests of the simulation: 512 pixels, seed 7."""

from __future__ import annotations

import pytest

from sarlra.simulation.ground import Ground, make_ground
from sarlra.simulation.layout import DEFAULT_CENTRE, DEFAULT_EPSG, make_layout
from sarlra.simulation.world import SimulatedWorld, simulate

SEED = 7
SIZE = 512


@pytest.fixture(scope="session")
def sim_ground() -> Ground:
    return make_ground(SEED, make_layout(SIZE, DEFAULT_EPSG, DEFAULT_CENTRE))


@pytest.fixture(scope="session")
def sim_world(tmp_path_factory: pytest.TempPathFactory) -> SimulatedWorld:
    return simulate(SEED, tmp_path_factory.mktemp("world"), size_px=SIZE)
