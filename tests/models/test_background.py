"""Backgrounds beside models: what is stored is what is read, and nothing else is taken."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from sarlra.errors import ModelError
from sarlra.models.background import (
    background_file,
    read_background,
    spread_over_level,
    store_background,
)
from sarlra.models.info import ModelInfo
from sarlra.models.registry import default_model, find_model
from tests.models.shipped_copy import copy_without_background


@pytest.fixture
def model(tmp_path: Path) -> ModelInfo:
    return copy_without_background(default_model("VV", "ascending"), tmp_path)


def _windows(number: int = 4) -> np.ndarray:
    rng = np.random.default_rng(number)
    return rng.normal(-12, 3, (number, 64, 64, 2)).astype(np.float32)


def test_a_background_comes_back_within_an_eighth_of_a_db(model: ModelInfo) -> None:
    assert read_background(model) is None
    path = store_background(model, _windows())
    assert path == background_file(model.path)
    stored = path.read_bytes()
    again = find_model(str(model.path))
    found = read_background(again)
    assert found is not None
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, _windows(), atol=0.1251)
    store_background(again, _windows())
    assert path.read_bytes() == stored


def test_another_file_than_the_card_names_is_refused(model: ModelInfo) -> None:
    path = store_background(model, _windows())
    info = find_model(str(model.path))
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(ModelError, match="is not the background that the card names"):
        read_background(info)
    path.unlink()
    with pytest.raises(ModelError, match="it is not there"):
        read_background(info)


def test_windows_that_do_not_fit_are_refused(model: ModelInfo) -> None:
    for wrong in (np.zeros((4, 64, 64, 4)), np.zeros((0, 64, 64, 2)), np.zeros((4, 32, 32, 2))):
        with pytest.raises(ModelError, match="has windows of"):
            store_background(model, wrong.astype(np.float32))
    missing = _windows()
    missing[0, 0, 0, 0] = np.nan
    with pytest.raises(ModelError, match="windows with no data"):
        store_background(model, missing)
    model.path.with_suffix(".json").unlink()
    bare = dataclasses.replace(model)
    with pytest.raises(ModelError, match="has no card"):
        store_background(bare, _windows())
    assert not background_file(model.path).exists()


def test_windows_are_chosen_from_dark_to_bright() -> None:
    windows = np.zeros((10, 64, 64, 2), np.float32)
    windows[..., 0] = np.array([3, 1, 2, 9, 4, 8, 5, 6, 7, 0])[:, None, None]
    assert spread_over_level(windows, 4)[:, 0, 0, 0].tolist() == [0, 3, 6, 9]
    assert len(spread_over_level(windows, 64)) == 10
