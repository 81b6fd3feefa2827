"""The command line starts quickly and explains itself."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

HEAVY = ("tensorflow", "keras", "dask", "distributed", "xarray", "geopandas", "prefect", "rasterio")


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from sarlra.cli.app import app\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "command",
    [(), ("detect",), ("score",), ("models",), ("models", "import"), ("models", "pull"),
     ("simulate",), ("train",), ("demo",), ("evaluate",),
     ("watch",), ("quality",), ("explain",), ("models", "background")],
)  # fmt: skip
def test_every_command_has_help(sarlra: Callable[..., Any], command: tuple[str, ...]) -> None:
    done = sarlra(*command, "--help")
    assert done.code == 0
    assert "Usage" in done.out


def test_models_list_as_json_is_only_json(sarlra: Callable[..., Any]) -> None:
    done = sarlra("models", "list", "--json")
    assert done.code == 0
    names = {card["name"] for card in json.loads(done.out)["models"]}
    assert {"sim-cnn32-vv-vh-ascending", "sim-cnn32-vv-descending"} <= names


def test_errors_are_one_json_document_where_json_is_asked_for(sarlra: Callable[..., Any]) -> None:
    done = sarlra("models", "show", "no-such-model", "--json")
    assert done.code == 2
    error = json.loads(done.out)["error"]
    assert error["code"] == "model"
    assert "no-such-model" in error["message"]
    assert error["hint"]
