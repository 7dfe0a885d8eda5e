"""What holds for the command as a whole, and the commands that need no running gateway."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator
from typer.testing import CliRunner

from gateway.cli import commands, doctor
from gateway.cli.serving import bind

cli = CliRunner()

HEAVY = ["litellm", "xllamacpp", "pint", "torch", "fastapi", "mistral_common", "uvicorn", "aiohttp"]


def test_importing_the_command_imports_nothing_heavy() -> None:
    code = f"import gateway.cli, sys; gateway.cli.commands(); print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("command", ["serve", "chat", "tools", "doctor", "config", "eval"])
def test_every_command_explains_itself(command: str) -> None:
    done = cli.invoke(commands(), [command, "--help"])
    assert done.exit_code == 0
    assert "Usage" in done.output


def test_the_version_is_printed() -> None:
    done = cli.invoke(commands(), ["--version"])
    assert done.exit_code == 0
    assert done.stdout.strip()


def test_the_schema_is_a_schema_that_accepts_the_shipped_configuration() -> None:
    done = cli.invoke(commands(), ["config", "schema"])
    schema = json.loads(done.stdout)
    Draft202012Validator.check_schema(schema)
    deployed = Path(__file__).parents[3] / "deploy" / "gpu.yaml"
    written = (
        deployed.read_text(encoding="utf-8").replace("${VLLM_URL:-", "").replace("/v1}", "/v1")
    )
    Draft202012Validator(schema).validate(yaml.safe_load(written))


def test_what_is_in_force_is_shown_with_secrets_masked(tmp_path: Path) -> None:
    path = tmp_path / "gateway.yaml"
    path.write_text("models: {expert: {backend: litellm, model: a/b, api_key: k-123}}")
    done = cli.invoke(commands(), ["config", "show", "--config", str(path)])
    shown = yaml.safe_load(done.stdout)
    assert shown["models"]["expert"]["model"] == "a/b"
    assert "k-123" not in done.output


@pytest.mark.parametrize(
    "command", [["config", "show"], ["serve"], ["tools", "list"], ["chat", "x"]]
)
def test_a_broken_configuration_ends_every_command_with_words(
    command: list[str], tmp_path: Path
) -> None:
    path = tmp_path / "gateway.yaml"
    path.write_text("server: {prot: 1}")
    done = cli.invoke(commands(), [*command, "--config", str(path)])
    assert done.exit_code == 2
    assert "line 1: server.prot: unknown key; did you mean `port`?" in done.output


@pytest.mark.parametrize(
    "command", [["serve", "--port", "0"], ["serve", "--port", "0", "--workers", "2"], ["chat", "x"]]
)
def test_what_is_configured_and_can_not_be_had_ends_with_words(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATEWAY_CONFIG", "")
    path = tmp_path / "gateway.yaml"
    path.write_text("tools: {manifests: ['./nothing/*.yaml']}")
    done = cli.invoke(commands(), [*command, "--config", str(path)])
    assert done.exit_code == 2
    assert "error: tools.manifests: no file matches" in done.output


def test_serving_others_without_authentication_has_to_be_said_twice() -> None:
    done = cli.invoke(commands(), ["serve", "--host", "0.0.0.0", "--port", "0"])
    assert done.exit_code == 2
    assert "--insecure-no-auth" in done.output


def test_a_port_in_use_is_told_with_another_one() -> None:
    taken = bind("127.0.0.1", 0)
    taken.listen()
    port = taken.getsockname()[1]
    try:
        done = cli.invoke(commands(), ["serve", "--port", str(port)])
    finally:
        taken.close()
    assert done.exit_code == 3
    assert f"can't listen on 127.0.0.1:{port}" in done.output
    assert f"--port {port + 1}" in done.output


def test_the_doctor_tells_what_is_missing_and_the_command_that_mends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MISTRAL_API_KEY", raising=False)
    path = tmp_path / "gateway.yaml"
    path.write_text(
        "models:\n"
        "  intermediary: {backend: llamacpp, model: nowhere.gguf}\n"
        "  expert: {backend: litellm, model: mistral/mistral-large-latest}\n"
    )
    done = cli.invoke(commands(), ["doctor", "--config", str(path), "--port", "0"])
    assert done.exit_code == 1
    assert f"{tmp_path / 'nowhere.gguf'} is missing" in done.output
    assert "export MISTRAL_API_KEY=…" in done.output


def test_the_doctor_names_a_model_that_does_not_answer(tmp_path: Path) -> None:
    bound = bind("127.0.0.1", 0)
    port = bound.getsockname()[1]
    bound.close()
    path = tmp_path / "gateway.yaml"
    path.write_text(
        "models: {intermediary: {backend: vllm, model: m, "
        f"base_url: 'http://127.0.0.1:{port}/v1'}}}}\n"
    )
    found = list(doctor.examine(path, 0))
    [model] = [finding for finding in found if finding.what == "intermediary"]
    assert not model.well
    assert "does not answer" in model.told
    assert "vllm serve" in model.mend


def test_the_doctor_stops_at_a_broken_configuration(tmp_path: Path) -> None:
    path = tmp_path / "gateway.yaml"
    path.write_text("x: 1")
    found = list(doctor.examine(path, 0))
    assert [finding.well for finding in found] == [True, False]
