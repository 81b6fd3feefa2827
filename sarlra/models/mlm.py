"""Models as STAC items with the machine learning model extension (MLM), made from their cards.

``catalogs/models`` holds those of the shipped models beside the registered weights of others:

    python -m sarlra.models.mlm

writes them anew after a model was shipped, and removes those of models that ship no more.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from sarlra.catalogs import catalogs_folder
from sarlra.models.files import read_bounded, write_atomically
from sarlra.models.folders import shipped_folder
from sarlra.models.info import ModelInfo
from sarlra.models.registry import find_model

#: Marks an item whose weights come with the package.
SHIPPED = "sarlra:shipped"
_ROOT = "https://stac-extensions.github.io"
_EXTENSIONS = ("mlm/v1.5.0", "file/v2.1.0", "raster/v1.1.0")
#: A model has no time of its own: from the first Sentinel-1 on, as long as others fly.
_START, _END = "2014-10-03T00:00:00Z", "9999-12-31T23:59:59Z"
_SCORE = "Sigmoid output in [0, 1]; no probability by itself"


def mlm_item(info: ModelInfo, href: str) -> dict[str, Any]:
    """A model's item: a function of its card and file alone.

    Parameters
    ----------
    info
        As found; its file is read for its size.
    href
        Where the item's reader finds the file.
    """
    card = info.card
    directions = info.orbit_states
    one = {"sat:orbit_state": directions[0]} if len(directions) == 1 else {}
    extensions = [*_EXTENSIONS, *(["sat/v1.1.0"] if one else [])]
    training = card.get("training") or {}
    return {
        "type": "Feature",
        "stac_version": "1.1.0",
        "stac_extensions": [f"{_ROOT}/{name}/schema.json" for name in extensions],
        "id": info.name,
        "geometry": None,
        "properties": {
            "title": f"{info.architecture}, {info.filters} filters, {info.combination}, "
            f"{' and '.join(directions)} passes",
            "description": " ".join([card["description"], *card.get("limits", ())]),
            "datetime": None,
            "start_datetime": _START,
            "end_datetime": _END,
            **_licence(card["licence"]),
            SHIPPED: True,
            "sarlra:radiometry": info.radiometry,
            "sarlra:orbit_states": list(directions),
            **one,
            "sarlra:threshold": info.threshold,
            "sarlra:calibration": card.get("calibration"),
            "sarlra:domain": card.get("domain"),
            "sarlra:metrics": card.get("metrics"),
            "mlm:name": info.name,
            "mlm:architecture": info.architecture,
            "mlm:tasks": ["classification"],
            "mlm:framework": "Keras",
            "mlm:total_parameters": card.get("parameters"),
            "mlm:pretrained": True,
            "mlm:hyperparameters": {"filters": info.filters, **training.get("choices", {})},
            "mlm:input": [_input(info)],
            "mlm:output": [_output(info)],
        },
        "links": [],
        "assets": {"weights": _asset(info, href), **_background(info, href)},
    }


def write_shipped(folder: Path) -> tuple[Path, ...]:
    """Write the items of all shipped models to a folder; remove those of models that are gone.

    Raises
    ------
    ModelError
        A shipped model is damaged.
    OutputError
        The folder cannot be written.
    """
    made = {}
    for card in sorted(shipped_folder().glob("*.json")):
        info = find_model(str(card.with_suffix(".keras")))
        made[f"{info.name}.json"] = item_bytes(info)
    for name, content in made.items():
        write_atomically(folder / name, content)
    for path in folder.glob("*.json"):
        if path.name not in made and is_shipped(json.loads(path.read_bytes())):
            path.unlink()
    return tuple(folder / name for name in made)


def item_bytes(info: ModelInfo) -> bytes:
    """The item of a shipped model as it stands in ``catalogs/models``."""
    href = f"../../sarlra/models/shipped/{info.path.name}"
    item = mlm_item(info, href)
    return (json.dumps(item, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


def is_shipped(item: Any) -> bool:
    """Whether an item is one of a shipped model."""
    return isinstance(item, dict) and bool(item.get("properties", {}).get(SHIPPED))


def _licence(text: str) -> dict[str, str]:
    """STAC takes SPDX names alone; words go beside."""
    if re.fullmatch(r"[A-Za-z0-9.+-]+", text) and text != "unknown":
        return {"license": text}
    return {"license": "other", "sarlra:licence_note": text}


def _input(info: ModelInfo) -> dict[str, Any]:
    return {
        "name": "window",
        "bands": list(info.bands),
        "input": {
            "shape": [-1, 64, 64, len(info.bands)],
            "dim_order": ["batch", "height", "width", "bands"],
            "data_type": "float32",
        },
        "description": "dB at 10 m, without clipping or scaling: the network scales by itself",
    }


def _output(info: ModelInfo) -> dict[str, Any]:
    return {
        "name": "score",
        "tasks": ["classification"],
        "result": {"shape": [-1, 1], "dim_order": ["batch", "score"], "data_type": "float32"},
        "description": _SCORE
        + ("; sarlra:calibration makes one of it" if info.card.get("calibration") else ""),
    }


def _asset(info: ModelInfo, href: str) -> dict[str, Any]:
    return {
        "href": href,
        "type": "application/vnd.keras",
        "title": "Keras 3 model, weights in half precision",
        "roles": ["mlm:model"],
        "mlm:artifact_type": "keras.Model.save",
        "raster:bands": [
            {"name": band, "data_type": "float32", "unit": "dB", "spatial_resolution": 10}
            for band in info.bands
        ],
        "file:size": len(read_bounded(info.path)),
        "file:checksum": f"1220{info.sha256}",
    }


def _background(info: ModelInfo, href: str) -> dict[str, dict[str, Any]]:
    """The background, where one is stored with the model: beside its file."""
    from sarlra.models.background import background_file, read_background  # it needs NumPy

    if read_background(info) is None:
        return {}
    path = background_file(info.path)
    return {
        "background": {
            "href": f"{href.rpartition('/')[0]}/{path.name}",
            "type": "application/zip",
            "title": "NumPy archive of the windows against which scores are explained",
            "roles": ["data"],
            "file:size": path.stat().st_size,
            "file:checksum": f"1220{info.card['background']['sha256']}",
        }
    }


if __name__ == "__main__":
    import sys

    sys.stdout.writelines(f"{path}\n" for path in write_shipped(catalogs_folder() / "models"))
