"""The public tool, window for window and box for box."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sarlra.detection.reference import reference_kept, reference_locations


@pytest.fixture(scope="module")
def public(shared_data: Path) -> dict[str, np.ndarray]:
    with np.load(shared_data / "reference" / "ascending.npz", allow_pickle=False) as stored:
        return {name: stored[name] for name in stored}


def test_windows_are_the_tool_s(public: dict[str, np.ndarray]) -> None:
    rows, columns, _ = public["composite"].shape
    assert (rows - 64) % 32 == 0  # the last row would fit exactly: the tool drops it
    np.testing.assert_array_equal(reference_locations(rows, columns), public["locs"])


def test_boxes_are_the_tool_s_in_its_order(public: dict[str, np.ndarray]) -> None:
    kept = reference_kept(public["locs"], public["scores"])
    np.testing.assert_array_equal(public["locs"][kept], public["boxes"])


def _plainly(locations: np.ndarray, scores: np.ndarray) -> list[list[int]]:
    """By hand: lowest edge first, the later of equals first."""
    left = [box for box, score in zip(locations.tolist(), scores, strict=True) if score > 0.6]
    boxes: list[list[int]] = []
    left = [box for _, _, box in sorted((box[3], n, box) for n, box in enumerate(left))]
    while left:
        one = left.pop()
        boxes.append(one)
        left = [
            o
            for o in left
            if max(0, min(one[2], o[2]) - max(one[0], o[0]) + 1)
            * max(0, min(one[3], o[3]) - max(one[1], o[1]) + 1)
            / ((o[2] - o[0] + 1) * (o[3] - o[1] + 1))
            <= 0.1
        ]
    return boxes


@settings(deadline=None)
@given(st.integers(64, 400), st.integers(64, 400), st.integers(0, 2**32 - 1))
def test_suppression_is_by_the_lower_edge(rows: int, columns: int, seed: int) -> None:
    locations = reference_locations(rows, columns)
    scores = np.random.default_rng(seed).random(len(locations)).astype(np.float32)
    scores[::7] = np.nan
    kept = reference_kept(locations, scores)
    assert locations[kept].tolist() == _plainly(locations, scores)


def test_an_image_of_one_window_has_none() -> None:
    assert reference_locations(64, 64).shape == (0, 4)
    assert reference_locations(65, 65).tolist() == [[0, 0, 64, 64]]
    assert reference_kept(reference_locations(64, 64), np.empty(0, np.float32)).shape == (0,)
