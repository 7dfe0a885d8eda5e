"""`gateway tools lint`: what models will trip over in the registered definitions."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from gateway.cli.exits import Exit, explained, fail
from gateway.cli.target import Config, Url, target

if TYPE_CHECKING:
    from tools.spec import ToolSpec

Least = Literal["A", "B", "C", "D", "E"]


def lint(
    names: Annotated[list[str] | None, typer.Argument(help="Only these tools.")] = None,
    *,
    least: Annotated[Least, typer.Option(help="Exit with 1 where a grade is below.")] = "E",
    url: Url = None,
    config: Config = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")] = False,
) -> None:
    """Grade the tools from A to E, and say what would make each easier to use rightly."""
    with explained(), target(url, config) as gateway:
        listed: list[dict[str, Any]] = gateway.get("/v1/tools")["data"]
    known = {tool["name"]: tool for tool in listed}
    if missing := [name for name in names or () if name not in known]:
        fail(f"no tool {missing[0]!r} is registered", code=Exit.NO)
    reports = _reports(listed, names or list(known))
    if as_json:
        typer.echo(json.dumps(reports, ensure_ascii=False, indent=2))
    else:
        _print(reports)
    if any(report["grade"] > least for report in reports):
        raise typer.Exit(Exit.NO)


def _reports(listed: list[dict[str, Any]], names: list[str]) -> list[dict[str, Any]]:
    from routing.grammar.subset import expressible
    from tools.lint import Linter, grade

    specs = {tool["name"]: _spec(tool) for tool in listed}
    linter = Linter(list(specs.values()))
    reports: list[dict[str, Any]] = []
    for name in names:
        findings = linter.findings(specs[name])
        _, not_enforced = expressible(specs[name].parameters)
        reports.append(
            {
                "name": name,
                "grade": grade(findings),
                "findings": [asdict(each) for each in findings],
                "not_in_grammar": list(not_enforced),
            }
        )
    return reports


def _spec(tool: dict[str, Any]) -> ToolSpec:
    from tools.spec import ToolSpec

    return ToolSpec(tool["name"], tool["description"], tool["parameters"])


def _print(reports: list[dict[str, Any]]) -> None:
    for report in reports:
        typer.secho(f"{report['grade']}  {report['name']}", bold=True)
        for each in report["findings"]:
            typer.echo(f"   {each['where']}: {each['advice']}")
        for path in report["not_in_grammar"]:
            typer.echo(f"   {path}: no grammar can say this; the gateway checks it after the model")
