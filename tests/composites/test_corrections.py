"""Corrections of place and level, against SciPy and plain NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from sarlra.composites.corrections import Correction, moved
from sarlra.composites.median import Layers, composite_block
from sarlra.composites.registration import cross_spectrum, shift_between
from sarlra.composites.stripes import stripe_score


def _ground(seed: int, shape: tuple[int, int] = (128, 128)) -> np.ndarray:
    rng = np.random.default_rng(seed)
    relief = ndimage.gaussian_filter(rng.normal(size=shape), 3.0)
    return (-10.0 + 3.0 * relief / relief.std()).astype(np.float32)


@given(st.floats(-3, 3), st.floats(-3, 3))
@settings(max_examples=25, deadline=None)
def test_moving_back_is_bilinear_and_ends_where_scipy_ends(row: float, col: float) -> None:
    image = np.random.default_rng(1).gamma(4.0, 1.0, (40, 44)).astype(np.float32)
    rim = Correction((row, col)).reach
    ours = moved(image, (row, col), rim)
    theirs = ndimage.shift(image.astype(np.float64), (-row, -col), order=1)
    inner = (slice(rim, 40 - rim), slice(rim, 44 - rim))
    np.testing.assert_allclose(ours, theirs[inner], rtol=1e-4)


def test_no_data_beside_a_pixel_takes_it_only_where_it_counts() -> None:
    image = np.ones((7, 7), np.float32)
    image[3, 3] = np.nan
    halved = moved(image, (0.5, 0.0), 1)
    assert np.argwhere(np.isnan(halved)).tolist() == [[1, 2], [2, 2]]
    whole = moved(image, (1.0, 0.0), 2)
    assert np.argwhere(np.isnan(whole)).tolist() == [[0, 1]]


@pytest.mark.parametrize("shift", [(0.5, 0.0), (1.0, -1.0), (0.0, 3.0), (-2.3, 1.7), (0.0, 0.0)])
def test_a_shift_is_found_through_speckle(shift: tuple[float, float]) -> None:
    rng = np.random.default_rng(3)
    pairs = []
    for seed in range(4):
        ground = _ground(seed)
        power = 10 ** (ground / 10)
        seen = ndimage.shift(power * rng.gamma(4.4, 1 / 4.4, ground.shape), shift, order=1,
                             mode="nearest")  # fmt: skip
        stack = power * rng.gamma(22.0, 1 / 22.0, ground.shape)
        pairs.append(
            (10 * np.log10(seen).astype(np.float32), 10 * np.log10(stack).astype(np.float32))
        )
    found = shift_between(pairs)
    assert found is not None
    assert np.hypot(found[0] - shift[0], found[1] - shift[1]) < 0.15


def test_the_sea_has_no_place() -> None:
    rng = np.random.default_rng(4)
    images = 10 * np.log10(rng.gamma(4.4, 1.0, (6, 128, 128))).astype(np.float32)
    assert shift_between(zip(images[::2], images[1::2], strict=True)) is None
    assert shift_between([]) is None
    nothing = np.full((64, 64), np.nan, np.float32)
    assert shift_between([(nothing, nothing)]) is None


@pytest.mark.parametrize("shape", [(64, 96), (63, 61)])
def test_half_a_spectrum_is_half_of_the_whole_one_in_double_precision(
    shape: tuple[int, int],
) -> None:
    rng = np.random.default_rng(8)
    image, reference = (_ground(seed, shape) + rng.normal(0, 2, shape) for seed in (1, 2))
    image[:9] = reference[:, :5] = np.nan
    both = np.isfinite(image) & np.isfinite(reference)
    window = np.outer(np.hanning(shape[0]), np.hanning(shape[1]))
    spectra = []
    for values in (image, reference):
        middle = np.median(values[both])
        spread = 4 * np.median(np.abs(values[both] - middle)) + 1e-6
        flat = np.where(both, np.clip(values - middle, -spread, spread), 0.0)
        spectra.append(np.fft.fft2(np.where(both, flat - flat[both].mean(), 0.0) * window))
    product = spectra[0] * np.conj(spectra[1])
    size, scale = np.abs(product), np.abs(product).mean()
    whole = product / np.sqrt(size * scale + 1e-12 * scale**2)
    found = cross_spectrum(image.astype(np.float32), reference.astype(np.float32))
    assert found is not None
    np.testing.assert_allclose(
        found.half, whole[:, : shape[1] // 2 + 1], atol=2e-4 * np.abs(whole).max()
    )


def test_a_block_with_corrections_is_the_block_of_what_was_right() -> None:
    rng = np.random.default_rng(5)
    right = rng.gamma(4.4, 0.02, (3, 60, 60)).astype(np.float32)
    spoilt = right.copy()
    spoilt[1] = np.roll(right[1], (2, -1), (0, 1)) * np.float32(10**0.2)
    halo = 6
    plain = composite_block(
        right[np.newaxis], pre=[Layers((0,)), Layers((1,))], post=[Layers((2,))], halo=halo
    )
    mend = Correction((2.0, -1.0), (("VV", 2.0),))
    mended = composite_block(
        spoilt[np.newaxis],
        pre=[Layers((0,)), Layers((1,), 0, mend, (2.0,))],
        post=[Layers((2,))],
        halo=halo,
    )
    np.testing.assert_allclose(mended, plain, atol=1e-4)


def _strip(seed: int, level_db: float) -> tuple[np.ndarray, np.ndarray]:
    """An image and its stack where data end along a line: few pixels in the corner's lines."""
    rng = np.random.default_rng(seed)
    rows, cols = np.mgrid[:320, :320]
    power = 10 ** (_ground(seed, (320, 320)) / 10)
    image = 10 * np.log10(power * rng.gamma(4.4, 1 / 4.4, power.shape)) + level_db
    stack = 10 * np.log10(power * rng.gamma(22.0, 1 / 22.0, power.shape))
    image[cols + 0.4 * rows > 250] = np.nan
    return image.astype(np.float32), stack.astype(np.float32)


def _profile_peak(image: np.ndarray, stack: np.ndarray, direction: float) -> float:
    """The peak of the profile along a direction, pixel by pixel in double precision."""
    known = np.isfinite(image) & np.isfinite(stack)
    rows, cols = np.nonzero(known)
    base = 10 ** (stack[known].astype(np.float64) / 10)
    more = np.clip(10 ** (image[known].astype(np.float64) / 10) / base - 1.0, -1.0, 4.0)
    sin, cos = np.sin(np.deg2rad(direction)), np.cos(np.deg2rad(direction))
    along = (cols * sin - rows * cos) / 4.0
    index = np.floor(along - along.min()).astype(int)
    across = (cols - cols.mean()) * cos + (rows - rows.mean()) * sin
    sides = []
    for side in (across < 0, across >= 0):
        count, total, norm = (
            np.bincount(index[side], weights=w[side], minlength=index.max() + 1)
            for w in (np.ones(index.size), more / base, 1 / base**2)
        )
        enough = count >= max(30, 0.3 * np.median(count[count > 0]))
        profile = total[enough] / norm[enough]
        excess = profile - ndimage.median_filter(profile, 63, mode="reflect")
        even = excess * np.sqrt(norm[enough])
        over = np.full(count.size, np.nan)
        over[enough] = even / (1.4826 * np.median(np.abs(even)) + 1e-9)
        sides.append(over)
    lower = np.minimum(*sides)
    lower = lower[np.isfinite(lower)]
    return float(np.minimum(lower[:-1], lower[1:]).max())


@pytest.mark.parametrize("heading", [348.0, 192.0, 90.0])
def test_stripes_are_the_peak_of_profiles_over_other_directions(heading: float) -> None:
    image, stack = _strip(1, 0.0)
    stack[100:120, 40:70] = np.nan
    own = _profile_peak(image, stack, heading)
    others = [_profile_peak(image, stack, heading + t) for t in (25, 50, 75, 105, 130, 155)]
    wanted = own / max(4.0, 1.5 * max(others))
    assert stripe_score(image, stack, heading) == pytest.approx(wanted, rel=0.02)


@pytest.mark.parametrize("seed", range(6))
def test_a_corner_of_data_is_no_stripe(seed: int) -> None:
    image, stack = _strip(seed, 0.0)
    assert stripe_score(image, stack, 348.0) < 0.9


@pytest.mark.parametrize("seed", range(3))
def test_lines_of_range_are_stripes_and_lines_along_the_track_are_not(seed: int) -> None:
    image, stack = _strip(seed, 0.0)
    rows, cols = np.mgrid[:320, :320]
    angle = np.deg2rad(348.0)
    along = cols * np.sin(angle) - rows * np.cos(angle)
    across = cols * np.cos(angle) + rows * np.sin(angle)
    for where, least, most in ((along, 1.5, 99.0), (across, 0.0, 1.0)):
        bright = np.abs(where - np.median(where)) < 8
        power = 10 ** (image / 10) + np.where(bright, 0.08, 0.0)
        score = stripe_score((10 * np.log10(power)).astype(np.float32), stack, 348.0)
        assert least < score < most
