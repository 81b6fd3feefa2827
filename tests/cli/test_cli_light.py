"""The command line starts quickly and explains itself."""

from __future__ import annotations

import json
import resource
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


def test_listing_models_imports_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from sarlra.cli import main\n"
        "sys.argv = ['sarlra', 'models', 'list', '--json']\n"
        "try:\n"
        "    main()\n"
        "except SystemExit:\n"
        "    pass\n"
        f"print([n for n in {(*HEAVY, 'httpx', 'shapely', 'numpy')!r} if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "sim-cnn32-vv-vh-ascending" in done.stdout
    assert done.stdout.strip().splitlines()[-1] == "[]"


@pytest.mark.parametrize("words", [("--help",), ("models", "list")])
def test_telling_commands_need_little_of_the_processor(words: tuple[str, ...]) -> None:
    """Half a second on a machine with nothing else to do; core seconds tell on any machine."""
    code = "from sarlra.cli import main; main()"
    used = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-c", code, *words], capture_output=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        used.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert min(used) < 1.5


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
