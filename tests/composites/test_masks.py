"""Erosion of fringes and the mosaic of slices, against slow and plain code."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sarlra.composites.masks import BEYOND, erode, mosaic, reach


def slow_erosion(valid: np.ndarray, fringe: int) -> np.ndarray:
    rows, cols = valid.shape
    beyond = np.zeros_like(valid)
    for row in range(rows - BEYOND + 1):
        for col in range(cols - BEYOND + 1):
            square = (slice(row, row + BEYOND), slice(col, col + BEYOND))
            if not valid[square].any():
                beyond[square] = True
    result = valid.copy()
    for row, col in zip(*np.nonzero(beyond), strict=True):
        around = (
            slice(max(row - fringe, 0), row + fringe + 1),
            slice(max(col - fringe, 0), col + fringe + 1),
        )
        result[around] = False
    return result


def blotched(rng: np.random.Generator, rows: int, cols: int) -> np.ndarray:
    """A valid area with a slanting edge, holes of many sizes, and single pixels."""
    row, col = np.mgrid[:rows, :cols]
    valid = col > rng.uniform(-0.5, 0.5) * row + rng.uniform(5, 30)
    for size in (3, 10, 16, 18, 22):
        y, x = rng.integers(0, rows - size), rng.integers(0, cols - size)
        valid[y : y + size, x : x + size] = False
    return valid & (rng.random(valid.shape) > 0.01)


@given(seed=st.integers(0, 10_000), fringe=st.integers(1, 6))
@settings(max_examples=25, deadline=None)
def test_erosion_by_the_rules(seed: int, fringe: int) -> None:
    valid = blotched(np.random.default_rng(seed), 70, 80)
    np.testing.assert_array_equal(erode(valid, fringe), slow_erosion(valid, fringe))
    np.testing.assert_array_equal(erode(valid, 0), valid)


def test_holes_do_not_grow() -> None:
    """Zeros of single pixels and small shadows cost themselves only."""
    valid = np.random.default_rng(1).random((200, 200)) > 0.05
    valid[50:60, 50:64] = False
    np.testing.assert_array_equal(erode(valid, 8), valid)


def test_a_straight_edge_loses_the_fringe() -> None:
    valid = np.zeros((60, 100), bool)
    valid[:, 40:] = True
    eroded = erode(valid, 8)
    assert not eroded[:, :48].any()
    assert eroded[:, 48:].all()


@given(seed=st.integers(0, 10_000), fringe=st.integers(1, 6))
@settings(max_examples=25, deadline=None)
def test_reach_is_far_enough(seed: int, fringe: int) -> None:
    """What lies farther off than the reach changes nothing."""
    valid = blotched(np.random.default_rng(seed), 90, 100)
    rim = reach(fringe)
    part = (slice(8, 8 + 2 * rim + 20), slice(12, 12 + 2 * rim + 30))
    inner = (slice(8 + rim, 28 + rim), slice(12 + rim, 42 + rim))
    cut = erode(valid[part], fringe)[rim:-rim, rim:-rim]
    np.testing.assert_array_equal(cut, erode(valid, fringe)[inner])


def bands(*spans: tuple[int, int]) -> np.ndarray:
    """Slices of 70 rows and 300 columns that have data in a span of columns: 1, 2, ..."""
    stack = np.full((len(spans), 70, 300), np.nan, np.float32)
    for index, (start, stop) in enumerate(spans):
        stack[index, :, start:stop] = index + 1
    return stack


def painted(ones: tuple[int, int], twos: tuple[int, int]) -> np.ndarray:
    expected = np.full((70, 300), np.nan, np.float32)
    expected[:, slice(*ones)] = 1
    expected[:, slice(*twos)] = 2
    return expected


def test_the_first_slice_in_time_wins() -> None:
    stack = bands((40, 160), (140, 240))
    np.testing.assert_array_equal(mosaic(stack, 0, 0), painted((40, 160), (160, 240)))
    late = mosaic(stack[::-1], 0, 0)
    np.testing.assert_array_equal(late, painted((40, 140), (140, 240)))


@pytest.mark.parametrize(
    ("spans", "ones", "twos"),
    [
        pytest.param([(40, 240)], (45, 235), (0, 0), id="one slice loses its edges"),
        pytest.param([(40, 140), (140, 240)], (45, 140), (140, 235), id="no gap at a seam"),
        pytest.param([(40, 140), (143, 240)], (45, 140), (143, 235), id="a narrow gap stays"),
        pytest.param([(40, 140), (160, 240)], (45, 135), (165, 235), id="a wide gap is an edge"),
        pytest.param([(40, 160), (140, 240)], (45, 155), (155, 235), id="eroded ones overlap"),
    ],
)
def test_fringes_go_and_seams_stay(
    spans: list[tuple[int, int]], ones: tuple[int, int], twos: tuple[int, int]
) -> None:
    halo = reach(5)
    result = mosaic(bands(*spans), halo, 5)
    np.testing.assert_array_equal(result, painted(ones, twos)[halo:-halo, halo:-halo])


def slow_mosaic(slices: np.ndarray, fringe: int) -> np.ndarray:
    valid = ~np.isnan(slices)
    eroded = [slow_erosion(v, fringe) for v in valid]
    union = slow_erosion(valid.any(axis=0), fringe)
    result = np.full(slices.shape[1:], np.nan, np.float32)
    for row, col in np.ndindex(result.shape):
        if not union[row, col]:
            continue
        choices = [s[row, col] for s, e in zip(slices, eroded, strict=True) if e[row, col]]
        choices += [s[row, col] for s, v in zip(slices, valid, strict=True) if v[row, col]]
        result[row, col] = choices[0]
    return result


@given(seed=st.integers(0, 10_000), count=st.integers(1, 3), fringe=st.integers(1, 6))
@settings(max_examples=25, deadline=None)
def test_mosaic_by_the_rules(seed: int, count: int, fringe: int) -> None:
    rng = np.random.default_rng(seed)
    stack = rng.random((count, 70, 80), np.float32)
    for layer in stack:
        layer[~blotched(rng, 70, 80)] = np.nan
        layer[:, rng.integers(50, 80) :] = np.nan
    expected = slow_mosaic(stack, fringe)
    halo = reach(fringe)
    np.testing.assert_array_equal(mosaic(stack, halo, fringe), expected[halo:-halo, halo:-halo])


def test_mosaic_leaves_its_input_alone() -> None:
    stack = bands((40, 160), (140, 240))
    before = stack.copy()
    for fringe in (0, 1):
        mosaic(stack, 0, fringe)
        np.testing.assert_array_equal(stack, before)
