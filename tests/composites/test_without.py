"""The median of all acquisitions but one, against NumPy's of what is left."""

from __future__ import annotations

import numpy as np
import pytest

from sarlra.composites.robust import median_of, spread_of
from sarlra.composites.without import sort


@pytest.mark.parametrize("count", [2, 3, 4, 7, 12])
@pytest.mark.parametrize("empty", [0.0, 0.3, 0.8])
def test_it_is_the_median_of_the_others_to_the_last_bit(count: int, empty: float) -> None:
    rng = np.random.default_rng([count, int(empty * 10)])
    stack = rng.normal(-10, 4, (count, 37, 300)).astype(np.float32)
    stack[rng.random(stack.shape) < empty] = np.nan
    stack[:, :5] = np.round(stack[:, :5])  # ties
    found = sort(stack)
    for index in range(count):
        others = np.delete(stack, index, axis=0)
        with np.errstate(all="ignore"):
            wanted = np.full(stack.shape[1:], np.nan, np.float32)
            some = np.isfinite(others).any(axis=0)
            wanted[some] = np.nanmedian(others[:, some], axis=0)
        np.testing.assert_array_equal(found.without(index), wanted)
        np.testing.assert_array_equal(found.others(index), np.isfinite(others).sum(axis=0))


@pytest.mark.parametrize("size", [1, 2, 3, 1000, 1001])
def test_medians_are_those_of_numpy(size: int) -> None:
    values = np.random.default_rng(size).normal(0, 3, size).astype(np.float32)
    assert median_of(values) == float(np.median(values))
    assert spread_of(values, 0.5) == float(np.median(np.abs(values - np.float32(0.5))))
