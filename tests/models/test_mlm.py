"""Items of the shipped models agree with their cards, files and the extension's schema."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from sarlra.catalog.validate import validate_document
from sarlra.models.folders import registered_folder, shipped_folder
from sarlra.models.mlm import item_bytes, mlm_item, write_shipped
from sarlra.models.pull import list_registered
from sarlra.models.registry import find_model, list_models

SHIPPED = sorted(path.stem for path in shipped_folder().glob("*.json"))


@pytest.mark.parametrize("name", SHIPPED)
def test_the_item_in_the_catalogue_is_made_from_the_card(name: str, shared_data: Path) -> None:
    stands = registered_folder() / f"{name}.json"
    anew = "write it with: python -m sarlra.models.mlm"
    assert stands.is_file(), anew
    assert stands.read_bytes() == item_bytes(find_model(name)), anew
    item = json.loads(stands.read_text())
    card = json.loads((shipped_folder() / f"{name}.json").read_text())
    validate_document(item, shared_data / "stac-schemas")
    properties, asset = item["properties"], item["assets"]["weights"]
    file = (stands.parent / asset["href"]).resolve().read_bytes()
    assert asset["file:size"] == len(file)
    assert asset["file:checksum"] == "1220" + hashlib.sha256(file).hexdigest()
    windows = item["assets"]["background"]
    file = (stands.parent / windows["href"]).resolve().read_bytes()
    assert windows["file:size"] == len(file)
    assert windows["file:checksum"] == "1220" + hashlib.sha256(file).hexdigest()
    assert card["background"] == {"sha256": hashlib.sha256(file).hexdigest(), "windows": 64}
    assert properties["mlm:total_parameters"] == card["parameters"]
    assert properties["sarlra:threshold"] == card["threshold"]
    assert properties["sarlra:metrics"] == card["metrics"]
    assert properties["sarlra:orbit_states"] == card["orbit_states"]
    bands = {"VV": 2, "VV_VH": 4}[card["combination"]]
    assert properties["mlm:input"][0]["input"]["shape"] == [-1, 64, 64, bands]
    assert len(properties["mlm:input"][0]["bands"]) == len(asset["raster:bands"]) == bands


def test_every_item_of_a_shipped_model_has_its_model() -> None:
    items = {p.stem: json.loads(p.read_text()) for p in registered_folder().glob("*.json")}
    marked = {name for name, item in items.items() if item["properties"].get("sarlra:shipped")}
    assert marked == set(SHIPPED)
    assert {entry.name for entry in list_registered()} == set(items) - marked


def test_items_are_written_anew_and_those_of_models_that_are_gone_removed(tmp_path: Path) -> None:
    gone = json.loads((registered_folder() / f"{SHIPPED[0]}.json").read_text())
    (tmp_path / "gone.json").write_text(json.dumps(gone))
    other = registered_folder() / "sar-lra-v1-ascending.json"
    (tmp_path / other.name).write_bytes(other.read_bytes())
    written = write_shipped(tmp_path)
    assert sorted(path.stem for path in written) == SHIPPED
    assert sorted(p.stem for p in tmp_path.glob("*.json")) == sorted([*SHIPPED, other.stem])


def test_a_model_of_one_direction_says_so(shared_data: Path) -> None:
    from dataclasses import replace

    info = replace(list_models()[0], orbit_states=("descending",))
    item = mlm_item(info, "model.keras")
    validate_document(item, shared_data / "stac-schemas")
    assert item["properties"]["sat:orbit_state"] == "descending"
