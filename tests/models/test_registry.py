"""Finding models: by name, as files, and what is wrong with some."""

from __future__ import annotations

import json
import logging
import pickle
from pathlib import Path

import numpy as np
import pytest

from sarlra.errors import ModelError
from sarlra.models import keep, registry
from sarlra.models.background import read_background
from sarlra.models.card import Card
from sarlra.models.files import sha256
from sarlra.models.info import ModelInfo
from sarlra.models.keep import store_model
from sarlra.models.registry import default_model, find_model, list_models
from sarlra.models.scoring import load_scorer


def _card(data: bytes, name: str = "small", **changes: object) -> Card:
    facts = {
        "name": name, "sha256": sha256(data), "combination": "VV_VH",
        "orbit_states": ("ascending", "descending"), "architecture": "cnn", "filters": 2,
        "radiometry": "gamma0", "threshold": 0.4, "licence": "Apache-2.0", "description": "A test.",
    }  # fmt: skip
    return Card.model_validate(facts | changes)


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "shipped"
    folder.mkdir()
    for module in (registry, keep):
        monkeypatch.setattr(module, "shipped_folder", lambda: folder)
    return folder


def test_a_stored_model_is_found_by_name_and_by_file(
    network_bytes: bytes, user_models: Path, shipped: Path
) -> None:
    info = store_model(network_bytes, _card(network_bytes), user_models)
    assert find_model("small") == info == find_model(str(user_models / "small.keras"))
    assert list_models() == (info,)
    assert (info.threshold, info.filters, info.combination) == (0.4, 2, "VV_VH")
    assert info.bands == ("post_vv", "post_vh", "diff_vv", "diff_vh")
    assert pickle.loads(pickle.dumps(info)) == info
    assert json.loads(json.dumps(info.card)) == info.card


def test_a_file_without_a_card_is_taken_for_what_it_shows(
    network_bytes: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "My Model.keras"
    file.write_bytes(network_bytes)
    with caplog.at_level(logging.WARNING):
        info = find_model(str(file))
    assert (info.name, info.combination, info.filters) == ("my-model", "VV_VH", 2)
    assert info.threshold is None
    assert "no card" in caplog.text


def test_another_file_than_the_card_names_is_refused(
    network_bytes: bytes, user_models: Path, shipped: Path, caplog: pytest.LogCaptureFixture
) -> None:
    from sarlra.models.cnn import build_cnn
    from sarlra.models.packing import pack_network

    store_model(network_bytes, _card(network_bytes), user_models)
    other = pack_network(build_cnn(4, 2, 0.5, [0.0] * 4, [1.0] * 4))
    (user_models / "small.keras").write_bytes(other)
    with pytest.raises(ModelError, match=sha256(other)):
        find_model("small")
    with caplog.at_level(logging.WARNING):
        assert list_models() == ()
    assert "model left out" in caplog.text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nothing", "there is no model 'nothing'"),
        ("nothing.keras", "no such file"),
        ("a/b", "no such file"),
        ("/dev/zero", "no such file"),
        ("..", "neither a model's name"),
        ("", "neither a model's name"),
        ("sar-lra-v1-ascending", "sarlra models pull sar-lra-v1-ascending"),
    ],
)
def test_what_is_not_here_is_named_with_a_way_out(
    user_models: Path, shipped: Path, text: str, message: str
) -> None:
    with pytest.raises(ModelError, match=message):
        find_model(text)


@pytest.mark.parametrize(
    ("card", "message"),
    [
        (b"{", "is no JSON"),
        (b"[]", "no model card"),
        (b"{}", "no model card: name"),
        (b"[" * 50_000, "is no JSON"),
        (b'"' + b"x" * 2**21 + b'"', "too large"),
    ],
)
def test_a_bad_card_is_refused(
    network_bytes: bytes, user_models: Path, shipped: Path, card: bytes, message: str
) -> None:
    store_model(network_bytes, _card(network_bytes), user_models)
    (user_models / "small.json").write_bytes(card)
    with pytest.raises(ModelError, match=message):
        find_model("small")


def test_other_files_are_no_models(tmp_path: Path) -> None:
    file = tmp_path / "weights.pkl"
    file.write_bytes(pickle.dumps(np.zeros(3)))
    with pytest.raises(ModelError, match=r"weights\.pkl: is no \.keras file"):
        find_model(str(file))
    with pytest.raises(ModelError, match="no such file"):
        find_model(str(tmp_path / "folder.keras"))
    with pytest.raises(ModelError):
        find_model(str(tmp_path))


def test_a_network_of_three_bands_is_refused(tmp_path: Path) -> None:
    from sarlra.models.cnn import build_cnn
    from sarlra.models.packing import pack_network

    file = tmp_path / "three.keras"
    file.write_bytes(pack_network(build_cnn(3, 2, 0.5, [0.0] * 3, [1.0] * 3)))
    with pytest.raises(ModelError, match="takes 3 bands"):
        find_model(str(file))


def test_the_default_is_the_shipped_model_of_the_combination(
    network_bytes: bytes, user_models: Path, shipped: Path
) -> None:
    with pytest.raises(ModelError, match="sim-cnn32-vv-vh"):
        default_model("VV_VH", "ascending")
    name = "sim-cnn32-vv-vh-ascending"
    card = _card(network_bytes, name, orbit_states=("ascending",))
    info = store_model(network_bytes, card, shipped)
    assert default_model("VV_VH", "ascending") == info
    wrong = _card(network_bytes, "sim-cnn32-vv-vh-descending", orbit_states=("ascending",))
    store_model(network_bytes, wrong, shipped)
    with pytest.raises(ModelError, match="does not fit VV_VH of descending"):
        default_model("VV_VH", "descending")
    with pytest.raises(ModelError, match="HH"):
        default_model("HH", "ascending")


def test_a_shipped_name_is_not_free_for_the_user(
    network_bytes: bytes, user_models: Path, shipped: Path
) -> None:
    store_model(network_bytes, _card(network_bytes), shipped)
    with pytest.raises(ModelError, match="already a model"):
        store_model(network_bytes + b" ", _card(network_bytes + b" "), user_models)
    assert not user_models.exists()


def test_a_card_of_another_sum_is_not_stored(network_bytes: bytes, user_models: Path) -> None:
    with pytest.raises(ModelError, match="another sha256"):
        store_model(network_bytes, _card(b"other"), user_models)
    assert not user_models.exists()


def test_every_model_that_ships_is_whole() -> None:
    cards = sorted(registry.shipped_folder().glob("*.json"))
    infos = {find_model(card.stem).name: find_model(card.stem) for card in cards}
    assert list(infos) == [card.stem for card in cards]
    files = {p.stem for p in registry.shipped_folder().glob("*.keras")}
    assert files == set(infos)
    assert set(registry.DEFAULT_MODELS.values()) == set(infos)
    for (combination, orbit_state), name in registry.DEFAULT_MODELS.items():
        assert default_model(combination, orbit_state) == infos[name]
        assert isinstance(infos[name], ModelInfo)
        assert "simulated" in " ".join(infos[name].card["limits"])
        background = read_background(infos[name])
        assert background is not None, f"sarlra models background {name} --simulated"
        assert background.shape == (64, 64, 64, len(infos[name].bands))
        scores = load_scorer(infos[name]).score(background)
        assert scores.mean() < 0.2, "what scores are held against is no landslide"
    everything = [p for p in registry.shipped_folder().iterdir() if p.is_file()]
    suffixes = (".keras", ".json", ".background.npz")
    assert {p.name for p in everything} == {n + s for n in infos for s in suffixes}
    assert sum(p.stat().st_size for p in everything) < 15e6
