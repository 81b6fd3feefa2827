"""A dask Gateway with its proxy, as programs of their own: clusters made for a run, and joined."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from textwrap import indent

import httpx
import pytest

from tests.conftest import ROOT
from tests.infra.test_prefect_services import free_port

pytestmark = [pytest.mark.services, pytest.mark.timeout(300)]

CONFIG = """
import os, sys
c.DaskGateway.backend_class = "dask_gateway_server.backends.local.UnsafeLocalBackend"
c.DaskGateway.authenticator_class = "dask_gateway_server.auth.SimpleAuthenticator"
c.DaskGateway.address = "127.0.0.1:{inner}"
c.Proxy.address = "127.0.0.1:{port}"
c.UnsafeLocalBackend.clusters_directory = "{folder}"
c.ClusterConfig.scheduler_cmd = [sys.executable, "-m", "distributed.cli.dask_scheduler"]
c.ClusterConfig.worker_cmd = [sys.executable, "-m", "distributed.cli.dask_worker"]
c.ClusterConfig.environment = {{"PYTHONPATH": os.environ["PYTHONPATH"]}}
"""


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("gateway")
    port = free_port()
    (folder / "clusters").mkdir()
    config = folder / "config.py"
    config.write_text(CONFIG.format(inner=free_port(), port=port, folder=folder / "clusters"))
    address = f"http://127.0.0.1:{port}"
    with (folder / "gateway.log").open("wb") as log:
        program = subprocess.Popen(
            [str(Path(sys.executable).with_name("dask-gateway-server")), "-f", str(config)],
            env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        end = time.monotonic() + 60
        while not _answers(f"{address}/api/health"):
            assert time.monotonic() < end, (folder / "gateway.log").read_text()
            time.sleep(0.2)
        yield address
    finally:
        program.terminate()
        program.wait(30)


def _answers(address: str) -> bool:
    try:
        return httpx.get(address).is_success
    except httpx.HTTPError:
        return False


MADE = """
from dask_gateway import Gateway
from sarlra.jobs.spread import spread
assert spread(abs, [-3, 2, -1], "gateway") == [3, 2, 1]
assert Gateway().list_clusters() == []
"""

JOINED = """
from dask_gateway import Gateway
from sarlra.jobs.clients import open_client
asked = Gateway()
with asked.new_cluster() as theirs:
    theirs.scale(1)
    with open_client(f"gateway:{theirs.name}", 1) as client:
        client.wait_for_workers(1, timeout=120)
        assert client.submit(abs, -5).result() == 5
    assert [cluster.name for cluster in asked.list_clusters()] == [theirs.name]
"""


@pytest.mark.parametrize("script", [MADE, JOINED], ids=["made for a run", "joined"])
def test_clusters_of_a_gateway(gateway: str, script: str) -> None:
    """One that is made for a run ends with it; one that runs already is left as it is."""
    done = subprocess.run(
        [sys.executable, "-c", f"if __name__ == '__main__':\n{indent(script, '    ')}"],
        env={**os.environ, "PYTHONPATH": str(ROOT), "DASK_GATEWAY__ADDRESS": gateway,
             "SARLRA_CLUSTER_WORKERS_MAX": "1"},
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
