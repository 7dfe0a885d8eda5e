"""`gateway tools lint`: what models will trip over in definitions, and what they cost.

Of a manifest, offline (`gateway.cli.lint_manifests`), or of the tools of a gateway.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote

import typer

from gateway.cli.exits import Exit, explained, fail
from gateway.cli.target import Config, Url, target

Grade = Literal["A", "B", "C", "D", "E"]


def lint(
    what: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[MANIFEST|TOOL]...", help="Files or folders of manifests; or only these tools."
        ),
    ] = None,
    *,
    min_grade: Annotated[Grade, typer.Option(help="Exit with 1 where a grade is below.")] = "E",
    targets: Annotated[
        bool, typer.Option("--targets", help="Tell what each engine makes of the schemas.")
    ] = False,
    connect: Annotated[
        bool,
        typer.Option(
            "--connect",
            help="Of a manifest: start or ask its MCP servers, fetch documents at URLs.",
        ),
    ] = False,
    url: Url = None,
    config: Config = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")] = False,
) -> None:
    """Grade tools from A to E, say what they cost and what would make each easier to use rightly.

    Of the manifests that are named, without a gateway: exit code 1 for anything that is wrong with them. Else of
    the tools of the gateway at --url, or of one that is started.
    """
    paths = [Path(each) for each in what or () if url is None and _is_path(each)]
    if paths:
        from gateway.cli.lint_manifests import lint_manifests

        if len(paths) < len(what or ()):
            fail("name manifests or tools, not both", code=Exit.USAGE)
        with explained():
            linted = lint_manifests(paths, config, connect=connect)
        if as_json:
            typer.echo(json.dumps(linted.as_data(), ensure_ascii=False, indent=2))
        else:
            from gateway.cli.lint_view import show_manifests

            show_manifests(linted, targets=targets)
        wrong, reports = bool(linted.problems), linted.reports
    else:
        wrong, reports = False, _of_gateway(what or [], url, config)
        if as_json:
            typer.echo(json.dumps(reports, ensure_ascii=False, indent=2))
        else:
            from gateway.cli.lint_view import show_reports

            show_reports(reports, targets=targets)
    if wrong or any(report["grade"] > min_grade for report in reports):
        raise typer.Exit(Exit.NO)


def _is_path(text: str) -> bool:
    """A tool's name has neither dots nor slashes; a folder may be named like one."""
    return "/" in text or "." in text or Path(text).exists()


def _of_gateway(names: list[str], url: str | None, config: Path | None) -> list[dict[str, Any]]:
    with explained(), target(url, config) as gateway:
        listed: list[dict[str, Any]] = gateway.get("/v1/tools")["data"]
        known = {tool["name"] for tool in listed}
        if missing := [name for name in names if name not in known]:
            fail(f"no tool {missing[0]!r} is registered", code=Exit.NO)
        asked = names or [tool["name"] for tool in listed]
        return [gateway.get(f"/v1/tools/{quote(name, safe='')}/report") for name in asked]
