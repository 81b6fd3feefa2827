"""The lattice against a window by window reading, and however an area is tiled."""

from __future__ import annotations

import numpy as np
import pytest
import rasterio.transform
import rioxarray  # noqa: F401
import xarray as xr
from composites_for_tests import cut, noise_composite

from sarlra.detection.lattice import Reason, score_lattice, scored_means
from sarlra.errors import ModelError
from sarlra.grid import PixelBox, Tile
from sarlra.models.scoring import Scorer
from sarlra.recipe import Recipe

SIZE = 512
RECIPE = Recipe(tile_px=SIZE)
TILE = Tile(32654, 30, 900, SIZE)
WHOLE = PixelBox(0, SIZE + 32, 0, SIZE + 32)
ALL = np.ones((SIZE // 32, SIZE // 32), dtype=bool)


@pytest.fixture(scope="module")
def composite() -> xr.Dataset:
    return noise_composite(WHOLE, RECIPE, 1)


@pytest.fixture(scope="module")
def lattice(composite: xr.Dataset, scorer: Scorer) -> xr.Dataset:
    return score_lattice(composite, TILE, WHOLE, ALL, scorer, RECIPE)


def test_each_cell_is_the_score_of_its_window(
    composite: xr.Dataset, lattice: xr.Dataset, scorer: Scorer
) -> None:
    image = np.stack([composite[name].values for name in RECIPE.bands], axis=-1)
    assert lattice["score"].shape == (16, 16)
    assert (lattice["reason"] == Reason.SCORED).all()
    for row, column in ((0, 0), (3, 11), (15, 15), (15, 0)):
        window = image[row * 32 : row * 32 + 64, column * 32 : column * 32 + 64]
        assert lattice["score"].values[row, column] == scorer.score(window[None])[0]
        n_post = composite["n_post"].values[row * 32 : row * 32 + 64, column * 32 :][:, :64]
        assert lattice["n_post"].values[row, column] == np.sort(n_post, axis=None)[2047]
    assert np.ptp(lattice["score"].values) > 0.2
    assert {n: str(lattice[n].dtype) for n in lattice.data_vars} == {
        "score": "float32", "reason": "uint8", "n_pre": "uint16", "n_post": "uint16",
    }  # fmt: skip


def test_cells_are_centred_on_their_windows(lattice: xr.Dataset) -> None:
    left, _, _, top = TILE.bounds
    np.testing.assert_array_equal(lattice["x"], left + 320 + 320 * np.arange(16))
    np.testing.assert_array_equal(lattice["y"], top - 320 - 320 * np.arange(16))
    assert lattice.rio.crs.to_epsg() == 32654
    # The transform's own cells have those centres too.
    transform = lattice.rio.transform(recalc=False)
    for n in (0, 15):
        centre = rasterio.transform.xy(transform, n, n)
        assert centre == (float(lattice["x"][n]), float(lattice["y"][n]))


def test_the_lattice_is_the_same_however_the_area_is_tiled(
    composite: xr.Dataset, lattice: xr.Dataset, scorer: Scorer
) -> None:
    recipe = Recipe(tile_px=256)
    active = np.ones((8, 8), dtype=bool)
    for down in (0, 1):
        for across in (0, 1):
            # Tile rows count northwards, pixel rows southwards.
            tile = Tile(32654, 2 * 30 + across, 2 * 900 + 1 - down, 256)
            part = PixelBox(down * 256, down * 256 + 288, across * 256, across * 256 + 288)
            piece = cut(composite, WHOLE, part)
            small = score_lattice(piece, tile, PixelBox(0, 288, 0, 288), active, scorer, recipe)
            same = lattice.isel(
                y=slice(8 * down, 8 * down + 8), x=slice(8 * across, 8 * across + 8)
            )
            for name in ("score", "reason", "n_pre", "n_post", "x", "y"):
                np.testing.assert_array_equal(small[name].values, same[name].values)


def test_windows_that_are_not_wanted_or_not_covered_are_outside(
    composite: xr.Dataset, lattice: xr.Dataset, scorer: Scorer
) -> None:
    box = PixelBox(64, 300, 33, 544)  # rows 64..236 start windows; the first column is cut
    active = ALL.copy()
    active[4, 5] = False
    part = score_lattice(cut(composite, WHOLE, box), TILE, box, active, scorer, RECIPE)
    expected = np.zeros((16, 16), dtype=bool)
    expected[2:8, 2:16] = True
    expected[4, 5] = False
    np.testing.assert_array_equal(part["reason"].values == Reason.SCORED, expected)
    np.testing.assert_array_equal(part["reason"].values == Reason.OUTSIDE, ~expected)
    for name in ("score", "n_pre", "n_post"):
        same = lattice[name].values[expected]
        np.testing.assert_array_equal(part[name].values[expected], same)
    assert np.isnan(part["score"].values[~expected]).all()
    assert (part["n_pre"].values[~expected] == 0).all()


def test_no_window_wanted_gives_an_empty_lattice(composite: xr.Dataset, scorer: Scorer) -> None:
    empty = score_lattice(composite, TILE, WHOLE, ~ALL, scorer, RECIPE)
    assert (empty["reason"] == Reason.OUTSIDE).all()
    assert np.isnan(empty["score"]).all()


def test_no_data_in_any_band_counts_and_the_rest_is_filled(
    composite: xr.Dataset, scorer: Scorer
) -> None:
    holed = composite.copy(deep=True)
    holed["diff_vh"].values[:, 96:128] = np.nan  # exactly half of the windows of columns 2 and 3
    holed["post_vv"].values[200, 100] = np.inf  # already counted
    holed["post_vv"].values[0, 64] = np.nan  # one more pixel for window (0, 2), none for (0, 3)
    result = score_lattice(holed, TILE, WHOLE, ALL, scorer, RECIPE)
    reasons = result["reason"].values
    assert reasons[0, 2] == Reason.NO_DATA
    assert np.isnan(result["score"].values[0, 2])
    assert (np.delete(reasons.ravel(), [1, 2]) == Reason.SCORED).all()

    window = np.stack([holed[n].values[160:224, 64:128] for n in RECIPE.bands], axis=-1)
    vv = window[..., 0]
    vv[~np.isfinite(vv)] = np.median(vv[np.isfinite(vv)])
    assert np.isnan(window[..., 3]).mean() == 0.5
    window[..., 3] = np.nan_to_num(window[..., 3], nan=0.0)
    assert result["score"].values[5, 2] == scorer.score(window[None])[0]


def test_distortion_is_a_reason_after_no_data(composite: xr.Dataset, scorer: Scorer) -> None:
    visibility = np.zeros(WHOLE.shape, dtype=np.uint8)
    visibility[:64, :64] = 3  # window (0, 0) wholly
    visibility[256:352, :] = 255  # not known is not distorted
    visibility[128:160, 64:128] = 1  # half of window (4, 2): not more than half
    masked = composite.assign(visibility=(("y", "x"), visibility))
    masked["post_vv"] = masked["post_vv"].copy()
    result = score_lattice(masked, TILE, WHOLE, ALL, scorer, RECIPE)
    assert (result["reason"].values == Reason.DISTORTION).sum() == 1
    assert result["reason"].values[0, 0] == Reason.DISTORTION
    masked["post_vv"].values[:64, :64] = np.nan
    result = score_lattice(masked, TILE, WHOLE, ALL, scorer, RECIPE)
    assert result["reason"].values[0, 0] == Reason.NO_DATA


def test_level_ground_is_a_reason_before_the_others(composite: xr.Dataset, scorer: Scorer) -> None:
    steep = np.ones(WHOLE.shape, dtype=bool)
    steep[:64, :64] = False
    steep[0, :64] = True  # 64 of 4096 pixels: 1.6 %
    steep[256:320, 256:320] = False
    steep[256:260, 256:320] = True  # 256 of 4096: 6.25 %
    result = score_lattice(composite, TILE, WHOLE, ALL, scorer, RECIPE, steep)
    assert np.argwhere(result["reason"].values == Reason.LEVEL).tolist() == [[0, 0]]
    assert np.isnan(result["score"].values[0, 0])
    assert np.isfinite(result["score"].values[8, 8])
    holed = composite.copy(deep=True)
    holed["post_vv"].values[:64, :64] = np.nan
    result = score_lattice(holed, TILE, WHOLE, ALL, scorer, RECIPE, steep)
    assert result["reason"].values[0, 0] == Reason.NO_DATA
    with pytest.raises(ValueError, match="slope mask"):
        score_lattice(composite, TILE, WHOLE, ALL, scorer, RECIPE, steep[:10])


def test_a_model_of_other_bands_is_refused(composite: xr.Dataset, scorer: Scorer) -> None:
    recipe = Recipe(tile_px=SIZE, polarisations=("VV",))
    with pytest.raises(ModelError, match="post_vv, post_vh, diff_vv, diff_vh; the composite has"):
        score_lattice(composite, TILE, WHOLE, ALL, scorer, recipe)


def test_shapes_that_disagree_are_programming_errors(composite: xr.Dataset, scorer: Scorer) -> None:
    with pytest.raises(ValueError, match="active has shape"):
        score_lattice(composite, TILE, WHOLE, ALL[:8], scorer, RECIPE)
    with pytest.raises(ValueError, match="the box"):
        score_lattice(composite, TILE, PixelBox(0, 512, 0, 512), ALL, scorer, RECIPE)


def test_means_of_the_scored_windows_are_those_of_their_pixels_with_data(
    scorer: Scorer,
) -> None:
    box = PixelBox(64, 416, 32, 384)
    composite = noise_composite(box, RECIPE, 9)
    composite["post_vh"].values[10:60, 20:90] = np.nan
    composite["diff_vv"].values[:64, 128:256] = np.nan
    lattice = score_lattice(composite, TILE, box, ALL, scorer, RECIPE)
    means = scored_means(composite, lattice, box, RECIPE)
    cells = np.argwhere(np.isfinite(lattice["score"].values))
    assert 50 < len(cells) < 100
    for name in RECIPE.bands:
        expected = [
            np.nanmean(composite[name].values[r : r + 64, c : c + 64].astype(np.float64))
            for r, c in cells * 32 - [box.row0, box.col0]
        ]
        np.testing.assert_allclose(means[name], expected, rtol=1e-9)
