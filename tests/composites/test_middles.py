"""Middle values over time, against sorting in NumPy."""

from __future__ import annotations

import bottleneck
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sarlra.composites.middles import Middles, middle_pairs, middles, network


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from([0.0, 1.0]), min_size=1, max_size=70))
def test_a_network_sorts(values: list[float]) -> None:
    """One that sorts all zeros and ones sorts everything (Knuth, vol. 3, 5.3.4)."""
    found = list(values)
    for low, high in network(len(found)):
        assert low < high < len(found)
        if found[low] > found[high]:
            found[low], found[high] = found[high], found[low]
    assert found == sorted(values)


def test_all_zeros_and_ones_of_up_to_eleven_are_sorted() -> None:
    for size in range(1, 12):
        values = (np.arange(2**size)[:, None] >> np.arange(size)) & 1
        for low, high in network(size):
            pair = np.sort(values[:, [low, high]], axis=1)
            values[:, low], values[:, high] = pair[:, 0], pair[:, 1]
        assert (np.diff(values, axis=1) >= 0).all()


def test_fewer_pairs_find_the_middle() -> None:
    for size in range(1, 13):
        values = (np.arange(2**size)[:, None] >> np.arange(size)) & 1
        middle = [(size - 1) // 2, size // 2]
        expected = np.sort(values, axis=1)[:, middle]
        for low, high in middle_pairs(size):
            pair = np.sort(values[:, [low, high]], axis=1)
            values[:, low], values[:, high] = pair[:, 0], pair[:, 1]
        np.testing.assert_array_equal(values[:, middle], expected)
    assert len(middle_pairs(10)) < len(network(10))


def test_where_nothing_is_missing() -> None:
    """What else there is of an acquisition does not count, in one polarisation or in both."""
    values = np.random.default_rng(8).random((2, 7, 6, 700), dtype=np.float32)
    values[1, 2, 3, 300:420] = np.nan
    layers = [(0,), (1, 2), (3,), (4, 5, 6), (2,)]
    lower, upper, number = _found(values, layers, 0)
    ordered = np.sort(values[:, [0, 1, 3, 4, 2]], axis=1)  # NaN last
    known = np.isfinite(ordered).sum(axis=1)
    for found, place in ((lower, (known - 1) // 2), (upper, known // 2)):
        expected = np.take_along_axis(ordered, place[:, None], axis=1)[:, 0]
        np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(number, known.min(axis=0))


def _stack(count: int, shape: tuple[int, int] = (9, 523)) -> np.ndarray:
    rng = np.random.default_rng(count)
    values = rng.normal(0, 5, (count, *shape)).astype(np.float32)
    values[rng.random(values.shape) < 0.3] = np.nan
    values[:, 3, 4] = np.nan
    return values


def _found(
    stacks: np.ndarray, layers: list[tuple[int, ...]], halo: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The middles of all rows, found in parts of four."""
    pols, _, rows, cols = stacks.shape
    parts = []
    for row in range(0, rows - 2 * halo, 4):
        part = Middles.of(pols, min(4, rows - 2 * halo - row), cols - 2 * halo)
        middles(stacks, layers, halo, row, part)
        parts.append(part)
    return (
        np.concatenate([p.lower for p in parts], axis=1),
        np.concatenate([p.upper for p in parts], axis=1),
        np.concatenate([p.count for p in parts]),
    )


@pytest.mark.parametrize("count", [1, 2, 3, 10, 24, 61])
def test_middles_are_those_of_the_sorted_values(count: int) -> None:
    values = _stack(count)
    ((lower,), (upper,), number) = _found(values[np.newaxis], [(n,) for n in range(count)], 0)
    known = np.isfinite(values).sum(axis=0)
    np.testing.assert_array_equal(number, known)
    ordered = np.sort(values, axis=0)  # NaN last
    for found, place in ((lower, (known - 1) // 2), (upper, known // 2)):
        expected = np.take_along_axis(ordered, np.maximum(place, 0)[None], axis=0)[0]
        expected[known == 0] = np.nan
        np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(
        (lower + upper) * np.float32(0.5), bottleneck.nanmedian(values, axis=0)
    )


def test_slices_of_one_acquisition_fill_each_other_and_the_rim_is_left_out() -> None:
    values, other = _stack(5), _stack(5)[::-1].copy()
    stacks = np.stack([values, other])
    ((lower, _), (upper, _), number) = _found(stacks, [(0, 1), (4, 2)], 2)
    first = np.where(np.isnan(values[0]), values[1], values[0])
    second = np.where(np.isnan(values[4]), values[2], values[4])
    both = np.stack([first, second])[:, 2:-2, 2:-2]
    np.testing.assert_array_equal(lower, np.fmin(*both))
    np.testing.assert_array_equal(upper, np.fmax(*both))
    seen = [np.isfinite(other[[0, 1]]).any(axis=0), np.isfinite(other[[4, 2]]).any(axis=0)]
    expected = (np.isfinite(both) & np.stack(seen)[:, 2:-2, 2:-2]).sum(axis=0)
    np.testing.assert_array_equal(number, expected)
