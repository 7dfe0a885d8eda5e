"""`gateway tools lint`: what models will trip over in the registered definitions, and what they cost."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal
from urllib.parse import quote

import typer

from gateway.cli.exits import Exit, explained, fail
from gateway.cli.target import Config, Url, target

Least = Literal["A", "B", "C", "D", "E"]


def lint(
    names: Annotated[list[str] | None, typer.Argument(help="Only these tools.")] = None,
    *,
    least: Annotated[Least, typer.Option(help="Exit with 1 where a grade is below.")] = "E",
    targets: Annotated[
        bool, typer.Option("--targets", help="Tell what each engine makes of the schemas.")
    ] = False,
    url: Url = None,
    config: Config = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")] = False,
) -> None:
    """Grade the tools from A to E, say what they cost and what would make each easier to use rightly."""
    with explained(), target(url, config) as gateway:
        listed: list[dict[str, Any]] = gateway.get("/v1/tools")["data"]
        known = {tool["name"] for tool in listed}
        if missing := [name for name in names or () if name not in known]:
            fail(f"no tool {missing[0]!r} is registered", code=Exit.NO)
        asked = names or [tool["name"] for tool in listed]
        reports = [gateway.get(f"/v1/tools/{quote(name, safe='')}/report") for name in asked]
    if as_json:
        typer.echo(json.dumps(reports, ensure_ascii=False, indent=2))
    else:
        for report in reports:
            _print(report, targets=targets)
    if any(report["grade"] > least for report in reports):
        raise typer.Exit(Exit.NO)


def _print(report: dict[str, Any], *, targets: bool) -> None:
    costs = ", ".join(_cost(each) for each in report["tokens"])
    typer.secho(f"{report['grade']}  {report['name']}", bold=True, nl=not costs)
    if costs:
        typer.secho(f"  {costs}", dim=True)
    for each in report["findings"]:
        typer.echo(f"   {each['where']}: {each['advice']}")
    if apart := report["isolation"]:
        network = "the network" if apart["network"] else "no network"
        typer.echo(f"   each call in a process of its own: {apart['memory_mb']} MB, {network}")
    grammar = report["targets"][0]
    for path in grammar["not_enforced"]:
        typer.echo(f"   {path}: no grammar can say this; the gateway checks it after the model")
    if targets:
        for each in report["targets"]:
            _print_target(each)


def _cost(cost: dict[str, Any]) -> str:
    counted = f"by {cost['model']}'s tokenizer" if cost["exact"] else f"guessed for {cost['model']}"
    return f"{cost['tokens']} tokens ({counted})"


def _print_target(each: dict[str, Any]) -> None:
    typer.echo(f"   {each['target']}: {_told(each['tried'])}")
    for kind in ("not_enforced", "never_generated", "refused"):
        if each[kind]:
            typer.echo(f"      {kind.replace('_', ' ')}: {', '.join(each[kind])}")


def _told(tried: dict[str, Any] | None) -> str:
    if tried is None:
        return "does not take this schema"
    all_ = tried["alike"] + tried["wider"] + tried["narrower"]
    said = f"judges {tried['alike']} of {all_} tried arguments like the schema"
    if tried["wider"]:
        said += f", lets {tried['wider']} wrong ones through"
    return said + (f", never generates {tried['narrower']}" if tried["narrower"] else "")
