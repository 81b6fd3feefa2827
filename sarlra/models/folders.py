"""Where models and their cards lie."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_data_dir

from sarlra.catalogs import catalogs_folder

_PACKAGE = Path(__file__).resolve().parent.parent


def registered_folder() -> Path:
    """The folder of weights that can be pulled: one STAC item (MLM) each."""
    return catalogs_folder() / "models"


def shipped_folder() -> Path:
    """The folder of models that come with the package."""
    return _PACKAGE / "models" / "shipped"


def user_folder() -> Path:
    """The folder of models that the user imported or pulled; it may not exist yet.

    ``SARLRA_MODELS`` names another one than the platform's data folder.
    """
    given = os.environ.get("SARLRA_MODELS")
    return Path(given) if given else Path(user_data_dir("sarlra")) / "models"
