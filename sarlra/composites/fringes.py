"""Fringes of near zero along the edge of a slice's data, as products before 2018 have them."""

from __future__ import annotations

import numpy as np

from sarlra.composites.footprints import stated_grid, touches
from sarlra.composites.masks import erode
from sarlra.composites.pixels import PixelGrid
from sarlra.composites.reader import read_asset
from sarlra.scenes.model import Acquisition
from sarlra.scenes.signing import SigningPolicy

#: Below every radar's noise (Sentinel-1's lies above -30 dB), in linear power: -35 dB.
NEAR_ZERO = np.float32(10.0**-3.5)
#: How far fringes reach in from the edge of the data, in pixels.
_EDGE_PX = 8
#: Pixels of an edge that say something.
_LEAST_PX = 100


def fringe_share(grid: PixelGrid, signing: SigningPolicy | None, acquisition: Acquisition) -> float:
    """Largest share, over an acquisition's slices, of near-zero pixels along the edge of the data.

    What share of the pixels inside is near zero, too, is taken off.

    Raises
    ------
    AssetError, SigningError
        A scene cannot be read.
    """
    found = 0.0
    for scene in acquisition.slices:
        if not touches(scene, grid):
            continue
        power = read_asset(scene.asset("VV"), grid, signing, stated_grid(scene))
        valid = np.isfinite(power)
        if valid.all():
            continue
        inside = erode(valid, _EDGE_PX)
        edge = valid & ~inside
        if edge.sum() < _LEAST_PX:
            continue
        low = power < NEAR_ZERO
        inner = float(low[inside].mean()) if inside.any() else 0.0
        found = max(found, float(low[edge].mean()) - inner)
    return found
