"""Files stay open while a composite is computed, and only then."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine

from sarlra.composites.handles import kept_open, opened
from sarlra.composites.pixels import PixelGrid
from sarlra.composites.reader import read_asset
from sarlra.errors import AssetError
from tests.composites.composites_world import write_tif

GRID = PixelGrid(32611, 60000, 400000, 40, 30, 10.0)
ORIGIN = Affine(10, 0, 600000, 0, -10, 4000000)


def _open_files(path: Path) -> int:
    found = list(Path("/proc/self/fd").iterdir())
    return sum(one.exists() and one.resolve() == path.resolve() for one in found)


@pytest.fixture
def image(tmp_path: Path) -> Path:
    return write_tif(tmp_path / "a.tif", np.full((30, 40), 0.5), ORIGIN)


def test_a_file_is_closed_after_a_read(image: Path) -> None:
    read_asset(str(image), GRID, None)
    assert _open_files(image) == 0


def test_a_file_stays_open_for_the_next_reader_until_the_last_composite_ends(image: Path) -> None:
    with kept_open():
        with opened(str(image), cached=True) as first:
            pass
        with kept_open(), opened(str(image), cached=True) as second:
            assert second is first
        assert _open_files(image) == 1
    assert first.source.closed
    assert _open_files(image) == 0


def test_two_readers_at_once_have_a_file_each(image: Path) -> None:
    with kept_open(), ThreadPoolExecutor(4) as pool:
        grids = [PixelGrid(32611, 60000 + n, 400000, 8, 8, 10.0) for n in range(32)]
        found = list(pool.map(lambda grid: read_asset(str(image), grid, None), grids))
        assert all((values == np.float32(0.5)).all() for values in found)
        with opened(str(image), cached=True) as one, opened(str(image), cached=True) as two:
            assert one is not two


def test_a_file_that_could_not_be_read_is_not_given_to_the_next_reader(image: Path) -> None:
    with kept_open():
        with pytest.raises(rasterio.errors.RasterioError), opened(str(image), cached=True) as one:
            raise rasterio.errors.RasterioError
        assert one.source.closed
        read_asset(str(image), GRID, None)
        with pytest.raises(AssetError, match="cannot be read"):
            read_asset(str(image) + ".not", GRID, None)
