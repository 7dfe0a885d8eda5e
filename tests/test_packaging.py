"""The four packages are top-level: what is installed under their names has to be ours."""

from __future__ import annotations

import importlib
from importlib.metadata import entry_points, metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize("package", ["gateway", "policies", "routing", "tools"])
def test_the_installed_package_is_ours(package: str) -> None:
    found = importlib.import_module(package).__file__
    assert found is not None
    assert Path(found).resolve() == ROOT / package / "__init__.py"


def test_the_distribution_can_not_be_uploaded_by_mistake() -> None:
    assert "Private :: Do Not Upload" in metadata("agentic-gateway").get_all("Classifier", [])


def test_the_command_is_installed() -> None:
    [command] = entry_points(group="console_scripts", name="gateway")
    assert command.value == "gateway.cli:main"


@pytest.mark.parametrize(
    ("module", "names"),
    [
        ("gateway.app", {"create_app"}),
        ("gateway.compose", {"application", "build_application", "build_services"}),
        ("gateway.settings", {"Settings", "SettingsError", "json_schema", "load_settings"}),
        ("tools.executor", {"CallContext", "Executor"}),
        ("tools.executors.function", {"collect", "tool"}),
        ("tools.registry", {"Registry"}),
        (
            "tools.spec",
            {"Annotations", "Effect", "InvalidCall", "ToolResult", "ToolSpec", "ValidCall"},
        ),
        ("routing.backend", {"Completion", "ModelBackend", "TextDelta", "Turn"}),
        ("routing.backends.scripted", {"Call", "Say", "ScriptedBackend"}),
        ("routing.escalation", {"Evidence", "Reason", "Strategy"}),
        ("policies.decision", {"Allow", "Deny", "RequireApproval"}),
        ("policies.policy", {"Policies", "Policy", "Subject"}),
    ],
)
def test_the_names_that_others_build_on_are_there(module: str, names: set[str]) -> None:
    assert names <= set(vars(importlib.import_module(module)))
