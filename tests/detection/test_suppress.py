"""The laws of suppression, on windows of the lattice and on boxes anywhere."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sarlra.detection.suppress import suppress


def _iou(a: np.ndarray, b: np.ndarray) -> float:
    rows = max(0, min(a[2], b[2]) - max(a[0], b[0]))
    columns = max(0, min(a[3], b[3]) - max(a[1], b[1]))
    area = [(box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)]
    return float(rows * columns / (sum(area) - rows * columns))


def _plain(boxes: np.ndarray, scores: np.ndarray, overlap: float) -> list[int]:
    order = sorted(range(len(boxes)), key=lambda n: (-scores[n], boxes[n][0], boxes[n][1], n))
    kept: list[int] = []
    for n in order:
        if all(_iou(boxes[n], boxes[k]) <= overlap for k in kept):
            kept.append(n)
    return kept


cells = st.lists(
    st.tuples(st.integers(0, 7), st.integers(0, 7), st.integers(0, 4)),
    unique_by=lambda c: c[:2],
    max_size=40,
)


def _lattice(drawn: list[tuple[int, int, int]], shift: int = 0) -> tuple[np.ndarray, np.ndarray]:
    first = np.array([c[:2] for c in drawn], dtype=np.int64).reshape(-1, 2) * 32 + shift
    return np.hstack([first, first + 64]), np.array([c[2] / 4 for c in drawn], dtype=np.float32)


@settings(deadline=None)
@given(cells, st.sampled_from([0.1, 0.2, 0.5]), st.sampled_from([0, 16_000_000]))
def test_suppression_is_greedy_by_score(
    drawn: list[tuple[int, int, int]], overlap: float, shift: int
) -> None:
    boxes, scores = _lattice(drawn, shift)
    kept = suppress(boxes, scores, overlap)
    assert kept.tolist() == _plain(boxes, scores, overlap)
    dropped = set(range(len(boxes))) - set(kept.tolist())
    for n, first in enumerate(kept):
        assert all(_iou(boxes[first], boxes[other]) <= overlap for other in kept[n + 1 :])
    for n in dropped:
        assert any(_iou(boxes[n], boxes[k]) > overlap and scores[k] >= scores[n] for k in kept)


@settings(deadline=None)
@given(cells, st.randoms(use_true_random=False))
def test_the_order_given_does_not_matter(drawn: list[tuple[int, int, int]], random: object) -> None:
    boxes, scores = _lattice(drawn)
    order = np.random.default_rng(random.getrandbits(32)).permutation(len(boxes))  # type: ignore[attr-defined]
    kept = suppress(boxes, scores, 0.1)
    np.testing.assert_array_equal(order[suppress(boxes[order], scores[order], 0.1)], kept)


def test_scores_closer_than_float32_keep_their_order() -> None:
    boxes = np.array([[0, 0, 64, 64], [32, 0, 96, 64]])
    scores = np.array([0.5, 0.5 + 1e-12])
    assert suppress(boxes, scores, 0.1).tolist() == [1]


def test_boxes_that_only_touch_do_not_overlap() -> None:
    boxes = np.array([[0, 0, 64, 64], [64, 0, 128, 64], [0, 64, 64, 128]])
    assert suppress(boxes, np.array([0.1, 0.9, 0.5]), 0.0).tolist() == [1, 2, 0]


def test_nothing_in_nothing_out() -> None:
    kept = suppress(np.empty((0, 4), np.int64), np.empty(0, np.float32), 0.1)
    assert kept.shape == (0,)
    assert kept.dtype == np.int64


@pytest.mark.parametrize(
    ("boxes", "scores", "message"),
    [
        (np.zeros((2, 3)), np.zeros(2), "do not match"),
        (np.array([[0, 0, 1, 1]]), np.zeros(2), "do not match"),
        (np.array([[0, 0, 0, 1]]), np.zeros(1), "empty"),
        (np.array([[0, 0, 1, 1]]), np.array([np.nan]), "finite"),
        (np.array([[0, 0, np.inf, 1]]), np.zeros(1), "finite"),
    ],
)
def test_what_is_no_box_is_refused(boxes: np.ndarray, scores: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        suppress(boxes, scores, 0.1)


def test_what_is_kept_is_what_tensorflow_keeps() -> None:
    import tensorflow as tf

    rng = np.random.default_rng(4)
    for size, overlap in ((300, 0.1), (900, 0.5), (40, 0.0)):
        cells = rng.integers(0, 25, (size, 2)) * 32
        boxes = np.hstack([cells, cells + 64])
        scores = rng.permutation(size).astype(np.float32)
        expected = tf.image.non_max_suppression(
            boxes.astype(np.float32), scores, max_output_size=size, iou_threshold=overlap
        ).numpy()
        np.testing.assert_array_equal(suppress(boxes, scores, overlap), expected)
