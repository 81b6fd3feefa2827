"""The server as a program of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def serving(folder: Path, *options: str, **environment: str) -> Iterator[str]:
    """The URL of ``sarlra serve`` over a folder."""
    code = "from sarlra.cli import main; main()"
    command = [sys.executable, "-c", code, "serve", str(folder), "--port", "0", *options]
    process = subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env={**os.environ, **environment}
    )
    assert process.stderr is not None
    said = ""
    try:
        while " at http" not in said and process.poll() is None:
            said += process.stderr.readline()
        assert " at http" in said, said
        yield said.split(" at ")[1].split()[0]
    finally:
        process.terminate()
        process.wait(20)
