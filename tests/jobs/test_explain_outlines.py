"""Outlines of explained windows: where change and contributions are, and only of detections."""

from __future__ import annotations

import numpy as np
import pytest
from affine import Affine

from sarlra.detection.composite_file import CompositeFile
from sarlra.evaluation.ablation import Counterfactual, sets_of
from sarlra.evaluation.explained import Explained, pack, unpack
from sarlra.jobs.explain import Cut
from sarlra.jobs.explain_outlines import outlines_of

BANDS = ("post_vv", "diff_vv")
STRIP = (slice(20, 32), slice(10, 40))


def _composite() -> CompositeFile:
    transform = Affine(10, 0, 500_000, 0, -10, 4_700_000)
    return CompositeFile((256, 256), "EPSG:32654", transform, lambda *_: [])


def _window(change: float) -> np.ndarray:
    rng = np.random.default_rng(2)
    window = rng.normal(0, 1.5, (64, 64, 2)).astype(np.float32)
    window[..., 0] -= 10
    window[(*STRIP, 1)] += change
    return window


def _explained(score: float) -> Explained:
    values = np.zeros((64, 64, 2), np.float32)
    values[(*STRIP, 1)] = 0.001
    without = Counterfactual(BANDS, dict.fromkeys(sets_of(BANDS), 0.1))
    return Explained(values, score, 0.2, 512, np.zeros((64, 64), np.float32), without, 1.0)


def test_outlines_lie_where_it_changed_and_was_seen() -> None:
    known = np.ones((2, 64, 64), bool)
    known[:, :, 35:] = False
    wanted = Cut(((64, 96), (0, 0)), np.stack([_window(4.0)] * 2), known)
    found = outlines_of(_composite(), wanted, [_explained(0.9), _explained(0.3)], BANDS, 0.5)
    assert set(found["row"]) == {64}  # the other is no detection
    first = found.iloc[0]
    assert first["area_m2"] == pytest.approx(12 * 25 * 100, rel=0.25)
    assert first["change_vv_db"] == pytest.approx(4.0, abs=0.7)
    assert first["contribution"] == pytest.approx(0.3, rel=0.2)
    left, bottom, right, top = found.to_crs(32654).geometry.iloc[0].bounds
    x0, y0 = 500_000 + 960, 4_700_000 - 640
    assert left == pytest.approx(x0 + 100, abs=25)
    assert right <= x0 + 350 + 1e-3  # nothing beyond the data
    assert top == pytest.approx(y0 - 200, abs=25)
    assert bottom == pytest.approx(y0 - 320, abs=25)
    none = outlines_of(_composite(), wanted, [_explained(0.3)] * 2, BANDS, 0.5)
    assert none.empty
    assert list(none.columns) == list(found.columns)
    assert none.dtypes.to_dict() == found.dtypes.to_dict()


def test_an_explanation_comes_back_from_its_file_or_not_at_all() -> None:
    one = _explained(0.9)
    data = pack(one, "key")
    assert pack(one, "key") == data
    again = unpack(data, "key", BANDS, 2.0)
    assert again is not None
    np.testing.assert_array_equal(again.values, one.values)
    assert (again.score, again.base, again.gradients, again.seconds) == (0.9, 0.2, 512, 2.0)
    assert again.without == one.without
    assert unpack(data, "other", BANDS, 1.0) is None
    assert unpack(data[:-40], "key", BANDS, 1.0) is None
    assert unpack(b"", "key", BANDS, 1.0) is None
    assert unpack(data, "key", ("post_vv", "post_vh", "diff_vv", "diff_vh"), 1.0) is None
