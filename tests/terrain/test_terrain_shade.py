"""The shaded relief against GDAL's own, and the raster made of it."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from sarlra.catalog.rasters import hillshade_raster
from sarlra.errors import CatalogError
from sarlra.grid import Tile
from sarlra.terrain.shade import VOID, hillshade


def _hills(size: int = 120) -> NDArray[np.float32]:
    y, x = np.mgrid[:size, :size] / 12.0
    return (80 * np.sin(x) + 60 * np.cos(0.7 * y + x)).astype(np.float32)


def test_slopes_to_the_light_are_bright() -> None:
    heights = _hills()
    shade = hillshade(heights, 10.0)
    # The cosine between normal and light, written out with matplotlib's own light source.
    from matplotlib.colors import LightSource

    light = LightSource(azdeg=315, altdeg=45)
    expected = light.hillshade(heights, dx=10, dy=10)  # stretched to 0..1
    inner = (slice(2, -2), slice(2, -2))
    assert np.corrcoef(shade[inner].ravel(), expected[inner].ravel())[0, 1] > 0.97
    flat = hillshade(np.zeros((5, 5), np.float32), 10.0)
    assert (flat == round(254 * np.sin(np.pi / 4))).all()
    east, north = np.meshgrid(np.arange(9.0), -np.arange(9.0))
    # Ground that falls to the north-west by 45 degrees faces the light: the normal is the light.
    falling = (10 * (east - north) / np.sqrt(2)).astype(np.float32)
    assert (hillshade(falling, 10.0)[2:-2, 2:-2] >= 253).all()
    assert (hillshade(-falling, 10.0)[2:-2, 2:-2] <= 1).all()


def test_voids_stay_voids() -> None:
    heights = _hills()
    heights[50, 60] = np.nan
    shade = hillshade(heights, 10.0)
    assert (shade[50, 59:62] == VOID).all()
    assert (shade == VOID).sum() == 5


@pytest.mark.parametrize(("row0", "col0"), [(0, 0), (32, 64), (3, 5)])
def test_raster_lies_on_the_tile_s_coarser_grid(row0: int, col0: int) -> None:
    import xarray as xr

    tile = Tile(32654, 220, 1846, 256)
    left, _, _, top = tile.bounds
    shade = np.random.default_rng(1).integers(0, 255, (100, 90)).astype(np.uint8)
    shade[:, :7] = VOID
    y = top - (row0 + np.arange(100) + 0.5) * 10
    x = left + (col0 + np.arange(90) + 0.5) * 10
    composite = xr.Dataset(coords={"y": y, "x": x})
    raster = hillshade_raster(shade, composite, tile)
    step = raster.transform.a
    assert step == 20
    assert ((raster.transform.c - left) % step, (top - raster.transform.f) % step) == (0, 0)
    for row, col in ((10, 20), (30, 11)):
        centre = raster.transform @ (col + 0.5, row + 0.5)
        near = (np.abs(y - centre[1])[:, None] < 10) & (np.abs(x - centre[0])[None] < 10)
        values = shade[near & (shade != VOID)]
        expected = VOID if values.size == 0 else round(float(values.mean()))
        assert abs(int(raster.values[0, row, col]) - expected) <= 1
    with pytest.raises(CatalogError, match="shape"):
        hillshade_raster(shade[:-1], composite, tile)
