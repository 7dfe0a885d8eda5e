"""The manifests fit Kubernetes' own schemas, each other, the gateway's settings and its metrics."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from gateway.settings import load_settings
from gateway.telemetry.instruments import Instruments

FOLDER = Path(__file__).resolve().parents[2] / "deploy" / "kubernetes"
COMPOSE = FOLDER.parents[1] / "docker-compose.yml"
SECRETS = {
    "DATABASE_URL": "postgresql://u:p@db/gateway",
    "MISTRAL_API_KEY": "k",
    "OPERATOR_KEY": "k" * 32,
}
VERSIONS = ("1.33", "1.37")


def documents() -> Iterator[dict[str, Any]]:
    kustomization = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())
    for name in kustomization["resources"]:
        yield from yaml.safe_load_all((FOLDER / name).read_text())


def named(kind: str) -> dict[str, dict[str, Any]]:
    return {each["metadata"]["name"]: each for each in documents() if each["kind"] == kind}


def pod(deployment: dict[str, Any]) -> dict[str, Any]:
    return deployment["spec"]["template"]["spec"]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    "document", list(documents()), ids=lambda one: f"{one['kind']}-{one['metadata']['name']}"
)
def test_every_manifest_fits_the_schema_of_its_kind(document: dict[str, Any], version: str) -> None:
    kubernetes_validate.validate(document, version, strict=True)


def test_a_misspelt_field_would_be_found() -> None:
    wrong = named("Deployment")["gateway"]
    pod(wrong)["containers"][0]["readynessProbe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSIONS[0], strict=True)


def test_no_file_is_forgotten() -> None:
    kustomization = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())
    files = {file.name for file in FOLDER.glob("*.yaml")} - {"kustomization.yaml"}
    assert files == set(kustomization["resources"])


def test_the_configuration_is_one_that_the_gateway_reads() -> None:
    settings = load_settings(
        FOLDER / "config" / "gateway.yaml",
        environ=SECRETS,
    )
    assert settings.storage.url.startswith("postgresql://")
    assert str(settings.models.intermediary.base_url) == "http://vllm:8000/v1"
    assert "vllm" in named("Service")
    assert settings.auth.enabled


def test_the_secret_holds_what_the_configuration_and_the_engine_need() -> None:
    told = (FOLDER.parents[1] / "docs" / "kubernetes.md").read_text()
    for deployment in named("Deployment").values():
        [container] = pod(deployment)["containers"]
        for variable in container["env"]:
            if "valueFrom" in variable:
                key = variable["valueFrom"]["secretKeyRef"]["key"]
                assert f"--from-literal={key}=" in told


def test_nobody_is_let_in_without_a_key() -> None:
    [container] = pod(named("Deployment")["gateway"])["containers"]
    assert "--insecure-no-auth" not in container["command"]


def test_services_budgets_policies_and_autoscaler_select_pods_that_exist() -> None:
    deployments = named("Deployment")
    labels = [one["spec"]["template"]["metadata"]["labels"] for one in deployments.values()]
    for service in named("Service").values():
        assert service["spec"]["selector"] in labels
    for kind in ("PodDisruptionBudget", "Deployment"):
        for one in named(kind).values():
            assert one["spec"]["selector"]["matchLabels"] in labels
    guarded = [one["spec"]["podSelector"] for one in named("NetworkPolicy").values()]
    for each in labels:
        assert {"matchLabels": each} in guarded
    target = named("HorizontalPodAutoscaler")["gateway"]["spec"]["scaleTargetRef"]
    assert target["name"] in deployments


def test_ports_are_called_by_names_that_the_containers_give_them() -> None:
    for deployment in named("Deployment").values():
        [container] = pod(deployment)["containers"]
        names = {port["name"] for port in container["ports"]}
        for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
            assert container[probe]["httpGet"]["port"] in names
    for service in named("Service").values():
        container = pod(named("Deployment")[service["metadata"]["name"]])["containers"][0]
        names = {port["name"] for port in container["ports"]}
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= names


def test_pods_have_no_rights_and_bounded_memory() -> None:
    for deployment in named("Deployment").values():
        spec = pod(deployment)
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["automountServiceAccountToken"] is False
        [container] = spec["containers"]
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert "memory" in container["resources"]["limits"]


def test_pods_outlive_the_longest_run() -> None:
    settings = load_settings(
        FOLDER / "config" / "gateway.yaml",
        environ=SECRETS,
    )
    grace = pod(named("Deployment")["gateway"])["terminationGracePeriodSeconds"]
    assert grace > settings.limits.deadline_s


def test_the_autoscaler_goes_by_metrics_that_the_gateway_gives() -> None:
    made = Instruments()
    known = {family.name for family in made.registry.collect()}
    metrics = named("HorizontalPodAutoscaler")["gateway"]["spec"]["metrics"]
    asked = {one["pods"]["metric"]["name"] for one in metrics if one["type"] == "Pods"}
    assert asked
    assert asked <= known


def test_compose_and_kubernetes_start_the_same_engine() -> None:
    service = yaml.safe_load(COMPOSE.read_text())["services"]["vllm"]
    [container] = pod(named("Deployment")["vllm"])["containers"]
    assert container["image"] == service["image"]
    assert container["args"] == service["command"]


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
def test_kustomize_puts_it_together() -> None:
    built = subprocess.run(
        ["kubectl", "kustomize", str(FOLDER)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    rendered = list(yaml.safe_load_all(built.stdout))
    [config] = [one for one in rendered if one["kind"] == "ConfigMap"]
    [gateway] = [
        one
        for one in rendered
        if (one["kind"], one["metadata"]["name"]) == ("Deployment", "gateway")
    ]
    volumes = {volume["name"]: volume for volume in pod(gateway)["volumes"]}
    assert volumes["config"]["configMap"]["name"] == config["metadata"]["name"]
    assert gateway["metadata"]["namespace"] == "gateway"
