"""The files of infra/: parsed, schema-checked, their commands against the real programs."""

from __future__ import annotations

import inspect
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jsonschema
import kubernetes_validate
import pytest
import typer
import yaml

from sarlra.cli.app import app
from sarlra.settings import ClusterSettings
from tests.conftest import ROOT

INFRA = ROOT / "infra"
COMPOSE = yaml.safe_load((INFRA / "compose.yaml").read_text())
PREFECT = yaml.safe_load((INFRA / "prefect.yaml").read_text())
KUBERNETES = [
    document
    for path in sorted((INFRA / "kubernetes").glob("*.yaml"))
    for document in yaml.safe_load_all(path.read_text())
]
ENTRYPOINTS = {"prefect", "dask"}
CHART = "deployment/helm/dask-kubernetes-operator"
CRDS = Path(str(files("dask_kubernetes.operator"))) / CHART / "crds"


def options_of(command: list[str]) -> list[str]:
    return [part for part in command if part.startswith("--")]


def sarlra_options(name: str) -> set[str]:
    group: Any = typer.main.get_command(app)
    return {option for param in group.commands[name].params for option in param.opts}


def commands() -> Iterator[tuple[str, list[str]]]:
    """(program, arguments) of every container that runs this package's image."""
    for service in COMPOSE["services"].values():
        if "SARLRA_IMAGE" in str(service.get("image")):
            program = (service.get("entrypoint") or ["sarlra"])[0]
            yield program, [str(part) for part in service["command"]]
    for document in KUBERNETES:
        for container in containers(document):
            yield container["command"][0], [str(part) for part in container["args"]]


def containers(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield from node.get("containers", [])
        for value in node.values():
            yield from containers(value)
    elif isinstance(node, list):
        for value in node:
            yield from containers(value)


@pytest.mark.parametrize(("program", "arguments"), list(commands()), ids=str)
def test_commands_have_only_options_that_exist(program: str, arguments: list[str]) -> None:
    if program == "sarlra":
        assert set(options_of(arguments)) <= sarlra_options(arguments[0])
        return
    assert program in ENTRYPOINTS
    known = {
        "dask": [sys.executable, "-m", f"distributed.cli.dask_{arguments[0]}", "--help"],
        "prefect": [sys.executable, "-m", "prefect", *arguments[:2], "--help"],
    }[program]
    shown = subprocess.run(known, capture_output=True, text=True, check=True, timeout=120,
                           env={"COLUMNS": "300", "PATH": "", "HOME": "/tmp"})  # fmt: skip
    for option in options_of(arguments):
        assert re.search(rf"{re.escape(option)}\b", shown.stdout), option


def test_compose_holds_every_service_and_no_secret() -> None:
    services = COMPOSE["services"]
    assert {"object-store", "database", "stac-api", "prefect-server", "prefect-worker",
            "dask-scheduler", "dask-worker"} <= services.keys()  # fmt: skip
    for name, service in services.items():
        assert service["image"], name
        assert ":latest" not in service["image"]
        for needed in service.get("depends_on", {}):
            assert "healthcheck" in services[needed], f"{name} waits for the health of {needed}"
        for key, value in service.get("environment", {}).items():
            if re.search("PASSWORD|SECRET|KEY|TOKEN", key):
                assert str(value).startswith("${"), f"{name}: {key} is written out"
        for volume in service.get("volumes", []):
            assert volume.split(":")[0] in COMPOSE["volumes"]
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:"), f"{name} is open to the network"


def test_every_flow_has_a_deployment() -> None:
    named = {d["entrypoint"] for d in PREFECT["deployments"]}
    flows = {f"flows/{p.name}:{p.stem}" for p in (ROOT / "flows").glob("*.py") if p.stem[0] != "_"}
    missing = "".join(
        f"""
  - name: {Path(entrypoint.split(":")[0]).stem}
    entrypoint: {entrypoint}
    description: ...
    tags: [sarlra]
    concurrency_limit: {{limit: 1, collision_strategy: ENQUEUE}}
    parameters: {{}}
    work_pool: {{name: sarlra}}"""
        for entrypoint in sorted(flows - named)
    )
    assert not missing, f"add this to infra/prefect.yaml:{missing}"
    assert not named - flows, "infra/prefect.yaml has deployments of flows that do not exist"


@pytest.mark.parametrize("deployment", PREFECT["deployments"], ids=lambda d: d["name"])
def test_deployments_have_parameters_that_their_flow_takes(deployment: dict[str, Any]) -> None:
    sys.path.insert(0, str(ROOT))
    from prefect.flows import load_flow_from_entrypoint

    flow = load_flow_from_entrypoint(str(ROOT / deployment["entrypoint"]))
    assert flow.name == deployment["name"]
    assert set(deployment["parameters"]) <= set(flow.parameters.properties)
    assert deployment["concurrency_limit"]["limit"] >= 1
    # What a deployment leaves open must have a default, or nobody can schedule it.
    for schedule in deployment.get("schedules", []):
        given = set(deployment["parameters"]) | set(schedule.get("parameters", {}))
        assert set(flow.parameters.required) <= given


def test_a_flow_takes_every_choice_of_its_command() -> None:
    """Options that say what a scan makes are parameters of its flow, under the same name."""
    sys.path.insert(0, str(ROOT))
    from prefect.flows import load_flow_from_entrypoint

    flow = load_flow_from_entrypoint(str(ROOT / "flows/scan.py:scan"))
    options = {o.removeprefix("--").replace("-", "_") for o in sarlra_options("scan")
               if o.startswith("--")}  # fmt: skip
    assert options - {"help", "dry_run", "json"} == set(flow.parameters.properties)


def test_deployments_fit_prefects_schemas() -> None:
    from prefect.client.schemas.objects import ConcurrencyLimitConfig
    from prefect.client.schemas.schedules import CronSchedule

    for deployment in PREFECT["deployments"]:
        ConcurrencyLimitConfig(**deployment["concurrency_limit"])
        for schedule in deployment.get("schedules", []):
            CronSchedule(cron=schedule["cron"], timezone=schedule["timezone"])


def test_compose_fits_the_compose_specification() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec",
         str(INFRA / "compose.yaml")], capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    "document", KUBERNETES, ids=lambda d: f"{d['kind']}-{d['metadata']['name']}"
)
def test_kubernetes_documents_fit_their_schemas(document: dict[str, Any]) -> None:
    """Those of the dask operator against its own definitions, the rest against Kubernetes'."""
    if document["apiVersion"].startswith("kubernetes.dask.org/"):
        kind = document["kind"].lower()
        crd = (CRDS / f"{kind}.yaml").read_text()
        (version,) = (v for v in yaml.safe_load(crd)["spec"]["versions"] if v["served"])
        assert document["apiVersion"].endswith(f"/{version['name']}")
        jsonschema.validate(document, version["schema"]["openAPIV3Schema"])
    else:
        kubernetes_validate.validate(document, "1.34", strict=True)


def test_the_cluster_kinds_are_what_the_packages_have() -> None:
    """The calls in sarlra/jobs/clients.py exist in the dask operator's own client."""
    from dask_kubernetes.operator import KubeCluster

    for name in ("adapt", "get_client", "close"):
        assert callable(getattr(KubeCluster, name))
    assert {"minimum", "maximum"} <= set(inspect.signature(KubeCluster.adapt).parameters)


def test_kubernetes_documents_are_whole() -> None:
    kinds = [document["kind"] for document in KUBERNETES]
    assert sorted(kinds) == ["DaskAutoscaler", "DaskCluster", "DaskWorkerGroup", "Deployment",
                             "Service"]  # fmt: skip
    by_kind = {document["kind"]: document for document in KUBERNETES}
    cluster, scaler = by_kind["DaskCluster"], by_kind["DaskAutoscaler"]
    assert scaler["spec"]["cluster"] == cluster["metadata"]["name"]
    assert by_kind["DaskWorkerGroup"]["spec"]["cluster"] == cluster["metadata"]["name"]
    assert 0 < scaler["spec"]["minimum"] <= scaler["spec"]["maximum"]
    selector = cluster["spec"]["scheduler"]["service"]["selector"]
    assert selector["dask.org/cluster-name"] == cluster["metadata"]["name"]
    deployment = by_kind["Deployment"]["spec"]
    labels = deployment["template"]["metadata"]["labels"]
    assert deployment["selector"]["matchLabels"].items() <= labels.items()
    for document in KUBERNETES:
        for container in containers(document):
            assert container["resources"]["limits"]["memory"]
        assert '"runAsNonRoot": true' in __import__("json").dumps(document) or not list(
            containers(document)
        )


def test_the_scheduler_that_deployments_name_is_there_in_compose_and_kubernetes() -> None:
    named = {d["parameters"]["cluster"] for d in PREFECT["deployments"] if "cluster" in
             d["parameters"]}  # fmt: skip
    (address,) = {urlsplit(cluster) for cluster in named}
    scheduler = COMPOSE["services"][address.hostname]
    assert f"127.0.0.1:{address.port}:{address.port}" in scheduler["ports"]
    (service,) = (d for d in KUBERNETES if d["kind"] == "Service")
    (cluster,) = (d for d in KUBERNETES if d["kind"] == "DaskCluster")
    assert service["metadata"]["name"] == address.hostname
    assert {d["metadata"]["namespace"] for d in KUBERNETES} == {"sarlra"}
    assert service["spec"]["selector"] == cluster["spec"]["scheduler"]["service"]["selector"]
    (port,) = service["spec"]["ports"]
    (container,) = cluster["spec"]["scheduler"]["spec"]["containers"]
    assert port["port"] == address.port
    assert port["targetPort"] in {p["name"] for p in container["ports"]}


def test_database_and_stac_api_are_of_the_versions_that_the_tests_start() -> None:
    pinned = dict(re.findall(r"^([\w-]+)==(.+)$", (ROOT / "constraints.txt").read_text(), re.M))
    images = {name: service["image"] for name, service in COMPOSE["services"].items()}
    assert images["database"].endswith(f"/pgstac:v{pinned['pypgstac']}")
    assert images["stac-api"].endswith(f"-pgstac:{pinned['stac-fastapi-pgstac']}")


def test_containerfile_is_slim_not_root_and_healthy() -> None:
    text = (INFRA / "Containerfile").read_text().replace("\\\n", " ")
    steps = [line.split(maxsplit=1) for line in text.splitlines()
             if line.strip() and not line.startswith("#")]  # fmt: skip
    names = [name for name, _ in steps]
    assert names[-1] == "CMD"
    assert "HEALTHCHECK" in names
    last = len(names) - 1 - names[::-1].index("FROM")
    (user,) = [rest for name, rest in steps[last:] if name == "USER"]
    assert user.split(":")[0] not in ("root", "0")
    assert "slim" in steps[last][1]
    for name, rest in steps:
        if name == "COPY" and "--from" not in rest:
            *sources, _ = [part for part in shlex.split(rest) if not part.startswith("--")]
            for source in sources:
                assert (ROOT / source).exists(), source
    assert not re.search(r"(?i)(password|secret|token)\s*=", text)


def settings_in_code() -> set[str]:
    found: set[str] = set()
    for folder in ("sarlra", "flows", "tests"):
        for path in (ROOT / folder).rglob("*.py"):
            found |= set(re.findall(r"[\"']?(SARLRA_[A-Z_]*[A-Z])\b", path.read_text()))
    prefix = ClusterSettings.model_config["env_prefix"]
    own = {f"{prefix}{name.upper()}" for name in ClusterSettings.model_fields}
    # Named by infra files alone, or made up by tests of the environment.
    return {n for n in found if not n.startswith(prefix)} - {"SARLRA_IMAGE", "SARLRA_CLUSTER"} | own


def test_the_table_of_settings_is_that_of_the_code() -> None:
    rows = re.findall(r"^\| `(SARLRA_\w+)` \|(.*?)\|", (ROOT / "docs/settings.md").read_text(),
                      re.MULTILINE)  # fmt: skip
    assert len({name for name, _ in rows}) == len(rows)
    assert {name for name, _ in rows} == settings_in_code()
    stated = dict(rows)
    for name, field in ClusterSettings.model_fields.items():
        assert stated[f"SARLRA_CLUSTER_{name.upper()}"].strip() == str(field.default), name


def test_bad_setting_names_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    from sarlra.errors import InputError
    from sarlra.settings import cluster_settings, resources_of

    monkeypatch.setenv("SARLRA_CLUSTER_RETRIES", "many")
    with pytest.raises(InputError, match="SARLRA_CLUSTER_RETRIES"):
        cluster_settings()
    assert resources_of("GPU=1, IO=0.5") == {"GPU": 1.0, "IO": 0.5}
    assert resources_of("") == {}
    with pytest.raises(InputError, match="GPU"):
        resources_of("GPU")


def test_paths_in_infra_name_files_that_exist() -> None:
    for path in (INFRA / "compose.yaml", INFRA / "prefect.yaml", INFRA / "Containerfile"):
        for named in re.findall(r"infra/[\w./-]+\w", path.read_text()):
            assert (ROOT / named).exists(), f"{path.name} names {named}"
    assert Path(INFRA / "kubernetes").is_dir()


def test_workers_are_never_paused_for_good_and_sample_nothing() -> None:
    unpaused = {
        f"DASK_DISTRIBUTED__WORKER__{name}": "False"
        for name in ("MEMORY__TARGET", "MEMORY__SPILL", "MEMORY__PAUSE", "PROFILE__ENABLED")
    }
    assert unpaused.items() <= COMPOSE["services"]["dask-worker"]["environment"].items()
    found = [c for d in KUBERNETES for c in containers(d) if c["args"][0] == "worker"
             and c["command"] == ["dask"]]  # fmt: skip
    assert len(found) == 2
    for container in found:
        assert unpaused.items() <= {e["name"]: e["value"] for e in container["env"]}.items()
