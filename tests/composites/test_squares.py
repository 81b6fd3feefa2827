"""Squares around pixels, against the filters of SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from sarlra.composites.masks import BEYOND, erode
from sarlra.composites.squares import anything, mean_around

SHAPES = [(64, 80), (7, 40), (40, 7), (1, 1), (33, 17)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("size", [3, 17, 33])
@pytest.mark.parametrize("share", [0.0, 0.005, 0.3])
def test_anything_is_the_filter_of_maxima(shape: tuple[int, int], size: int, share: float) -> None:
    mask = np.random.default_rng(size).random(shape) < share
    wanted = ndimage.maximum_filter(mask.view(np.uint8), size, mode="constant", cval=0) > 0
    np.testing.assert_array_equal(anything(mask, size), wanted)


@pytest.mark.parametrize("shape", SHAPES)
def test_erosion_takes_off_what_lies_near_large_holes(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(4)
    valid = rng.random(shape) < 0.999
    valid[: shape[0] // 2, shape[1] // 3 :] = False
    empty = ndimage.minimum_filter((~valid).view(np.uint8), BEYOND, mode="constant", cval=0)
    lost = ndimage.maximum_filter(empty, BEYOND + 16, mode="constant", cval=0)
    np.testing.assert_array_equal(erode(valid, 8), valid & (lost == 0))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("share", [0.0, 0.4])
def test_means_are_those_of_what_has_data(shape: tuple[int, int], share: float) -> None:
    rng = np.random.default_rng(9)
    image = rng.normal(-15, 5, shape).astype(np.float32)
    image[rng.random(shape) < share] = np.nan
    known = np.isfinite(image)
    total = ndimage.uniform_filter(np.where(known, image, 0).astype(np.float64), 9)
    number = ndimage.uniform_filter(known.astype(np.float64), 9)
    wanted = np.where(known, total / np.maximum(number, 1e-9), np.nan)
    np.testing.assert_allclose(mean_around(image, 9), wanted, rtol=2e-6)
