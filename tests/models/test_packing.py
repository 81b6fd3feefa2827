"""How our .keras files are written: small, always the same, and with the numbers they had."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from sarlra.cli.app import app
from sarlra.errors import ModelError
from sarlra.models.folders import shipped_folder
from sarlra.models.info import ModelInfo
from sarlra.models.keras_file import load_network
from sarlra.models.packing import pack_network, repack, round_to_half_precision
from sarlra.models.registry import default_model, find_model
from sarlra.models.scoring import load_scorer
from tests.models.archives import members_of

_WEIGHTS = "model.weights.h5"


def _arrays(data: bytes) -> dict[str, Any]:
    found: dict[str, Any] = {}
    with h5py.File(io.BytesIO(members_of(data)[_WEIGHTS])) as file:
        file.visititems(
            lambda name, held: found.update({name: held[()]} if hasattr(held, "dtype") else {})
        )
    return found


@pytest.fixture
def loose(tmp_path: Path) -> ModelInfo:
    """A shipped model as Keras would store it: every array plain, no member deflated."""
    shipped = default_model("VV_VH", "descending")
    members = members_of(shipped.path.read_bytes())
    plain = io.BytesIO()
    with h5py.File(io.BytesIO(members[_WEIGHTS])) as source, h5py.File(plain, "w") as target:

        def copy(name: str, held: Any) -> None:
            is_array = isinstance(held, h5py.Dataset)
            made = (
                target.create_dataset(name, data=held[()])
                if is_array
                else target.create_group(name)
            )
            made.attrs.update(held.attrs)

        source.visititems(copy)
    file = tmp_path / "loose.keras"
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in (members | {_WEIGHTS: plain.getvalue()}).items():
            archive.writestr(name, content)
    file.with_suffix(".json").write_text(_card(shipped, file))
    return find_model(str(file))


def _card(model: ModelInfo, file: Path) -> str:
    import hashlib

    card = json.loads(model.path.with_suffix(".json").read_text())
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    return json.dumps(card | {"name": "loose", "sha256": digest, "background": None})


def test_a_packed_network_loads_in_keras_as_it_is(network_bytes: bytes, tmp_path: Path) -> None:
    import keras

    file = tmp_path / "network.keras"
    file.write_bytes(network_bytes)
    windows = np.random.default_rng(0).normal(-5, 3, (4, 64, 64, 4)).astype(np.float32)
    by_keras = keras.models.load_model(file).predict(windows, verbose=0)
    by_us = load_network(network_bytes, "network").predict(windows, verbose=0)
    np.testing.assert_array_equal(by_keras, by_us)
    assert np.isfinite(by_us).all()


def test_packing_the_same_network_gives_the_same_bytes(network_bytes: bytes) -> None:
    assert pack_network(load_network(network_bytes, "network")) == network_bytes


def test_packing_anew_keeps_every_bit_of_the_weights_and_every_score(loose: ModelInfo) -> None:
    before, sum_before = loose.path.read_bytes(), loose.sha256
    windows = np.random.default_rng(4).normal(-8, 4, (9, 64, 64, 4)).astype(np.float32)
    scores = load_scorer(loose).score(windows)
    packed = repack(loose)
    after = packed.path.read_bytes()
    assert len(after) < 0.47 * len(before)
    assert packed.sha256 != sum_before
    assert find_model(str(loose.path)) == packed  # the card follows
    held, stands = _arrays(before), _arrays(after)
    assert list(held) == list(stands)
    for name, array in held.items():
        assert array.dtype == stands[name].dtype
        assert array.tobytes() == stands[name].tobytes()
    np.testing.assert_array_equal(load_scorer(packed).score(windows), scores)
    # As the training wrote it: nothing is left to pack.
    assert after == default_model("VV_VH", "descending").path.read_bytes()
    assert repack(packed) == packed
    assert packed.path.read_bytes() == after


def test_a_model_that_changed_since_is_not_packed(loose: ModelInfo) -> None:
    loose.path.write_bytes(loose.path.read_bytes()[:-1] + b"x")
    with pytest.raises(ModelError, match="has changed"):
        repack(loose)


def test_a_file_without_a_card_is_packed(loose: ModelInfo) -> None:
    loose.path.with_suffix(".json").unlink()
    done = CliRunner().invoke(app, ["models", "pack", str(loose.path), "--json"])
    assert done.exit_code == 0, (done.output, done.exception)
    facts = json.loads(done.stdout)
    assert facts["bytes"] == loose.path.stat().st_size < facts["bytes_before"]
    assert facts["sha256"] == find_model(str(loose.path)).sha256
    assert not loose.path.with_suffix(".json").exists()


@pytest.mark.parametrize("name", sorted(p.stem for p in shipped_folder().glob("*.keras")))
def test_what_ships_is_packed(name: str, tmp_path: Path) -> None:
    for file in shipped_folder().glob(f"{name}.*"):
        shutil.copyfile(file, tmp_path / file.name)
    info = find_model(str(tmp_path / f"{name}.keras"))
    assert repack(info).sha256 == info.sha256, f"pack it with: sarlra models pack {name}"


@given(st.floats(min_value=2**-13, max_value=60000, width=32), st.booleans())
def test_rounding_is_that_of_half_precision(value: float, negative: bool) -> None:
    number = np.array([-value if negative else value], dtype=np.float32)
    np.testing.assert_array_equal(
        round_to_half_precision(number), number.astype(np.float16).astype(np.float32)
    )


def test_rounding_keeps_what_half_precision_cannot_hold() -> None:
    values = np.array([[1e30, 1e-30], [0.0, -7e4]], dtype=np.float32)
    rounded = round_to_half_precision(values)
    assert rounded.shape == (2, 2)
    np.testing.assert_allclose(rounded, values, rtol=2**-11)
