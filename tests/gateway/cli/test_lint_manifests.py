"""`gateway tools lint MANIFEST`: without a gateway."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gateway.cli import commands

cli = CliRunner()
ROOT = Path(__file__).parents[3]

GOOD = """\
- name: find_customer
  description: Find customers by their name or number.
  parameters:
    type: object
    required: [query]
    additionalProperties: false
    properties:
      query: {type: string, description: A name or a number.}
  annotations: {read_only: true}
  executor: {kind: http, method: GET, url: "https://crm.example/v1/customers"}
- {kind: mcp, name: time, command: [no-such-program], env: {TOKEN: "${NOT_SET}"}}
- {kind: openapi, name: far, spec: "https://far.example/openapi.json"}
"""

ZOO = """\
openapi: 3.1.0
info: {title: Zoo, version: "1"}
servers: [{url: https://zoo.example/v1}]
paths:
  /animals:
    get: {operationId: list_animals, summary: List all animals, description: All of them.}
  /photo:
    post: {operationId: photo, requestBody: {required: true, content: {image/png: {}}}}
"""


@pytest.fixture(autouse=True)
def working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    return tmp_path


def lint(*arguments: str) -> Any:
    return cli.invoke(commands(), ["tools", "lint", *arguments], env={"COLUMNS": "200"})


def found(*arguments: str) -> dict[str, Any]:
    return json.loads(lint(*arguments, "--json").stdout)


def test_a_manifest_is_graded_against_every_target_without_a_gateway() -> None:
    Path("tools.yaml").write_text(GOOD)
    done = lint("tools.yaml")
    assert done.exit_code == 0, done.output
    assert "A  find_customer  " in done.output
    assert "llguidance  xgrammar  strict  Draft 7" in done.output
    assert "tools.yaml: time is an MCP server, which alone knows its tools" in done.output
    assert "tools.yaml: far is at a URL; --connect fetches it" in done.output
    assert "1 file: 1 tool (1 A), 0 errors" in done.output
    assert "judges" in lint("tools.yaml", "--targets").output


def test_a_tool_on_its_way_out_is_told_to_who_looks_at_it() -> None:
    said = "  aliases: [stable]\n  deprecated: {reason: it is slow, replacement: find_customers}\n"
    Path("tools.yaml").write_text(GOOD.replace("- {kind: mcp", said + "- {kind: mcp", 1))
    assert "   deprecated: it is slow; use find_customers\n" in lint("tools.yaml").output
    [report] = found("tools.yaml")["tools"]
    assert report["aliases"] == ["stable"]
    assert report["deprecated"] == "it is slow; use find_customers"


def test_machines_get_reports_with_the_place_of_every_finding() -> None:
    Path("tools.yaml").write_text(GOOD.replace(", description: A name or a number.", ""))
    told = found("tools.yaml")
    [report] = told["tools"]
    assert (report["kind"], report["file"], report["line"]) == ("http", "tools.yaml", 1)
    assert [(each["kind"], each["line"], each["column"]) for each in report["findings"]] == [
        ("undescribed", 8, 7)
    ]
    assert len(report["targets"]) == 4
    assert [each["exact"] for each in report["tokens"]] == [True]
    assert (told["problems"], len(told["skipped"])) == ([], 2)


def test_the_exit_code_tells_a_grade_that_is_too_low_and_anything_that_is_wrong() -> None:
    Path("tools.yaml").write_text(GOOD.replace("Find customers by their name or number.", "''"))
    assert lint("tools.yaml").exit_code == 0
    assert lint("tools.yaml", "--min-grade", "B").exit_code == 1
    Path("tools.yaml").write_text(GOOD + "- {kind: pyton}\n")
    assert lint("tools.yaml").exit_code == 1
    assert lint("gone.yaml").exit_code == 2
    assert "error: there is no gone.yaml" in lint("gone.yaml").output
    assert lint("tools.yaml", "calculate").exit_code == 2


def test_what_is_wrong_is_shown_in_its_line_and_hides_no_tool() -> None:
    wrong = GOOD.replace("type: string", "type: strin") + "- {kind: python, function: 'gone_x:y'}\n"
    Path("tools.yaml").write_text(wrong + GOOD.partition("- {kind")[0])
    done = lint("tools.yaml")
    assert "tools.yaml:8:21 error $[0].parameters.properties.query.type" in done.output
    assert "   8 │       query: {type: strin, description: A name or a number.}\n" in done.output
    assert "     │                     ^\n" in done.output
    assert "→ write string, number, integer" in done.output
    assert "tools.yaml:13:28 error $[3].function" in done.output
    assert "1 file: 1 tool (1 A), 2 errors" in done.output


def test_a_line_in_which_a_secret_may_stand_is_not_shown() -> None:
    headers = "{kind: http, method: GETT, headers: {X-Password: hunter2}"
    Path("tools.yaml").write_text(GOOD.replace("{kind: http, method: GET", headers))
    done = lint("tools.yaml")
    assert "error $[0].executor.method" in done.output
    assert "hunter2" not in done.output
    assert "hunter2" not in str(found("tools.yaml"))


def test_a_folder_is_taken_whole_and_operations_that_are_no_tools_are_told() -> None:
    Path("all").mkdir()
    Path("all/zoo.yaml").write_text(ZOO)
    Path("all/a.yaml").write_text("{kind: openapi, name: zoo, spec: zoo.yaml}")
    Path("all/b.yaml").write_text(GOOD.partition("- {kind")[0])
    done = lint("all")
    assert "all/zoo.yaml is no manifest and was passed over" in done.output
    assert "all/a.yaml: POST /photo is no tool: bodies are sent as" in done.output
    assert "A  list_animals" in done.output
    assert "2 files: 2 tools" in done.output
    told = found("all")
    assert told["tools"][0]["pointer"] == "#/paths/~1animals/get"
    assert told["refused"][0]["where"] == "#/paths/~1photo/post/requestBody/content"
    Path("all/b.yaml").unlink()
    Path("all/a.yaml").unlink()
    assert lint("all").exit_code == 2


def test_mcp_servers_are_asked_when_it_is_said() -> None:
    server = ROOT / "tests" / "tools" / "mcp" / "server.py"
    command = json.dumps([sys.executable, str(server), "stdio", "calls.log"])
    Path("tools.yaml").write_text(
        f"- {{kind: mcp, name: own, command: {command}, overrides: {{nothing: {{timeout_s: 3}}}}}}\n"
        "- {kind: mcp, name: gone, command: [no-such-program]}\n"
    )
    # A process of its own: the SDK hands its standard error on, which a test's runner has replaced.
    program = [sys.executable, "-c", "from gateway.cli import main; main()"]
    done = subprocess.run(
        [*program, "tools", "lint", "tools.yaml", "--connect", "--json"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    told = json.loads(done.stdout)
    assert len(told["tools"]) > 0
    assert {each["name"].partition("_")[0] for each in told["tools"]} == {"own"}
    assert [(each["line"], each["path"]) for each in told["problems"]] == [
        (1, "$[0].overrides.nothing"),
        (2, "$[1].name"),
    ]
    assert "there is no program" in told["problems"][1]["why"]


def test_the_schema_of_manifests_is_printed_for_editors() -> None:
    schema = json.loads(cli.invoke(commands(), ["tools", "schema"]).stdout)
    assert set(schema["$defs"]["Entry"]["anyOf"][0]) == {"$ref"}
