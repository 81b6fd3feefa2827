"""A shipped model in a folder of a test's own."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from sarlra.models.info import ModelInfo
from sarlra.models.registry import find_model


def copy_without_background(model: ModelInfo, folder: Path, name: str | None = None) -> ModelInfo:
    """Copy a model's file and card as ``folder/NAME.keras`` and ``.json``, and nothing else."""
    file = folder / f"{name or model.name}.keras"
    shutil.copyfile(model.path, file)
    card = json.loads(model.path.with_suffix(".json").read_text())
    file.with_suffix(".json").write_text(json.dumps(card | {"background": None}))
    return find_model(str(file))
