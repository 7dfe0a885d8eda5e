"""`gateway tools preview`: what a document would give, before anything is registered."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner

from gateway.cli import commands

cli = CliRunner()
DOCUMENTS = Path(__file__).parents[2] / "tools" / "openapi" / "documents"
PETS = str(DOCUMENTS / "pets_2_0.json")
AUTH = ["--auth", "api_key=TOOL_KEY", "--auth", "query_key=TOOL_KEY", "--auth", "petstore_auth="]


def test_tools_and_what_is_no_tool_are_shown_with_the_reason() -> None:
    done = cli.invoke(commands(), ["tools", "preview", PETS, *AUTH], env={"COLUMNS": "300"})
    assert done.exit_code == 0, done.output
    assert "Swagger Petstore: 5 tools" in done.output
    assert "GET /pet/{petId}" in done.output
    assert "destroys" in done.output
    assert "1 are no tools" in done.output
    assert "consumed: multipart/form-data" in done.output


def test_machines_get_json() -> None:
    done = cli.invoke(
        commands(),
        ["tools", "preview", PETS, *AUTH, "--include", "getPetById", "--prefix", "p_", "--json"],
    )
    found = json.loads(done.stdout)
    [tool] = found["tools"]
    assert (tool["name"], tool["operation"], tool["effect"]) == (
        "p_getPetById",
        "GET /pet/{petId}",
        "read",
    )
    assert tool["parameters"]["required"] == ["petId"]
    assert found["refused"] == []


def test_how_many_are_excluded_is_told() -> None:
    done = cli.invoke(commands(), ["tools", "preview", PETS, *AUTH, "--exclude", "* /pet/*"])
    assert "5 operations are excluded" in done.output


def test_without_authentication_the_answer_says_what_to_set() -> None:
    done = cli.invoke(commands(), ["tools", "preview", PETS], env={"COLUMNS": "300"})
    assert done.exit_code == 1
    assert "set auth for api_key, to the name of a TOOL_… variable" in done.output


def test_a_document_that_can_not_be_read_is_told() -> None:
    done = cli.invoke(commands(), ["tools", "preview", "nowhere.yaml"])
    assert done.exit_code == 1
    assert "nowhere.yaml: can't be read" in done.output
