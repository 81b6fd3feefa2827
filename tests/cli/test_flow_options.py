"""A flow takes what the command that does the same takes, and means the same by it."""

from __future__ import annotations

import inspect
import runpy
from collections.abc import Callable
from typing import Any, get_type_hints

import pytest

from sarlra.cli.dataset import build
from sarlra.cli.detect import detect
from sarlra.cli.scan import scan
from sarlra.cli.sweep import sweep
from sarlra.cli.watch import watch
from tests.conftest import ROOT

#: What only somebody at a terminal asks for.
OF_A_TERMINAL = {"as_json", "dry_run", "status"}


def parameters(function: Callable[..., Any]) -> dict[str, tuple[Any, Any]]:
    """Kind (with its help) and default of each parameter but where the results go."""
    kinds = get_type_hints(function, include_extras=True)
    defaults = inspect.signature(function).parameters
    return {
        name: (kinds[name], parameter.default)
        for name, parameter in defaults.items()
        if name not in {"out", "out_"} | OF_A_TERMINAL
    }


@pytest.mark.parametrize(
    ("command", "name"),
    [(detect, "detect"), (scan, "scan"), (watch, "watch"), (build, "dataset"), (sweep, "train")],
)
def test_options_of_a_flow_are_those_of_its_command(command: Callable[..., Any], name: str) -> None:
    flow = runpy.run_path(str(ROOT / "flows" / f"{name}.py"))[name]
    assert parameters(flow.fn) == parameters(command)
