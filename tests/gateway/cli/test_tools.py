from __future__ import annotations

import json

import httpx
from typer.testing import CliRunner

from gateway.cli import commands

from .conftest import Serve

cli = CliRunner()


def test_tools_are_listed_with_what_they_do_to_the_world(serve: Serve) -> None:
    done = cli.invoke(commands(), ["tools", "list", "--url", serve()])
    assert done.exit_code == 0, done.output
    assert "calculate" in done.output
    assert "reads" in done.output


def test_a_tool_on_its_way_out_is_listed_with_the_word_that_was_said_of_it(serve: Serve) -> None:
    url = serve()
    registration = {
        "name": "abacus",
        "description": "Count [slowly].",
        "parameters": {"type": "object"},
        "executor": {"kind": "http", "method": "GET", "url": "https://x.example/"},
    }
    httpx.post(f"{url}/v1/tools", json=registration).raise_for_status()
    said = {"deprecated": "use calculate"}
    httpx.post(f"{url}/v1/tools/abacus/versions/1", json=said).raise_for_status()
    lines = cli.invoke(commands(), ["tools", "list", "--url", url]).output.splitlines()
    [at] = [index for index, line in enumerate(lines) if line.startswith("abacus")]
    assert "deprecated: use calculate" in lines[at]
    assert "Count [slowly]." in lines[at + 1]
    assert sum("deprecated" in line for line in lines) == 1


def test_a_list_for_machines_is_json(serve: Serve) -> None:
    done = cli.invoke(commands(), ["tools", "list", "--json", "--url", serve()])
    assert [tool["name"] for tool in json.loads(done.stdout)] == ["calculate"]


def test_a_definition_is_shown(serve: Serve) -> None:
    done = cli.invoke(commands(), ["tools", "show", "calculate", "--url", serve()])
    assert json.loads(done.stdout)["parameters"]["required"] == ["expression"]


def test_a_call_gives_its_result(serve: Serve) -> None:
    done = cli.invoke(
        commands(), ["tools", "call", "calculate", '{"expression": "1 + 1"}', "--url", serve()]
    )
    assert done.exit_code == 0, done.output
    assert json.loads(json.loads(done.stdout)["content"]) == {"result": "2"}


def test_a_dry_call_is_told_and_not_made(serve: Serve) -> None:
    arguments = '{"expression": "1 + 1"}'
    done = cli.invoke(
        commands(), ["tools", "call", "--dry-run", "calculate", arguments, "--url", serve()]
    )
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["dry_run"] is True
    assert json.loads(told["content"])["would_send"]["arguments"] == {"expression": "1 + 1"}


def test_a_failing_tool_ends_with_one(serve: Serve) -> None:
    done = cli.invoke(
        commands(), ["tools", "call", "calculate", '{"expression": "?"}', "--url", serve()]
    )
    assert done.exit_code == 1
    assert "this is no expression" in done.output


def test_arguments_that_break_the_schema_are_refused_in_words(serve: Serve) -> None:
    done = cli.invoke(commands(), ["tools", "call", "calculate", '{"expr": 1}', "--url", serve()])
    assert done.exit_code == 1
    assert "error:" in done.output
    assert "expr" in done.output


def test_arguments_that_are_no_json_are_a_usage_error(serve: Serve) -> None:
    done = cli.invoke(commands(), ["tools", "call", "calculate", "6 * 7", "--url", serve()])
    assert done.exit_code == 2
    assert "no JSON" in done.output


def test_an_unknown_tool_is_told(serve: Serve) -> None:
    done = cli.invoke(commands(), ["tools", "show", "calc", "--url", serve()])
    assert done.exit_code == 1
    assert "calc" in done.output
