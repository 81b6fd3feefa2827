"""Composites of noise on a tile, with structure that makes scores differ."""

from __future__ import annotations

import numpy as np
import xarray as xr
from scipy.ndimage import gaussian_filter

from sarlra.grid import PixelBox
from sarlra.recipe import Recipe


def noise_composite(box: PixelBox, recipe: Recipe, seed: int) -> xr.Dataset:
    """dB with smooth structure; n_pre 4 or 5 and n_post 1 or 2, in patches."""
    rng = np.random.default_rng(seed)
    layers = {}
    for name in recipe.bands:
        level = -12.0 if name.startswith("post") else 0.0
        smooth = gaussian_filter(rng.normal(0, 1, box.shape), 12)
        values = level + 6 * smooth / smooth.std() + rng.normal(0, 1, box.shape)
        layers[name] = (("y", "x"), values.astype(np.float32))
    for name, least in (("n_pre", 4), ("n_post", 1)):
        high = gaussian_filter(rng.normal(0, 1, box.shape), 20) > 0
        layers[name] = (("y", "x"), (least + high).astype(np.uint16))
    return xr.Dataset(layers)


def cut(composite: xr.Dataset, whole: PixelBox, part: PixelBox) -> xr.Dataset:
    """The part of a composite on ``whole`` that lies on ``part``."""
    return composite.isel(
        y=slice(part.row0 - whole.row0, part.row1 - whole.row0),
        x=slice(part.col0 - whole.col0, part.col1 - whole.col0),
    )
