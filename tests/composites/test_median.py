"""Medians over time in dB, against NumPy in double precision."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from sarlra.composites.median import Layers, composite_block, nanmedian, to_db


def power(count: int, seed: int = 2) -> np.ndarray:
    rng = np.random.default_rng(seed)
    values = rng.gamma(4.4, 0.02, (count, 40, 50)).astype(np.float32)
    values[rng.random(values.shape) < 0.2] = np.nan
    values[:, 3, 4] = np.nan
    return values


def reference(values: np.ndarray) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.nanmedian(10 * np.log10(values.astype(np.float64)), axis=0)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 12, 31])
def test_median_of_what_is_there(count: int) -> None:
    values = power(count)
    result = nanmedian(to_db(values))
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, reference(values), rtol=0, atol=5e-6)


def test_polarisations_together_are_as_each_alone() -> None:
    both = to_db(np.stack([power(5), power(5, seed=3)], axis=1))
    result = nanmedian(both)
    assert result.shape == (2, 40, 50)
    for number in (0, 1):
        np.testing.assert_array_equal(result[number], nanmedian(both[:, number]))


def test_an_even_count_is_the_mean_of_the_middle_in_db() -> None:
    values = np.array([0.01, 0.1, 1.0, 10.0], np.float32).reshape(4, 1, 1)
    block = composite_block(
        values[np.newaxis], pre=[Layers((0,))], post=[Layers((i,)) for i in range(4)], halo=0
    )
    assert block[0, 0, 0] == pytest.approx(-5.0, abs=1e-5)
    in_power = 10 * np.log10((0.1 + 1.0) / 2)
    assert abs(block[0, 0, 0] - in_power) > 2
    assert block[1, 0, 0] == pytest.approx(-5.0 - -20.0, abs=1e-5)


def test_slices_are_put_together_before_statistics() -> None:
    """Two slices of one pass are one acquisition: it counts once, and the first one wins."""
    stack = np.stack([np.full((1, 1), v, np.float32) for v in (0.1, 0.2, 0.4, 0.8)])
    together = composite_block(
        stack[np.newaxis], pre=[Layers((0, 1)), Layers((2,))], post=[Layers((3,))], halo=0
    )
    apart = composite_block(
        stack[np.newaxis],
        pre=[Layers((0,)), Layers((1,)), Layers((2,))],
        post=[Layers((3,))],
        halo=0,
    )
    db = 10 * np.log10([0.1, 0.2, 0.4, 0.8])
    assert together[:, 0, 0] == pytest.approx([db[3], db[3] - (db[0] + db[2]) / 2, 2, 1], abs=1e-5)
    assert apart[:, 0, 0] == pytest.approx([db[3], db[3] - db[1], 3, 1], abs=1e-5)


def test_counts_are_of_acquisitions_valid_in_every_polarisation() -> None:
    vv, vh = power(6, seed=3), power(6, seed=4)
    pre, post = [Layers((i,)) for i in range(4)], [Layers((4,)), Layers((5,))]
    block = composite_block(np.stack([vv, vh]), pre=pre, post=post, halo=0)
    assert block.shape == (6, 40, 50)
    for index, part in ((4, slice(0, 4)), (5, slice(4, 6))):
        expected = (np.isfinite(vv[part]) & np.isfinite(vh[part])).sum(axis=0)
        np.testing.assert_array_equal(block[index], expected)
    for index, stack in ((0, vv), (1, vh)):
        after, before = reference(stack[4:]), reference(stack[:4])
        np.testing.assert_allclose(block[index], after, rtol=0, atol=5e-6)
        np.testing.assert_allclose(block[index + 2], after - before, rtol=0, atol=1e-5)


def test_a_block_without_pre_slices_has_a_post_median_and_no_change() -> None:
    values = power(2)
    block = composite_block(values[np.newaxis], pre=[], post=[Layers((0,)), Layers((1,))], halo=0)
    np.testing.assert_allclose(block[0], reference(values), rtol=0, atol=5e-6)
    assert np.isnan(block[1]).all()
    assert (block[2] == 0).all()


def test_the_rim_is_cut_off() -> None:
    values = power(3)
    whole = composite_block(
        values[np.newaxis], pre=[Layers((0,)), Layers((1,))], post=[Layers((2,))], halo=0
    )
    cut = composite_block(
        values[np.newaxis], pre=[Layers((0,)), Layers((1,))], post=[Layers((2,))], halo=5
    )
    np.testing.assert_array_equal(cut, whole[:, 5:-5, 5:-5])
