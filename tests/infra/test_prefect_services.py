"""The deployments of infra/prefect.yaml on a real Prefect server, run by a worker into a bucket.

Prefect's server and worker, dask's scheduler and worker and the object store are programs of their
own on loopback, as in infra/compose.yaml; the run is asked for through Prefect's HTTP API alone.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.conftest import ROOT
from tests.servers.items import opera_items, write_items

pytestmark = [pytest.mark.services, pytest.mark.slow, pytest.mark.timeout(1200)]
BURST, AOI = "T137-292321-IW2", "-119.849,34.765,-119.817,34.791"
BUCKET = "sarlra-deployed"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(what: str, ready: Callable[[], Any], seconds: float) -> Any:
    end = time.monotonic() + seconds
    while True:
        try:
            if found := ready():
                return found
        except (httpx.HTTPError, OSError):
            pass
        assert time.monotonic() < end, f"waited {seconds:.0f} s for {what}"
        time.sleep(0.5)


class Services:
    """Programs that are started for a test and stopped after it, with their output kept."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.api = f"http://127.0.0.1:{free_port()}/api"
        self.dask = f"tcp://127.0.0.1:{free_port()}"
        self.s3 = f"http://127.0.0.1:{free_port()}"
        self.environment = {
            **os.environ, "PREFECT_HOME": str(folder / "prefect"), "PREFECT_API_URL": self.api,
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false", "DO_NOT_TRACK": "1",
            "PREFECT_WORKER_QUERY_SECONDS": "2", "SARLRA_HOME": str(ROOT), "PYTHONPATH": str(ROOT),
            "AWS_ENDPOINT_URL": self.s3, "AWS_ACCESS_KEY_ID": "test-access",
            "AWS_SECRET_ACCESS_KEY": "test-secret-value", "AWS_DEFAULT_REGION": "us-east-1",
        }  # fmt: skip
        self._running: list[subprocess.Popen[bytes]] = []

    def start(self, name: str, *command: str) -> None:
        with (self.folder / f"{name}.log").open("wb") as log:
            self._running.append(
                subprocess.Popen([sys.executable, "-m", *command], cwd=ROOT, env=self.environment,
                                 stdout=log, stderr=subprocess.STDOUT))  # fmt: skip

    def prefect(self, *arguments: str) -> str:
        done = subprocess.run([sys.executable, "-m", "prefect", "--no-prompt", *arguments],
                              cwd=ROOT, env=self.environment, capture_output=True, text=True,
                              timeout=300, check=False)  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def stop(self) -> None:
        for process in reversed(self._running):
            process.terminate()
        for process in self._running:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()

    def logs(self) -> str:
        return "\n".join(p.read_text(errors="replace") for p in self.folder.glob("*.log"))


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    running = Services(tmp_path_factory.mktemp("services"))
    port = running.api.rsplit(":", 1)[1].removesuffix("/api")
    try:
        running.start("server", "prefect", "server", "start", "--host", "127.0.0.1",
                      "--port", port)  # fmt: skip
        running.start("s3", "moto.server", "-H", "127.0.0.1", "-p", running.s3.rsplit(":", 1)[1])
        running.start("scheduler", "distributed.cli.dask_scheduler", "--host", "127.0.0.1",
                      "--port", running.dask.rsplit(":", 1)[1], "--no-dashboard")  # fmt: skip
        for index in range(2):
            running.start(f"dask{index}", "distributed.cli.dask_worker", running.dask,
                          "--nthreads", "1", "--no-dashboard")  # fmt: skip
        until("the object store", lambda: httpx.get(running.s3).status_code < 500, 120)
        store(running).create_bucket(Bucket=BUCKET)
        until("Prefect's server", lambda: httpx.get(f"{running.api}/health").is_success, 300)
        running.prefect("work-pool", "create", "sarlra", "--type", "process")
        running.prefect("deploy", "--all", "--prefect-file", "infra/prefect.yaml")
        running.start("worker", "prefect", "worker", "start", "--pool", "sarlra",
                      "--type", "process")  # fmt: skip
        yield running
    finally:
        running.stop()


def call(services: Services, path: str, body: dict[str, Any] | None = None) -> Any:
    address = f"{services.api}{path}"
    answer = httpx.get(address) if body is None else httpx.post(address, json=body, timeout=30)
    answer.raise_for_status()
    return answer.json()


def run_to_end(services: Services, parameters: dict[str, Any]) -> dict[str, Any]:
    deployment = call(services, "/deployments/name/scan/scan")
    made = call(services, f"/deployments/{deployment['id']}/create_flow_run",
                {"parameters": parameters})  # fmt: skip

    def ended() -> dict[str, Any] | None:
        run = call(services, f"/flow_runs/{made['id']}")
        return run if run["state_type"] in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED") else None

    run: dict[str, Any] = until("the flow run", ended, 600)
    return run


def store(services: Services) -> Any:
    import boto3  # type: ignore[import-untyped]

    return boto3.client("s3", endpoint_url=services.s3, aws_access_key_id="test-access",
                        aws_secret_access_key="test-secret-value",
                        region_name="us-east-1")  # fmt: skip


def keys(services: Services, prefix: str) -> dict[str, int]:
    listed = store(services).list_objects_v2(Bucket=BUCKET, Prefix=f"{prefix}/").get("Contents", [])
    return {o["Key"].removeprefix(f"{prefix}/"): o["Size"] for o in listed}


def test_every_deployment_stands_with_the_schema_of_its_parameters(services: Services) -> None:
    wanted = yaml.safe_load((ROOT / "infra/prefect.yaml").read_text())["deployments"]
    for deployment in wanted:
        name = deployment["name"]
        found = call(services, f"/deployments/name/{name}/{name}")
        assert found["parameters"] == deployment["parameters"]
        assert set(found["parameters"]) <= set(found["parameter_openapi_schema"]["properties"])
        assert (
            found["global_concurrency_limit"]["limit"] == deployment["concurrency_limit"]["limit"]
        )
        assert len(found["schedules"]) == len(deployment.get("schedules", []))
        assert found["work_pool_name"] == "sarlra"


def test_a_scan_asked_for_through_the_api_fills_the_bucket(
    services: Services, shared_data: Path, tmp_path: Path
) -> None:
    burst = [i for i in opera_items(shared_data) if i["properties"]["opera:burst_id"] == BURST]
    items = write_items(tmp_path / "items.json", burst)
    out = f"s3://{BUCKET}/scan"
    parameters = {"out": out, "aoi": AOI, "origin": ["2023-12-10T00:00:00Z"], "dem": "none",
                  "source": str(items), "cluster": services.dask}  # fmt: skip
    run = run_to_end(services, parameters)
    assert run["state_type"] == "COMPLETED", services.logs()[-8000:]
    first = keys(services, "scan")
    assert "catalog.json" in first
    assert sum(name.startswith("items/") and name.endswith(".json") for name in first) == 1
    artifacts = call(services, "/artifacts/filter",
                     {"artifacts": {"flow_run_id": {"any_": [run["id"]]}}})  # fmt: skip
    shown = {a["key"]: a for a in artifacts}
    assert shown.keys() >= {"scan-plan", "scan-outcomes", "scan-catalogue", "dask-dashboard",
                            "scan-progress"}  # fmt: skip
    assert f"{out}/catalog.json" in str(shown["scan-catalogue"]["data"])
    assert shown["scan-progress"]["data"] == 100.0
    # Again: nothing runs, nothing is written anew but the fold.
    assert run_to_end(services, parameters)["state_type"] == "COMPLETED"
    assert keys(services, "scan") == first
    # What cannot be meant fails at once, with its reason on the run's page.
    wrong = run_to_end(services, {**parameters, "buffers": "many"})
    assert wrong["state_type"] == "FAILED"
    assert "buffers" in wrong["state"]["message"]
    # Secrets are in no log.
    assert "test-secret-value" not in services.logs()
