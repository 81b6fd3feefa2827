"""Denoising by total variation against scikit-image's and against what must hold of it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.restoration import denoise_tv_chambolle

from sarlra.detection.total_variation import denoise


@settings(deadline=None, max_examples=30)
@given(
    st.integers(0, 2**32 - 1), st.integers(1, 70), st.integers(1, 70),
    st.floats(0.05, 20.0), st.floats(0.0, 10.0),
)  # fmt: skip
def test_it_is_what_scikit_image_gives(
    seed: int, rows: int, columns: int, weight: float, step: float
) -> None:
    rng = np.random.default_rng(seed)
    image = rng.normal(0, 2, (rows, columns))
    image[rows // 3 : rows // 2, columns // 4 :] += step
    expected = denoise_tv_chambolle(image, weight=weight)
    np.testing.assert_allclose(denoise(image, weight), expected, rtol=0, atol=1e-9)


def test_a_flat_image_stays_and_the_mean_of_any_too() -> None:
    flat = np.full((64, 64), 3.0)
    assert np.array_equal(denoise(flat, 2.0), flat)
    noise = np.random.default_rng(1).normal(0, 1, (64, 64))
    smooth = denoise(noise, 2.6)
    assert smooth.mean() == pytest.approx(noise.mean(), abs=1e-12)
    assert smooth.std() < 0.2 * noise.std()
