"""Erosion of fringes and the mosaic of slices, against slow and plain code."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from sarlra.composites.masks import erode, mosaic


def slow_erosion(valid: np.ndarray, width: int) -> np.ndarray:
    rows, cols = valid.shape
    result = np.zeros_like(valid)
    for row in range(rows):
        for col in range(cols):
            around = valid[
                max(row - width, 0) : row + width + 1, max(col - width, 0) : col + width + 1
            ]
            result[row, col] = around.all()
    return result


@given(seed=st.integers(0, 10_000), width=st.integers(0, 4))
@settings(max_examples=40, deadline=None)
def test_erosion_is_that_of_a_square(seed: int, width: int) -> None:
    valid = np.random.default_rng(seed).random((23, 31)) > 0.05
    expected = slow_erosion(valid, width)
    np.testing.assert_array_equal(erode(valid, width), expected)
    if width:
        square = np.ones((2 * width + 1, 2 * width + 1))
        np.testing.assert_array_equal(
            expected, ndimage.binary_erosion(valid, square, border_value=1)
        )


def layers(*rows: str) -> np.ndarray:
    """Slices of 7 equal rows from text: a digit is a value, a dot no data."""
    lines = [[np.nan if c == "." else float(c) for c in row] for row in rows]
    return np.repeat(np.array(lines, np.float32)[:, np.newaxis, :], 7, axis=1)


def middle(values: np.ndarray) -> str:
    return "".join("." if np.isnan(v) else f"{v:.0f}" for v in values[values.shape[0] // 2])


def test_the_first_slice_in_time_wins() -> None:
    stack = layers("111....", "..222..", "...33.3")
    assert middle(mosaic(stack, 0, 0)) == "11122.3"


def test_order_of_slices_matters_only_where_they_overlap() -> None:
    stack = layers("11111...", "...22222")
    assert middle(mosaic(stack, 0, 0)) == "11111222"
    assert middle(mosaic(stack[::-1], 0, 0)) == "22222111"


@pytest.mark.parametrize(
    ("slices", "expected"),
    [
        # One slice: its edges go (the rims of the picture, 2 px, are the halo that is cut off).
        (("....111111......",), ".....1111....."[1:-1]),
        # Abutting slices: no gap between them, the first fills its own side.
        (("..11111.........", ".......22222...."), "1111222"),
        # A gap of one pixel stays a gap, and is a border.
        (("..11111.........", "........2222...."), "11..22"),
        # Overlap: the eroded first wins, then the eroded second.
        (("..1111111.......", "......222222...."), "11112222"),
    ],
)
def test_fringes_go_and_seams_stay(slices: tuple[str, ...], expected: str) -> None:
    stack = layers(*slices)
    result = mosaic(stack, 2, 1)
    assert result.shape == (3, 12)
    text = middle(result)
    assert text.strip(".") == expected.strip(".")


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


@given(seed=st.integers(0, 10_000), count=st.integers(1, 3), fringe=st.integers(1, 3))
@settings(max_examples=40, deadline=None)
def test_mosaic_by_the_rules(seed: int, count: int, fringe: int) -> None:
    rng = np.random.default_rng(seed)
    stack = rng.random((count, 26, 30), np.float32) + np.arange(count, dtype=np.float32)[:, None, None]
    for layer in stack:
        start, width = rng.integers(0, 12), rng.integers(6, 18)
        layer[:, :start] = np.nan
        layer[:, start + width :] = np.nan
        layer[rng.integers(0, 26, 2), rng.integers(0, 30, 2)] = np.nan
    expected = slow_mosaic(stack, fringe)
    halo = fringe + 1
    np.testing.assert_array_equal(
        mosaic(stack, halo, fringe), expected[halo:-halo, halo:-halo]
    )


def test_mosaic_leaves_its_input_alone() -> None:
    stack = layers("111....", "..222..")
    before = stack.copy()
    for fringe in (0, 1):
        mosaic(stack, 1, fringe)
        np.testing.assert_array_equal(stack, before)
