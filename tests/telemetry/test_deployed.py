"""What is deployed beside the gateway fits it: rules, dashboard, services, runbook."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.telemetry.metrics import RunMetrics
from gateway.telemetry.series import Family
from gateway.telemetry.workers import exposition
from tests.peers import program

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"

ENGINE = {
    "vllm:kv_cache_usage_perc",
    "vllm:num_requests_running",
    "vllm:num_requests_waiting",
    "vllm:request_queue_time_seconds_bucket",
}
"""What vLLM 0.32 tells (`vllm/v1/metrics/loggers.py`)."""

_NAME = re.compile(r"\b(?:gateway_[a-z_]+|vllm:[a-z_]+)")


def load(path: str) -> Any:
    return yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))


def families(metrics: RunMetrics) -> dict[str, str]:
    """Our metrics' names with their kinds, as Prometheus is told them."""
    told = exposition(metrics.instruments.registry).decode()
    return dict(re.findall(r"^# TYPE (\S+) (\S+)$", told, re.MULTILINE))


def samples(metrics: RunMetrics) -> set[str]:
    names = set[str]()
    for name, kind in families(metrics).items():
        parts = ("_bucket", "_sum", "_count") if kind == "histogram" else ("",)
        names |= {name + part for part in parts}
    return names


def family(name: str) -> str:
    return re.sub(r"_(bucket|sum|count)$", "", name)


def rules() -> list[Any]:
    [group] = load("deploy/prometheus/alerts.yml")["groups"]
    return group["rules"]


def panels() -> list[Any]:
    found = json.loads((DEPLOY / "grafana/dashboards/gateway.json").read_text(encoding="utf-8"))
    return [panel for panel in found["panels"] if panel["type"] != "row"]


def queried() -> set[str]:
    text = " ".join(target["expr"] for panel in panels() for target in panel["targets"])
    return set(_NAME.findall(text))


def test_every_metric_is_shown_on_the_dashboard(metrics: RunMetrics) -> None:
    ours = {name for name in families(metrics) if name.startswith("gateway_")}
    assert len(ours) >= 12
    assert ours - {family(name) for name in queried()} == set()


def test_dashboard_and_alerts_ask_only_for_metrics_that_exist(metrics: RunMetrics) -> None:
    asked = queried() | set(_NAME.findall(" ".join(rule["expr"] for rule in rules())))
    assert asked - samples(metrics) - ENGINE == set()


def test_rules_and_panels_group_only_by_labels_that_their_metrics_have(metrics: RunMetrics) -> None:
    labels = {name.removesuffix("_total"): set[str]() for name in families(metrics)}
    labels |= {
        instrument.name: set(instrument.label_names)
        for instrument in vars(metrics.instruments).values()
        if isinstance(instrument, Family)
    }
    grouped = re.compile(r"by \(([^)]*)\) \(\w*\(?(gateway_[a-z_]+)")
    exprs = [target["expr"] for panel in panels() for target in panel["targets"]]
    found = [
        pair for expr in exprs + [r["expr"] for r in rules()] for pair in grouped.findall(expr)
    ]
    assert found
    for by, name in found:
        known = labels[family(name).removesuffix("_total")]
        assert {label.strip() for label in by.split(",")} - known - {"le", "instance"} == set(), (
            name
        )


def test_every_metric_and_every_alert_stands_in_the_documents(metrics: RunMetrics) -> None:
    text = (ROOT / "docs/telemetry.md").read_text(encoding="utf-8")
    assert {name for name in families(metrics) if f"`{name}`" not in text} == set()
    headings = {heading.lower() for heading in re.findall(r"^### (\w+)$", text, re.MULTILINE)}
    for rule in rules():
        file, _, anchor = rule["annotations"]["runbook"].partition("#")
        assert file == "docs/telemetry.md"
        assert anchor == rule["alert"].lower()
        assert anchor in headings


def test_panels_do_not_overlap() -> None:
    taken = set[tuple[int, int]]()
    for panel in panels():
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells


@pytest.mark.parametrize("fires", [True, False])
def test_every_alert_has_a_test_in_which_it_fires_and_one_in_which_it_stays_silent(
    *, fires: bool
) -> None:
    tested = {
        check["alertname"]
        for case in load("deploy/prometheus/alerts.test.yml")["tests"]
        for check in case["alert_rule_test"]
        if bool(check["exp_alerts"]) is fires
    }
    assert tested == {rule["alert"] for rule in rules()}


@pytest.mark.parametrize(
    "arguments",
    [
        ["check", "config", "prometheus.yml"],
        ["check", "rules", "alerts.yml"],
        ["test", "rules", "alerts.test.yml"],
    ],
    ids=" ".join,
)
def test_promtool_takes_the_configuration_and_the_rules(arguments: list[str]) -> None:
    command = [program("promtool"), *arguments]
    here = DEPLOY / "prometheus"
    done = subprocess.run(
        command, check=False, cwd=here, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_the_services_mount_is_there_and_read_only() -> None:
    compose = load("docker-compose.yml")
    for name, service in compose["services"].items():
        for mount in service.get("volumes", ()):
            source, target, *mode = mount.split(":")
            if source.startswith("./"):
                assert (ROOT / source).exists(), f"{name}: {mount}"
                assert mode == ["ro"], f"{name}: {mount}"
            else:
                assert source in compose["volumes"], f"{name}: {mount}"
            assert target.startswith("/")


def test_prometheus_and_grafana_are_provisioned_healthy_and_of_this_machine_only() -> None:
    services = load("docker-compose.yml")["services"]
    for name in ("prometheus", "grafana"):
        service = services[name]
        assert service["healthcheck"]["test"][0] == "CMD"
        assert all(port.startswith("127.0.0.1:") for port in service["ports"])
        assert re.search(r":v?\d+\.\d+\.\d+$", service["image"])
    [source] = load("deploy/grafana/provisioning/datasources/prometheus.yml")["datasources"]
    assert source["url"] == "http://prometheus:9090"
    assert {panel["datasource"]["uid"] for panel in panels()} == {source["uid"]}
    [provider] = load("deploy/grafana/provisioning/dashboards/gateway.yml")["providers"]
    inside = provider["options"]["path"]
    assert f"./deploy/grafana/dashboards:{inside}:ro" in services["grafana"]["volumes"]
    names = {
        name
        for job in load("deploy/prometheus/prometheus.yml")["scrape_configs"]
        for found in job["dns_sd_configs"]
        for name in found["names"]
    }
    assert names <= services.keys()
