"""PostgreSQL with PostGIS and pgstac, and stac-fastapi-pgstac, each a program of its own."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

_SERVER = (
    "import uvicorn; from stac_fastapi.pgstac.app import create_app; "
    "uvicorn.run(create_app(), host='127.0.0.1', port={port}, log_level='warning')"
)


def binaries() -> Path | None:
    """The folder of PostgreSQL's server programs, with PostGIS; None where they are missing."""
    for control in sorted(Path("/usr/share/postgresql").glob("*/extension/postgis.control")):
        folder = Path("/usr/lib/postgresql") / control.parents[1].name / "bin"
        if (folder / "initdb").is_file():
            return folder
    return None


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def running_api(folder: Path, programs: Path) -> Iterator[str]:
    """The URL of an API with transactions over a database in ``folder``."""
    port = free_port()
    data = folder / "data"
    folder.mkdir(parents=True)
    # PostgreSQL refuses to run as root.
    user = "postgres" if os.geteuid() == 0 else None
    if user:
        shutil.chown(folder, user)
    common = {"user": user, "cwd": folder, "check": True, "stdout": subprocess.DEVNULL}
    subprocess.run(
        [
            programs / "initdb",
            "-D",
            data,
            "-A",
            "trust",
            "-U",
            "stac",
            "-E",
            "UTF8",
            "--locale=C",
            "--no-sync",
        ],
        **common,
    )
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
    subprocess.run(
        [programs / "pg_ctl", "-D", data, "-w", "-o", options, "-l", folder / "log", "start"],
        **common,
    )
    try:
        environment = {
            **os.environ, "PGHOST": "127.0.0.1", "PGPORT": str(port), "PGUSER": "stac",
            "PGPASSWORD": "none", "PGDATABASE": "stac",
        }  # fmt: skip
        subprocess.run([programs / "createdb", "stac"], env=environment, check=True)
        subprocess.run(
            [Path(sys.executable).parent / "pypgstac", "migrate"],
            env=environment, check=True, capture_output=True,
        )  # fmt: skip
        with _served({**environment, "ENABLE_TRANSACTIONS_EXTENSIONS": "true"}, folder) as url:
            yield url
    finally:
        subprocess.run([programs / "pg_ctl", "-D", data, "-m", "immediate", "stop"], **common)


@contextmanager
def _served(environment: dict[str, str], folder: Path) -> Iterator[str]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(
        [sys.executable, "-c", _SERVER.format(port=port)], env=environment, cwd=folder
    )
    try:
        for _ in range(300):
            try:
                if httpx.get(f"{url}/conformance").status_code == 200:
                    break
            except httpx.HTTPError:
                if process.poll() is not None:
                    raise RuntimeError("the API ended") from None
            time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait(20)
