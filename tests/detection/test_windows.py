"""Windows and sums over windows against plain loops."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sarlra.detection.windows import (
    batches,
    gather,
    median_in_windows,
    share_in_windows,
    window_positions,
)


@settings(deadline=None)
@given(st.integers(1, 300), st.integers(1, 300))
def test_positions_cover_all_that_fits(rows: int, columns: int) -> None:
    expected = [
        (r, c)
        for r in range(rows)
        for c in range(columns)
        if r % 32 == 0 and c % 32 == 0 and r + 64 <= rows and c + 64 <= columns
    ]
    assert [tuple(p) for p in window_positions(rows, columns, 64, 32)] == expected


def test_gathered_windows_are_slices_of_the_bands() -> None:
    rng = np.random.default_rng(0)
    bands = [rng.normal(size=(150, 170)).astype(np.float32) for _ in range(3)]
    positions = np.array([[0, 0], [86, 106], [31, 5]])
    windows = gather(bands, positions, 64)
    assert windows.shape == (3, 64, 64, 3)
    assert windows.dtype == np.float32
    for n, (r, c) in enumerate(positions):
        for b, band in enumerate(bands):
            np.testing.assert_array_equal(windows[n, :, :, b], band[r : r + 64, c : c + 64])


def test_a_window_past_the_edge_is_an_error() -> None:
    with pytest.raises(IndexError):
        gather([np.zeros((100, 100), np.float32)], np.array([[37, 0]]), 64)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_shares_and_medians_are_those_of_the_slices(seed: int) -> None:
    rng = np.random.default_rng(seed)
    mask = rng.random((200, 230)) < rng.random()
    counts = rng.integers(0, 2 + int(rng.integers(0, 60000)), (200, 230)).astype(np.uint16)
    positions = np.stack([rng.integers(0, 137, 9), rng.integers(0, 167, 9)], axis=-1)
    shares = share_in_windows(mask, positions, 64)
    medians = median_in_windows(counts, positions, 64)
    for n, (r, c) in enumerate(positions):
        assert shares[n] == mask[r : r + 64, c : c + 64].mean()
        window = counts[r : r + 64, c : c + 64]
        assert medians[n] == np.percentile(window, 50, method="lower")
    assert medians.dtype == np.uint16


@given(st.integers(0, 50), st.integers(1, 12))
def test_batches_are_whole_and_in_order(number: int, size: int) -> None:
    parts = list(batches(np.zeros((number, 2), np.int64), size))
    assert [n for part in parts for n in range(number)[part]] == list(range(number))
    assert all(0 < part.stop - part.start <= size for part in parts)
