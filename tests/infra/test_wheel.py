"""The wheel carries the built map page; the repository does not."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.conftest import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def test_wheel_has_the_page_built_with_the_node_of_pypi(tmp_path: Path) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    tracked = [name for name in listed.split("\0") if name and (ROOT / name).is_file()]
    assert not [name for name in tracked if name.startswith("sarlra/serving/map/")]
    assert not [name for name in tracked if "node_modules" in name]
    source = tmp_path / "source"
    for name in tracked:
        if name.split("/")[0] in ("sarlra", "viewer", "catalogs") or "/" not in name:
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, source / name)
    # A machine without Node: only what a shell script needs.
    tools = tmp_path / "bin"
    tools.mkdir()
    for tool in ("sh", "env", "uname", "sed", "dirname"):
        (tools / tool).symlink_to(str(shutil.which(tool)))
    command = [sys.executable, "-m", "pip", "wheel", ".", "--no-deps", "--no-build-isolation"]
    subprocess.run(
        [*command, "--quiet", "--wheel-dir", str(tmp_path)], cwd=source, check=True,
        env={**os.environ, "PATH": str(tools)},
    )  # fmt: skip
    (wheel,) = tmp_path.glob("sarlra-*.whl")
    with zipfile.ZipFile(wheel) as packed:
        names = packed.namelist()
        page = packed.read("sarlra/serving/map/index.html").decode()
    parts = [n.removeprefix("sarlra/serving/map/") for n in names if "serving/map/" in n]
    assert len(parts) == 4
    assert all(f"map/{p}" in page for p in parts if p.startswith("index-"))
    assert not [name for name in names if name.startswith("viewer/") or "node_modules" in name]
